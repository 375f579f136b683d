"""The access policy: as committed, by the schema of SROS2 where that is installed, and by rules of our own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from teleop_cli.access_policy import (
    ASKED_BY_RECORDERS,
    OF_EVERY_NODE,
    OPERATE,
    RECORDERS,
    SERVICES,
    SERVICES_OF_EVERY_NODE,
    STATE_PUBLISHER,
    TRANSFORMS,
    Access,
    policy,
    policy_xml,
)
from teleop_core.contract import ARM_SERVICES, ARMS, MASTER_SERVICES, MASTERS, STREAMS
from teleop_core.graph import SUITE, enclave

NODES = set(SUITE)
BY_NODE = {access.node: access for access in policy()}
MOVING = ("command", "safety_state", "teleop_servo")
"""Streams with which an arm is moved: each has one speaker."""


def topics(stream: str) -> set[str]:
    """Full names of a stream's topics."""
    made = STREAMS[stream].topics(ARMS)
    return {name if name.startswith("/") else f"/{name}" for name in made}


def script(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the keystore script."""
    command = [shutil.which("bash") or "bash", str(root / "config" / "sros2" / "make_keystore.sh"), *arguments]
    ours = {name: value for name, value in os.environ.items() if name != "ROS_DOMAIN_ID"}
    return subprocess.run(command, env={**ours, **environment}, capture_output=True, text=True, check=False)


def test_the_committed_policy_is_that_of_the_tables(root: Path) -> None:
    """config/sros2/policy.xml is what `telesurgery graph --sros2` prints."""
    committed = (root / "config" / "sros2" / "policy.xml").read_text(encoding="utf-8")
    assert committed == policy_xml(), "run `telesurgery graph --sros2 > config/sros2/policy.xml`"


def test_the_policy_fits_the_schema_of_sros2(root: Path) -> None:
    """Every element and attribute is one that SROS2 knows."""
    schemas = pytest.importorskip("sros2.policy", reason="sros2, which brings the schema, is only there with ROS")
    xmlschema = pytest.importorskip("xmlschema", reason="xmlschema is not installed here")
    schema = xmlschema.XMLSchema(str(schemas.get_policy_schema("policy.xsd")))
    assert not [str(error) for error in schema.iter_errors(str(root / "config" / "sros2" / "policy.xml"))]


def test_every_process_has_one_enclave_of_its_own() -> None:
    """Enclaves are those of the nodes of the graph, the two processes of the command line, ROS's state publisher."""
    paths = [element.get("path") for element in ElementTree.fromstring(policy_xml()).iter("enclave")]
    assert sorted(paths) == sorted(enclave(node) for node in {*NODES, "telesurgery", OPERATE, STATE_PUBLISHER})


@pytest.mark.parametrize("namespace", ["", "theatre", "/clinic/theatre_1/"])
def test_every_name_is_full_and_none_has_a_wildcard(namespace: str) -> None:
    """Names start with a slash, hold plain characters, and are granted, never denied, in a known kind of list."""
    tree = ElementTree.fromstring(policy_xml(namespace))
    rights = {"topics": {"publish", "subscribe"}, "services": {"reply", "request"}}
    for profile in tree.iter("profile"):
        assert profile.get("ns") == "/" + namespace.strip("/")
        for granted in profile:
            ((right, qualifier),) = granted.items()
            assert (right in rights[granted.tag], qualifier) == (True, "ALLOW")
            names = [str(item.text) for item in granted]
            assert names == sorted(set(names)) != []
            for name in names:
                assert re.fullmatch(r"(/[A-Za-z][A-Za-z0-9_]*)+", name), name
                absolute = name in ("/rosout", "/parameter_events", "/diagnostics")
                assert absolute or name.startswith(f"/{namespace.strip('/')}".rstrip("/") + "/"), name


def test_every_stream_is_spoken_and_heard_as_the_table_says() -> None:
    """Each topic of the table is granted to its source and its sinks, where these are processes of the suite."""
    for name, row in STREAMS.items():
        speakers = {node for node, access in BY_NODE.items() if topics(name) <= set(access.publish)}
        hearers = {node for node, access in BY_NODE.items() if topics(name) <= set(access.subscribe)}
        if row.source == "any":
            assert speakers, name
        elif row.source == "client":
            assert not speakers, f"{name}: clients have enclaves of their own"
        elif row.source != "link" and name != "record_status":
            assert speakers - {STATE_PUBLISHER} == {row.source}, name
        assert hearers - {OPERATE, STATE_PUBLISHER, *RECORDERS} == set(row.sinks) - {*RECORDERS}, name
        assert hearers & {*RECORDERS} == ({*RECORDERS} if row.recorded else set()), name


def test_a_recorder_speaks_of_its_own_site_only() -> None:
    """Each tells of its record and publishes nothing that moves, stops or permits."""
    for node, site in RECORDERS.items():
        assert set(BY_NODE[node].publish) == {f"/record/{site}/status", "/diagnostics", *OF_EVERY_NODE}


def test_nothing_is_granted_beyond_the_tables() -> None:
    """No enclave has a topic or a service that is not in the stream table or in the short lists beside it."""
    known = {topic for name in STREAMS for topic in topics(name)} | {f"/{topic}" for topic in TRANSFORMS}
    for node, access in BY_NODE.items():
        own = {f"/{node}/{service}" for service in SERVICES_OF_EVERY_NODE}
        asked = {f"/{service}" for service, (_, asker) in SERVICES.items() if asker == node}
        answered = {f"/{service}" for service, (answerer, _) in SERVICES.items() if answerer == node}
        if node == "driver":
            answered |= {f"/{service.topic.format(arm=arm)}" for service in ARM_SERVICES.values() for arm in ARMS}
        if node == "master_input":
            answered |= {f"/{row.topic.format(master=one)}" for row in MASTER_SERVICES.values() for one in MASTERS}
        assert set(access.publish) <= known | set(OF_EVERY_NODE), node
        assert set(access.subscribe) <= known | {"/parameter_events"}, node
        if node in RECORDERS:
            asked |= {f"/{other}/{service}" for other in NODES - {node} for service in ASKED_BY_RECORDERS}
        assert (set(access.reply), set(access.request)) == (own | answered, asked), node


@pytest.mark.parametrize("stream", MOVING)
def test_only_its_source_can_say_what_moves_an_arm(stream: str) -> None:
    """Not one topic of commands, permits and setpoints is granted to a second speaker."""
    for topic in topics(stream):
        assert [node for node, access in BY_NODE.items() if topic in access.publish] == [STREAMS[stream].source]


def test_only_people_and_their_stand_in_change_the_state_of_an_arm() -> None:
    """Stops come from the driver and the command line, state commands from the local team and the command line."""

    def speakers(stream: str) -> set[str]:
        return {node for node, access in BY_NODE.items() if topics(stream) & set(access.publish)}

    assert speakers("protective_stop") == {"driver", OPERATE}
    assert speakers("state_command") == {"local_team", OPERATE}
    assert [node for node, access in BY_NODE.items() if "/safety/reset" in access.request] == [OPERATE]


def test_the_observer_commands_nothing() -> None:
    """What watches a session may publish nothing but its own diagnostics and log."""
    observer: Access = BY_NODE["telesurgery"]
    assert set(observer.publish) == {"/diagnostics", *OF_EVERY_NODE}
    assert observer.request == ()


def test_the_keystore_script_is_sound_bash(root: Path) -> None:
    """Bash reads it without complaint."""
    bash = shutil.which("bash") or "bash"
    checked = subprocess.run([bash, "-n", str(root / "config" / "sros2" / "make_keystore.sh")], check=False)
    assert checked.returncode == 0


def test_the_keystore_script_says_what_it_lacks(root: Path, tmp_path: Path) -> None:
    """No argument, an old keystore, no domain, a wildcard, no ROS: one line each, and nothing is made."""
    new, domain = tmp_path / "keystore", {"ROS_DOMAIN_ID": "7"}
    wild = tmp_path / "wild.xml"
    wild.write_text('<enclave path="/a"><topic>/*</topic></enclave>\n')
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("dirname", "grep", "sed"):
        (tools / name).symlink_to(str(shutil.which(name)))
    for arguments, environment, code, text in (
        ((), domain, 2, "usage"),
        ((str(tmp_path),), domain, 2, "is there already"),
        ((str(new),), {}, 2, "ROS_DOMAIN_ID"),
        ((str(new), str(tmp_path / "none.xml")), domain, 2, "no such file"),
        ((str(new), str(wild)), domain, 2, "wildcard"),
        ((str(new),), {**domain, "PATH": str(tools)}, 3, "ros2: not found"),
    ):
        ended = script(root, *arguments, **environment)
        assert (ended.returncode, ended.stderr.count("\n")) == (code, 1), ended.stderr
        assert text in ended.stderr
        assert not new.exists()


def test_a_keystore_is_made_where_ros_has_the_tool(root: Path, tmp_path: Path) -> None:
    """With the real `ros2 security`: every enclave gets signed permissions for this domain, none with a wildcard."""
    if shutil.which("ros2") is None:
        pytest.skip("ros2 is not installed here, it comes with ROS")
    if subprocess.run(["ros2", "security", "--help"], capture_output=True, check=False).returncode:
        pytest.skip("`ros2 security` is not installed here")
    made = script(root, str(tmp_path / "keystore"), ROS_DOMAIN_ID="7")
    assert made.returncode == 0, made.stderr
    for access in policy():
        folder = tmp_path / "keystore" / "enclaves" / enclave(access.node).strip("/")
        permissions = (folder / "permissions.xml").read_text(encoding="utf-8")
        assert "<id>7</id>" in permissions
        assert "*" not in permissions
        assert (folder / "permissions.p7s").is_file()
