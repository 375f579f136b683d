"""Robot description: it expands, two independent parsers read it, and it agrees with the closed-form kinematics."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pybullet
import pytest
import xacro
import yaml
from pytransform3d.rotations import matrix_from_axis_angle
from pytransform3d.urdf import Joint, UrdfTransformManager, parse_urdf

from teleop_core import cart, ecm_kinematics, psm_kinematics, se3
from teleop_core.contract import EYES, INSTRUMENT_ARMS, STREAMS
from teleop_ros import robot_description

ROOT = Path(__file__).resolve().parents[2]
ALL_ARMS = tuple(cart.PLACEMENTS)
LIMITS = psm_kinematics.JOINT_LIMITS
FINGERS = ("left", "right")
STEP = 0.001  # Physics step of the simulation [s].


@pytest.fixture(scope="module")
def urdf() -> str:
    """URDF text with all four arms."""
    return robot_description.expand(ALL_ARMS)


@pytest.fixture(scope="module")
def joints(urdf: str) -> dict[str, Joint]:
    """Joints by name, as pytransform3d's parser reads them."""
    return {joint.joint_name: joint for joint in parse_urdf(urdf)[2]}


@pytest.fixture
def simulation(urdf: str, tmp_path: Path):
    """PyBullet with the robot loaded: client, body, and the index of each joint and each link by name."""
    path = tmp_path / "robot.urdf"
    path.write_text(urdf)
    client = pybullet.connect(pybullet.DIRECT)
    body = pybullet.loadURDF(str(path), useFixedBase=True, physicsClientId=client)
    count = pybullet.getNumJoints(body, physicsClientId=client)
    infos = [pybullet.getJointInfo(body, index, physicsClientId=client) for index in range(count)]
    yield client, body, {info[1].decode(): info[0] for info in infos}, {info[12].decode(): info[0] for info in infos}
    pybullet.disconnect(client)


def transforms_of(joint: Joint, values: np.ndarray) -> np.ndarray:
    """Transforms from the child to the parent of a joint (n, 4, 4) at its values (n,)."""
    moved = np.broadcast_to(np.eye(4), (len(values), 4, 4)).copy()
    if joint.joint_type == "prismatic":
        moved[:, :3, 3] = values[:, np.newaxis] * joint.joint_axis
    elif joint.joint_type == "revolute":
        moved[:, :3, :3] = [matrix_from_axis_angle((*joint.joint_axis, value)) for value in values]
    return joint.child2parent @ moved


def chain(joints: dict[str, Joint], names: list[str], values: np.ndarray) -> np.ndarray:
    """Product of the transforms of these joints (n, 4, 4); values (n, number of joints), fixed joints ignore theirs."""
    transform = np.broadcast_to(np.eye(4), (len(values), 4, 4))
    for column, name in enumerate(names):
        transform = transform @ transforms_of(joints[name], values[:, column])
    return transform


def configurations(count: int) -> np.ndarray:
    """Random joint values of an instrument arm (count, 6), all over the limits."""
    return np.random.default_rng(5).uniform(LIMITS.lower, LIMITS.upper, (count, 6))


@pytest.mark.parametrize("arm", INSTRUMENT_ARMS)
def test_forward_kinematics_agree_on_ten_thousand_poses(joints: dict[str, Joint], arm: str):
    """From the arm's base to its tip the description and the closed form are the same to 1e-9 m and 1e-9 rad."""
    q = configurations(10_000)
    names = [f"{arm}_{joint}" for joint in psm_kinematics.JOINT_NAMES] + [f"{arm}_tool_tip_joint"]
    described = chain(joints, names, np.column_stack([q, np.zeros(len(q))]))
    computed = [psm_kinematics.forward(row) for row in q]
    position_error = np.linalg.norm(described[:, :3, 3] - [position for position, _ in computed], axis=1)
    rotation_error = np.abs(described[:, :3, :3] - [rotation for _, rotation in computed])
    assert position_error.max() <= 1e-9
    assert rotation_error.max() <= 1e-9


def test_whole_tree_agrees_in_a_transform_manager(urdf: str):
    """A library that walks the whole tree from the cart frame finds every tip where the table of bases puts it."""
    manager = UrdfTransformManager()
    manager.load_urdf(urdf)
    for q, arm in itertools.product(configurations(20), INSTRUMENT_ARMS):
        for joint, value in zip(psm_kinematics.JOINT_NAMES, q, strict=True):
            manager.set_joint(f"{arm}_{joint}", value)
        expected = se3.compose(cart.base_pose_in_cart(arm), psm_kinematics.forward_pose(q)).matrix()
        np.testing.assert_allclose(manager.get_transform(f"{arm}_tool_tip", "cart"), expected, atol=1e-9)


@pytest.mark.parametrize("arm", ALL_ARMS)
def test_bases_stand_where_the_table_says(joints: dict[str, Joint], arm: str):
    """The placement of each arm in the description is that of the table."""
    expected = cart.base_pose_in_cart(arm).matrix()
    np.testing.assert_allclose(joints[f"{arm}_base_joint"].child2parent, expected, atol=1e-12)
    assert joints[f"{arm}_base_joint"].parent == "cart"


def test_phantom_stands_at_the_centre_of_the_task(joints: dict[str, Joint]):
    """The peg board's surface is where the table says."""
    np.testing.assert_allclose(joints["phantom_joint"].child2parent[:3, 3], cart.TASK_CENTRE_IN_CART, atol=1e-12)


@pytest.mark.parametrize("arm", INSTRUMENT_ARMS)
def test_fingers_are_as_long_as_the_jaw(urdf: str, arm: str):
    """From the wrist yaw axis to the end of each finger's collision shape it is the length that the kinematics name."""
    for side in FINGERS:
        shape = ElementTree.fromstring(urdf).find(f"./link[@name='{arm}_jaw_finger_{side}']/collision")
        middle = float(shape.find("origin").get("xyz").split()[1])
        size = float(shape.find("geometry/box").get("size").split()[1])
        assert middle + size / 2.0 == pytest.approx(psm_kinematics.LENGTH_JAW)


def test_camera_of_the_description_is_that_of_the_table(joints: dict[str, Joint]):
    """Both eyes' optical frames lie half the baseline beside the camera's pose, for any pose of the camera arm."""
    names = ["ECM_base_joint", *(f"ECM_{joint}" for joint in ecm_kinematics.ECM_JOINT_NAMES)]
    for q in np.random.default_rng(6).uniform(
        ecm_kinematics.ECM_LIMITS.lower, ecm_kinematics.ECM_LIMITS.upper, (50, 4)
    ):
        camera = cart.camera_pose_in_cart(q)
        for eye, side in (("left", -0.5), ("right", 0.5)):
            values = np.array([[0.0, *q, 0.0]])
            described = chain(joints, [*names, f"ECM_{eye}_optical_joint"], values)[0]
            np.testing.assert_allclose(described[:3, :3], camera.rotation(), atol=1e-9)
            offset = camera.rotation().T @ (described[:3, 3] - camera.position)
            np.testing.assert_allclose(offset, [side * cart.STEREO_BASELINE, 0.0, 0.0], atol=1e-9)


def test_camera_arm_of_the_description_is_that_of_the_closed_form(joints: dict[str, Joint]):
    """From its base to the display frame the description and the closed form are the same to 1e-9 m and 1e-9."""
    limits = ecm_kinematics.ECM_LIMITS
    q = np.random.default_rng(7).uniform(limits.lower, limits.upper, (10_000, 4))
    names = [f"ECM_{joint}" for joint in ecm_kinematics.ECM_JOINT_NAMES] + ["ECM_display_joint"]
    described = chain(joints, names, np.column_stack([q, np.zeros(len(q))]))
    computed = [ecm_kinematics.forward(row) for row in q]
    np.testing.assert_allclose(described[:, :3, 3], [position for position, _ in computed], atol=1e-9)
    np.testing.assert_allclose(described[:, :3, :3], [rotation for _, rotation in computed], atol=1e-9)


@pytest.mark.parametrize("arm", INSTRUMENT_ARMS)
@pytest.mark.parametrize(
    ("hand", "picture"),
    [((1, 0, 0), (-1, 0, 0)), ((0, 1, 0), (0, -1, 0)), ((0, 0, 1), (0, 0, 1))],
    ids=["left", "up", "away"],
)
def test_tool_moves_in_the_picture_as_the_hand_does(joints: dict[str, Joint], arm: str, hand: tuple, picture: tuple):
    """A hand moved left, up or away (display axes) moves the tool left, up or away in the left eye's picture."""
    q_ready = cart.ready_configuration(arm)
    position, rotation = psm_kinematics.forward(q_ready)
    step_in_base = cart.rotation_display_in_base(arm) @ (0.01 * np.array(hand))
    q_moved = psm_kinematics.inverse(position + step_in_base, rotation, q_ready)

    camera_names = [
        "ECM_base_joint",
        *(f"ECM_{joint}" for joint in ecm_kinematics.ECM_JOINT_NAMES),
        "ECM_left_optical_joint",
    ]
    camera_values = np.array([[0.0, *cart.ready_configuration("ECM"), 0.0]])
    cart_in_eye = np.linalg.inv(chain(joints, camera_names, camera_values)[0])
    arm_names = [f"{arm}_base_joint", *(f"{arm}_{joint}" for joint in psm_kinematics.JOINT_NAMES)]
    tips = chain(joints, arm_names, np.array([[0.0, *q_ready], [0.0, *q_moved]]))[:, :, 3]
    before, after = (cart_in_eye @ tip for tip in tips)
    np.testing.assert_allclose((after - before)[:3], 0.01 * np.array(picture), atol=1e-9)


@pytest.mark.parametrize(("arm", "side"), [("PSM1", 1), ("PSM2", -1), ("PSM3", -1)])
def test_ready_tools_are_in_view(arm: str, side: int):
    """Each tool starts in view on its side of the picture, over the board, its shaft well past the remote centre."""
    q = cart.ready_configuration(arm)
    tip = se3.compose(cart.base_pose_in_cart(arm), psm_kinematics.forward_pose(q))
    right, down, forward = se3.compose(se3.inverse(cart.camera_pose_in_cart()), tip).position
    assert 0.08 <= forward <= 0.20
    assert 0.0 < side * right <= 0.4 * forward
    assert abs(down) <= 0.3 * forward
    assert 0.015 <= tip.position[2] - cart.TASK_CENTRE_IN_CART[2] <= 0.05
    assert psm_kinematics.rcm_depth(q) >= 0.060


@pytest.mark.parametrize("arm", INSTRUMENT_ARMS)
def test_ready_leaves_room_to_work(arm: str):
    """From ready the tool can move 3 cm and turn 60 degrees in every direction within its limits, in one branch."""
    q_ready = cart.ready_configuration(arm)
    assert (q_ready[4:] == 0.0).all()
    position, rotation = psm_kinematics.forward(q_ready)
    display = cart.rotation_display_in_base(arm)
    axes = [np.array(axis) / np.linalg.norm(axis) for axis in itertools.product((-1, 0, 1), repeat=3) if any(axis)]
    turns = [np.eye(3), *(matrix_from_axis_angle((*axis, np.radians(60.0))) for axis in axes)]
    for offset, turn in itertools.product(itertools.product((-0.03, 0.0, 0.03), repeat=3), turns):
        q = psm_kinematics.inverse(position + display @ offset, turn @ rotation, q_ready)
        assert ((LIMITS.lower <= q) & (q <= LIMITS.upper)).all(), (offset, q)
        assert psm_kinematics.rcm_depth(q) >= 0.060


def test_unknown_arm_has_no_place():
    """Asking for an arm that is not on the cart names the arm."""
    with pytest.raises(ValueError, match="PSM9"):
        cart.base_pose_in_cart("PSM9")


@pytest.mark.parametrize("arm", INSTRUMENT_ARMS)
def test_limits_of_the_description_are_those_of_the_kinematics(simulation: tuple, arm: str):
    """Positions, velocities and efforts in the description are the kinematics' limits, the jaw included."""
    client, body, joint_indices, _ = simulation
    names = (*psm_kinematics.JOINT_NAMES, psm_kinematics.JAW_NAME)
    infos = [pybullet.getJointInfo(body, joint_indices[f"{arm}_{name}"], physicsClientId=client) for name in names]
    jaw = psm_kinematics.JAW_LIMITS
    for field, group, of_jaw in (
        (8, LIMITS.lower, jaw.lower),
        (9, LIMITS.upper, jaw.upper),
        (10, LIMITS.effort, jaw.effort),
        (11, LIMITS.velocity, jaw.velocity),
    ):
        np.testing.assert_allclose([info[field] for info in infos], [*group, *of_jaw], atol=1e-9)


def test_limits_of_the_camera_arm_are_those_of_the_table(simulation: tuple):
    """The camera arm's limits in the description are those of the table."""
    client, body, joint_indices, _ = simulation
    for index, name in enumerate(ecm_kinematics.ECM_JOINT_NAMES):
        info = pybullet.getJointInfo(body, joint_indices[f"ECM_{name}"], physicsClientId=client)
        limits = ecm_kinematics.ECM_LIMITS
        expected = (limits.lower[index], limits.upper[index], limits.effort[index], limits.velocity[index])
        np.testing.assert_allclose(info[8:12], expected, atol=1e-9)


def test_pybullet_finds_the_tips_where_the_closed_form_does(simulation: tuple):
    """PyBullet's own forward kinematics agree to 1e-6 m, the limit of its single precision."""
    client, body, joint_indices, link_indices = simulation
    for q, arm in itertools.product(configurations(50), INSTRUMENT_ARMS):
        for name, value in zip(psm_kinematics.JOINT_NAMES, q, strict=True):
            pybullet.resetJointState(body, joint_indices[f"{arm}_{name}"], value, physicsClientId=client)
        state = pybullet.getLinkState(
            body, link_indices[f"{arm}_tool_tip"], computeForwardKinematics=True, physicsClientId=client
        )
        expected = se3.compose(cart.base_pose_in_cart(arm), psm_kinematics.forward_pose(q))
        np.testing.assert_allclose(state[4], expected.position, atol=1e-6)
        assert se3.quaternion_angle(state[5], expected.quaternion) <= 1e-5


def test_pybullet_finds_the_endoscope_where_the_closed_form_does(simulation: tuple):
    """PyBullet's own forward kinematics of the camera arm agree to 1e-6 m, the limit of its single precision."""
    client, body, joint_indices, link_indices = simulation
    limits = ecm_kinematics.ECM_LIMITS
    for q in np.random.default_rng(8).uniform(limits.lower, limits.upper, (50, 4)):
        for name, value in zip(ecm_kinematics.ECM_JOINT_NAMES, q, strict=True):
            pybullet.resetJointState(body, joint_indices[f"ECM_{name}"], value, physicsClientId=client)
        state = pybullet.getLinkState(
            body, link_indices["ECM_display"], computeForwardKinematics=True, physicsClientId=client
        )
        expected = se3.compose(cart.base_pose_in_cart("ECM"), ecm_kinematics.forward_pose(q))
        np.testing.assert_allclose(state[4], expected.position, atol=1e-6)
        assert se3.quaternion_angle(state[5], expected.quaternion) <= 1e-5


def test_held_arms_stand_still_under_gravity(simulation: tuple):
    """Position control within the described efforts holds every joint for half a second at 1 ms steps."""
    client, body, joint_indices, _ = simulation
    pybullet.setGravity(0.0, 0.0, -9.81, physicsClientId=client)
    pybullet.setTimeStep(STEP, physicsClientId=client)
    held = {}
    for arm in ALL_ARMS:
        names = psm_kinematics.JOINT_NAMES if arm in INSTRUMENT_ARMS else ecm_kinematics.ECM_JOINT_NAMES
        held |= {f"{arm}_{name}": value for name, value in zip(names, cart.ready_configuration(arm), strict=True)}
        if arm in INSTRUMENT_ARMS:
            held[f"{arm}_jaw"] = 0.6
            held |= {f"{arm}_jaw_finger_{side}_joint": 0.3 for side in FINGERS}
    for name, value in held.items():
        index = joint_indices[name]
        effort = pybullet.getJointInfo(body, index, physicsClientId=client)[10]
        pybullet.resetJointState(body, index, value, physicsClientId=client)
        pybullet.setJointMotorControl2(
            body, index, pybullet.POSITION_CONTROL, targetPosition=value, force=effort, physicsClientId=client
        )
    for _ in range(500):
        pybullet.stepSimulation(physicsClientId=client)
    for name, value in held.items():
        position, velocity = pybullet.getJointState(body, joint_indices[name], physicsClientId=client)[:2]
        assert abs(position - value) <= 2e-4, name
        assert abs(velocity) <= 1e-2, name


def test_every_moving_link_has_a_possible_inertia(simulation: tuple):
    """Masses are positive and the moments of inertia are those of a real body (triangle inequality)."""
    client, body, joint_indices, _ = simulation
    for index in joint_indices.values():
        dynamics = pybullet.getDynamicsInfo(body, index, physicsClientId=client)
        mass, moments = dynamics[0], sorted(dynamics[2])
        assert 0.0 < mass <= 300.0
        assert moments[0] > 0.0
        assert moments[2] <= sum(moments[:2]) * (1.0 + 1e-6)


def test_demo_arms_load_without_a_word(tmp_path: Path):
    """The arms of the demo load in PyBullet with the joints expected and without any warning printed."""
    path = tmp_path / "robot.urdf"
    path.write_text(robot_description.expand())
    script = (
        "import pybullet, sys; pybullet.connect(pybullet.DIRECT); "
        "body = pybullet.loadURDF(sys.argv[1], useFixedBase=True); "
        "kinds = [pybullet.getJointInfo(body, i)[2] for i in range(pybullet.getNumJoints(body))]; "
        "print(sum(kind != pybullet.JOINT_FIXED for kind in kinds))"
    )
    run = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    printed = [line for line in (run.stdout + run.stderr).splitlines() if "build time" not in line]
    # Two arms with six joints, the jaw and two fingers; the camera arm with four.
    assert printed == [str(2 * 9 + 4)]


def test_only_the_arms_asked_for_are_mounted():
    """Arms are chosen by name; an unknown or repeated one is refused with its name."""
    names = {joint.joint_name for joint in parse_urdf(robot_description.expand(["PSM2"]))[2]}
    assert "PSM2_yaw" in names
    assert not any(name.startswith(("PSM1", "PSM3", "ECM")) for name in names)
    with pytest.raises(ValueError, match="PSM9"):
        robot_description.expand(["PSM9"])
    with pytest.raises(ValueError, match="twice"):
        robot_description.expand(["PSM1", "PSM1"])


def test_prefix_names_every_link_and_joint():
    """With a prefix all links but the root and all joints carry it, so two robots can share a scene."""
    path = str(robot_description.description_path())
    text = xacro.process_file(path, mappings={"prefix": "left_", "arms": "PSM1 ECM"}).toxml()
    _, links, joints = parse_urdf(text)
    assert all(link.name.startswith("left_") for link in links if link.name != "world")
    assert all(joint.joint_name.startswith("left_") for joint in joints)


def test_faulty_description_is_told_with_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A description that does not expand ends in an error that names the file."""
    faulty = tmp_path / "cart.urdf.xacro"
    faulty.write_text('<robot xmlns:xacro="http://www.ros.org/wiki/xacro"><xacro:nothing/></robot>')
    monkeypatch.setattr(robot_description, "description_path", lambda: faulty)
    with pytest.raises(robot_description.RobotDescriptionError, match=str(faulty)):
        robot_description.expand()


def test_rviz_shows_the_frames_and_topics_that_exist(joints: dict[str, Joint]):
    """The configuration of RViz is valid YAML, fixed to a frame of the description, with both eyes and the robot."""
    configuration = yaml.safe_load((ROOT / "rviz" / "teleop.rviz").read_text())["Visualization Manager"]
    assert configuration["Global Options"]["Fixed Frame"] == joints["cart_joint"].child
    classes = [display["Class"] for display in configuration["Displays"]]
    for name in ("RobotModel", "TF", "Grid", "Image"):
        assert f"rviz_default_plugins/{name}" in classes
    images = {d["Topic"]["Value"] for d in configuration["Displays"] if d["Class"].endswith("/Image")}
    assert images == {STREAMS["image"].topic_for(eye=eye) for eye in EYES}
    topics = {d["Topic"]["Value"] for d in configuration["Displays"] if "Topic" in d}
    descriptions = {d["Description Topic"]["Value"] for d in configuration["Displays"] if "Description Topic" in d}
    assert topics - images == {STREAMS["virtual_fixtures"].topic}
    assert descriptions == {STREAMS["robot_description"].topic}
