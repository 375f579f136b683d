"""What a hand may ask of a tool: speed, acceleration and braking of the tip, ranges and speeds of the joints."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from teleop_core.motion_limits import (
    ENGAGE_TOLERANCE,
    LimitReason,
    MotionLimiter,
    MotionLimits,
    joint_limit_reason,
)
from teleop_core.psm_kinematics import (
    INSERTION_AT_RCM,
    INSERTION_INDEX,
    JOINT_LIMITS,
    JOINT_NAMES,
    forward_pose,
    inverse_pose,
)
from teleop_core.se3 import FloatArray, Pose, quaternion_angle

START = (0.1, -0.1, 0.14, 0.2, 0.1, -0.1)
IDENTITY = np.array([0.0, 0.0, 0.0, 1.0])
HERE = Pose(np.zeros(3), IDENTITY)
LONG = 10.0
"""A step in which every joint may go everywhere [s]."""


def along_x(distance: float, quaternion: FloatArray = IDENTITY) -> Pose:
    return Pose(np.array([distance, 0.0, 0.0]), quaternion)


def about_z(angle: float) -> FloatArray:
    return np.array([0.0, 0.0, math.sin(angle / 2.0), math.cos(angle / 2.0)])


def velocity_toward(limits: MotionLimits, way: tuple[float, ...], before: tuple[float, ...], dt: float) -> list[float]:
    """Velocity of the tip on its way from where it is, having come with the velocity `before`."""
    pose, velocity, _ = MotionLimiter(limits).toward(Pose(np.array(way), IDENTITY), HERE, np.array(before), dt)
    assert pose.position == pytest.approx(velocity * dt)
    return [float(value) for value in velocity]


def with_joint(index: int, value: float) -> tuple[float, ...]:
    return (*START[:index], value, *START[index + 1 :])


def nearby_configurations() -> Iterator[tuple[float, ...]]:
    for step in range(200):
        yield tuple(value + 0.0003 * step for value in START)


# --- the tip


def test_at_exactly_the_largest_speed_nothing_is_limited() -> None:
    """The limit itself is allowed: the pose asked for is passed on as it is, without a reason."""
    wanted = along_x(0.125)
    limits = MotionLimits(tool_speed=0.25, tool_acceleration=1.0)
    pose, velocity, reasons = MotionLimiter(limits).toward(wanted, HERE, np.array([0.25, 0.0, 0.0]), 0.5)
    assert pose is wanted
    assert list(velocity) == [0.25, 0.0, 0.0]
    assert reasons == ()


def test_at_exactly_the_largest_acceleration_nothing_is_limited() -> None:
    """A change of velocity as large as allowed is allowed."""
    wanted = along_x(0.25)
    limits = MotionLimits(tool_speed=1.0, tool_acceleration=1.0)
    pose, _, reasons = MotionLimiter(limits).toward(wanted, HERE, np.zeros(3), 0.5)
    assert pose is wanted
    assert reasons == ()


@pytest.mark.parametrize(
    ("way", "before", "reasons"),
    [
        (1.01, 2.0, (LimitReason.SPEED,)),
        (1.0, 1.0, (LimitReason.ACCELERATION,)),
        (1.01, 0.0, (LimitReason.SPEED, LimitReason.ACCELERATION)),
        (math.nan, 0.0, (LimitReason.SPEED, LimitReason.ACCELERATION)),
    ],
)
def test_every_limit_of_the_tip_is_told(way: float, before: float, reasons: tuple[LimitReason, ...]) -> None:
    """What is too fast, too sudden or both is named so; what is no number is beyond every limit."""
    limits = MotionLimits(tool_speed=2.0, tool_acceleration=1.0)
    told = MotionLimiter(limits).toward(along_x(way), HERE, np.array([before, 0.0, 0.0]), 0.5)[2]
    assert told == tuple(reason.value for reason in reasons)


def test_a_slow_tool_that_is_asked_for_more_goes_at_its_largest_speed() -> None:
    """The speed limit holds for speeds of any size, those below 1 m/s too."""
    limits = MotionLimits(tool_speed=0.25, tool_acceleration=8.0)
    assert velocity_toward(limits, (0.5, 0.0, 0.0), (0.25, 0.0, 0.0), 1.0) == [0.25, 0.0, 0.0]


def test_near_its_target_it_is_as_fast_as_it_can_still_brake() -> None:
    """With 3 m to go and 2 m/s to lose in each half second it goes at 4 m/s: 2 m now, 1 m at 2 m/s, and stands."""
    limits = MotionLimits(tool_speed=5.0, tool_acceleration=4.0)
    assert velocity_toward(limits, (3.0, 0.0, 0.0), (4.0, 0.0, 0.0), 0.5) == [4.0, 0.0, 0.0]
    assert velocity_toward(limits, (1.0, 0.0, 0.0), (4.0, 0.0, 0.0), 0.5) == [2.0, 0.0, 0.0]


def test_far_from_its_target_the_speed_limit_is_what_counts() -> None:
    """Where braking would allow more, the largest speed is not exceeded."""
    limits = MotionLimits(tool_speed=3.0, tool_acceleration=4.0)
    assert velocity_toward(limits, (3.0, 0.0, 0.0), (3.0, 0.0, 0.0), 0.5) == [3.0, 0.0, 0.0]


def test_a_small_change_to_the_allowed_velocity_is_made_at_once() -> None:
    """The velocity goes as far as allowed and no farther, even if the acceleration would suffice for more."""
    limits = MotionLimits(tool_speed=5.0, tool_acceleration=4.0)
    assert velocity_toward(limits, (3.0, 0.0, 0.0), (3.5, 0.0, 0.0), 0.5) == [4.0, 0.0, 0.0]


def test_a_large_change_is_made_straight_toward_what_is_wanted() -> None:
    """Coming from the side, the velocity turns toward the one that reaches the target, not toward a faster one."""
    limits = MotionLimits(tool_speed=5.0, tool_acceleration=4.0)
    before, wanted = np.array([0.0, 3.0, 0.0]), np.array([1.0, 0.0, 0.0])
    turned = before + 2.0 * (wanted - before) / np.linalg.norm(wanted - before)
    assert velocity_toward(limits, (0.5, 0.0, 0.0), (0.0, 3.0, 0.0), 0.5) == pytest.approx(turned)


def test_a_tip_that_is_where_it_shall_be_brakes() -> None:
    """With no way to go only the acceleration limit keeps the tip moving."""
    limits = MotionLimits(tool_speed=5.0, tool_acceleration=4.0)
    assert velocity_toward(limits, (0.0, 0.0, 0.0), (3.0, 0.0, 0.0), 0.5) == [1.0, 0.0, 0.0]


def test_it_comes_to_rest_at_its_target() -> None:
    """From rest to a far target: within both limits all the way, never a millimetre past it, and there in the end."""
    limits = MotionLimits(tool_speed=0.2, tool_acceleration=3.0)
    limiter, dt = MotionLimiter(limits), 0.005
    wanted, present, velocity = along_x(0.05), HERE, np.zeros(3)
    for _ in range(100):
        before = velocity
        present, velocity, _ = limiter.toward(wanted, present, velocity, dt)
        assert math.hypot(*velocity) <= 0.2 * (1.0 + 1e-9)
        assert math.dist(velocity, before) <= 3.0 * dt * (1.0 + 1e-9)
        assert present.position[0] <= 0.051
    assert present.position[0] == pytest.approx(0.05, abs=1e-12)
    assert math.hypot(*velocity) == pytest.approx(0.0, abs=1e-9)


def test_at_exactly_the_largest_turn_nothing_is_limited() -> None:
    """A turn as fast as allowed is passed on as it is."""
    wanted = Pose(np.zeros(3), about_z(0.7))
    limits = MotionLimits(tool_rotation_speed=quaternion_angle(wanted.quaternion, IDENTITY))
    pose, _, reasons = MotionLimiter(limits).toward(wanted, HERE, np.zeros(3), 1.0)
    assert pose is wanted
    assert reasons == ()


@pytest.mark.parametrize(("dt", "turned"), [(0.3, 0.12), (0.7, 0.28), (1.1, 0.44)])
def test_a_faster_turn_goes_part_of_the_way_and_is_told(dt: float, turned: float) -> None:
    """The tool turns about the same axis by as much as the time allows; its position is the wanted one, to the bit."""
    place = np.array([0.1, 0.2, -0.3]) / 7.0
    present = Pose(np.array([0.013, 0.007, -0.0029]) / 3.0, IDENTITY)
    limits = MotionLimits(tool_rotation_speed=0.4)
    pose, _, reasons = MotionLimiter(limits).toward(Pose(place, about_z(0.7)), present, np.zeros(3), dt)
    assert reasons == (LimitReason.ROTATION_SPEED.value,)
    assert pose.quaternion == pytest.approx(about_z(turned))
    assert pose.position.tolist() == place.tolist()


# --- the joints


@pytest.mark.parametrize("index", [0, 1, 3, 4, 5])
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_every_rotary_joint_stops_a_margin_before_the_end_of_its_range(index: int, side: str) -> None:
    """Asked to go into the margin, a joint stops at its beginning and is named."""
    margin = 0.02
    end = float(getattr(JOINT_LIMITS, side)[index])
    inward = 1.0 if side == "lower" else -1.0
    wanted = with_joint(index, end + inward * 0.5 * margin)
    present = with_joint(index, end + inward * 1.5 * margin)
    reachable = MotionLimiter(MotionLimits(joint_margin=margin)).reach(forward_pose(wanted), present, LONG)
    assert reachable.q[index] == pytest.approx(end + inward * margin, abs=1e-12)
    assert joint_limit_reason(JOINT_NAMES[index]) in reachable.reasons
    assert reachable.reasons[0] == f"{JOINT_NAMES[index]} at its limit"


def test_the_insertion_uses_its_whole_range() -> None:
    """Far in there is no margin: the end of the range is the limit, and it is told as the joint's limit."""
    far = float(JOINT_LIMITS.upper[INSERTION_INDEX])
    limiter = MotionLimiter(MotionLimits(joint_margin=0.02))
    at_the_end = limiter.reach(forward_pose(with_joint(2, far - 1e-6)), with_joint(2, far - 1e-3), LONG)
    assert at_the_end.q[INSERTION_INDEX] == pytest.approx(far - 1e-6, abs=1e-12)
    assert at_the_end.reasons == ()
    beyond = limiter.reach(forward_pose(with_joint(2, far + 1e-3)), with_joint(2, far - 1e-3), LONG)
    assert beyond.q[INSERTION_INDEX] == far
    assert beyond.reasons == (joint_limit_reason(JOINT_NAMES[INSERTION_INDEX]),)


def test_the_shaft_stays_past_the_cannula() -> None:
    """Pulled out, the insertion stops at the least depth, and the cannula is the reason."""
    least = MotionLimits().min_depth + INSERTION_AT_RCM
    pose = forward_pose(with_joint(2, least - 1e-3))
    reachable = MotionLimiter(MotionLimits()).reach(pose, with_joint(2, least + 1e-3), LONG)
    assert reachable.q[INSERTION_INDEX] == least
    assert reachable.reasons == (LimitReason.RCM_DEPTH.value,)


@pytest.mark.parametrize("outside", [-0.01, 0.01])
def test_a_joint_outside_its_range_waits_for_the_hand(outside: float) -> None:
    """It stays where it is while the hand asks for more, and follows a hand that brings it back."""
    side = JOINT_LIMITS.upper if outside > 0.0 else JOINT_LIMITS.lower
    present = with_joint(0, float(side[0]) + outside)
    limiter = MotionLimiter(MotionLimits())
    assert limiter.reach(forward_pose(with_joint(0, present[0] + outside)), present, LONG).q[0] == present[0]
    back = limiter.reach(forward_pose(with_joint(0, present[0] - 0.5 * outside)), present, LONG)
    assert back.q[0] == pytest.approx(present[0] - 0.5 * outside, abs=1e-12)


@pytest.mark.parametrize("side", ["lower", "upper"])
def test_exactly_at_the_end_of_its_range_a_joint_is_not_limited(side: str) -> None:
    """The end of the range is part of it: nothing to tell there."""
    end = float(getattr(JOINT_LIMITS, side)[0])
    inward = 1.0 if side == "lower" else -1.0
    for step in range(200):
        q = with_joint(0, end + inward * (0.02 + 0.0003 * step))
        value = float(inverse_pose(forward_pose(q), q)[0])
        margin = inward * (value - end)
        if end + inward * margin == value:
            break
    assert end + inward * margin == value
    assert MotionLimiter(MotionLimits(joint_margin=margin)).reach(forward_pose(q), q, LONG).reasons == ()
    tighter = MotionLimits(joint_margin=margin + 1e-9)
    assert MotionLimiter(tighter).reach(forward_pose(q), q, LONG).reasons == (joint_limit_reason(JOINT_NAMES[0]),)


def test_exactly_at_the_least_depth_nothing_is_limited() -> None:
    """The least depth is deep enough to follow the hand."""
    for q in nearby_configurations():
        value = float(inverse_pose(forward_pose(q), q)[INSERTION_INDEX])
        depth = value - INSERTION_AT_RCM
        if depth + INSERTION_AT_RCM == value:
            break
    assert depth + INSERTION_AT_RCM == value
    assert MotionLimiter(MotionLimits(min_depth=depth)).reach(forward_pose(q), q, LONG).reasons == ()


@pytest.mark.parametrize("index", range(6))
@pytest.mark.parametrize("sense", [1.0, -1.0])
def test_a_joint_moves_at_most_its_share_of_the_largest_speed(index: int, sense: float) -> None:
    """A far pose is approached at the share of the joint's speed that following may use, and that is told."""
    dt, share = 0.004, 0.75
    step = float(JOINT_LIMITS.velocity[index]) * share * dt
    limits = MotionLimits(tool_speed=math.inf, tool_rotation_speed=math.inf, joint_speed_share=share)
    limiter = MotionLimiter(limits)
    reachable = limiter.reach(forward_pose(with_joint(index, START[index] + 3.0 * sense * step)), START, dt)
    assert reachable.q[index] - START[index] == pytest.approx(sense * step)
    assert reachable.reasons == (LimitReason.JOINT_SPEED.value,)


@pytest.mark.parametrize("index", [4, 5])
def test_joints_that_fall_short_turn_the_tool_no_faster_than_it_may(index: int) -> None:
    """A wrist that is too fast for the tool goes as far as the tool may turn; the tip keeps to its own speed."""
    dt, limits = 0.004, MotionLimits(tool_speed=0.3, tool_rotation_speed=6.0)
    reachable = MotionLimiter(limits).reach(forward_pose(with_joint(index, START[index] + 0.3)), START, dt)
    before, after = forward_pose(START), forward_pose(reachable.q)
    assert reachable.reasons == (LimitReason.JOINT_SPEED.value,)
    assert quaternion_angle(before.quaternion, after.quaternion) == pytest.approx(6.0 * dt, rel=1e-5)
    assert math.dist(before.position, after.position) < 0.3 * dt


def test_joints_that_fall_short_move_the_tip_no_faster_than_it_may() -> None:
    """Where the place of the tip is what would be too fast, all joints go the same share of their way."""
    dt, limits = 0.02, MotionLimits(tool_speed=0.2)
    wanted = tuple(value + way for value, way in zip(START, (0.3, 0.3, -0.02, 0.02, 0.0, 0.01), strict=True))
    free = MotionLimiter(MotionLimits(tool_speed=math.inf)).reach(forward_pose(wanted), START, dt)
    kept = MotionLimiter(limits).reach(forward_pose(wanted), START, dt)
    before, after = forward_pose(START), forward_pose(kept.q)
    assert kept.reasons == free.reasons == (LimitReason.JOINT_SPEED.value,)
    assert math.dist(before.position, after.position) == pytest.approx(0.2 * dt, rel=1e-5)
    shares = np.subtract(kept.q, START) / np.subtract(free.q, START)
    assert np.delete(shares, 4) == pytest.approx(float(shares[0]), rel=1e-6)
    assert shares[0] < 1.0


def test_joints_that_all_get_there_are_not_shortened() -> None:
    """How fast a tool is led is decided before: what the joints can do is done."""
    dt, wanted = 0.004, tuple(value + 1e-4 for value in START)
    reachable = MotionLimiter(MotionLimits(tool_speed=1e-4)).reach(forward_pose(wanted), START, dt)
    assert reachable.reasons == ()
    assert reachable.q == pytest.approx(wanted, abs=1e-9)


def test_at_exactly_its_largest_speed_a_joint_is_not_limited() -> None:
    """The largest speed itself is allowed."""
    speed = float(JOINT_LIMITS.velocity[0]) * 1.0
    for q in nearby_configurations():
        wanted = with_joint(0, q[0])
        step = abs(float(inverse_pose(forward_pose(wanted), START)[0]) - START[0])
        dt = step / speed
        if step > 0.0 and speed * dt == step:
            break
    assert speed * dt == step > 0.0
    limits = MotionLimits(joint_speed_share=1.0)
    assert MotionLimiter(limits).reach(forward_pose(wanted), START, dt).reasons == ()


def test_a_pose_without_joint_positions_leaves_the_arm_where_it_is() -> None:
    """The remote centre itself cannot be reached by the tip: the present positions are given, and the reason."""
    reachable = MotionLimiter(MotionLimits()).reach(HERE, START, LONG)
    assert reachable.q == START
    assert reachable.reasons == (LimitReason.UNREACHABLE.value,)


def test_an_arm_may_be_engaged_a_little_short_of_the_least_depth() -> None:
    """The tolerance is allowed to the full and no farther."""
    limiter = MotionLimiter(MotionLimits())
    least = MotionLimits().min_depth + INSERTION_AT_RCM - ENGAGE_TOLERANCE
    assert limiter.deep_enough(with_joint(2, least))
    assert not limiter.deep_enough(with_joint(2, math.nextafter(least, 0.0)))


def test_the_joints_own_range_is_a_least_depth_too() -> None:
    """Where the range of the insertion ends before the depth does, its end counts."""
    limiter = MotionLimiter(MotionLimits(min_depth=-1.0))
    end = float(JOINT_LIMITS.lower[INSERTION_INDEX])
    assert limiter.deep_enough(with_joint(2, end - ENGAGE_TOLERANCE))
    assert not limiter.deep_enough(with_joint(2, end - ENGAGE_TOLERANCE - 1e-6))
