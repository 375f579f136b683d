"""Signed messages: every field counts, found by walking the message, so a new field is covered by itself."""

from __future__ import annotations

import copy
import os
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="ROS is not installed here")

from rclpy.serialization import deserialize_message, serialize_message
from telesurgery.msg import Alarm, HandCommand, OperatorCommand, SafetyState, StopRequest

from teleop_cli.keys import make_keys
from teleop_core.authentication import KEY_PURPOSES, Authenticator, key_file
from teleop_ros.cdr import reader, writer
from teleop_ros.keys import authenticator
from teleop_ros.message_mac import (
    sign_command,
    sign_permit,
    sign_stop,
    signed_command,
    verify_command,
    verify_permit,
    verify_stop,
)
from teleop_ros.parameters import ParameterError

Sign = Callable[[Authenticator, Any], None]
Verify = Callable[[Authenticator, Any], bool]


def command() -> OperatorCommand:
    return OperatorCommand(session=2**64 - 1, sequence=5, hands=[HandCommand(name="MTML"), HandCommand(name="MTMR")])


def permit() -> SafetyState:
    return SafetyState(
        session=7,
        permit_sequence=9,
        lease=0.1,
        velocity_ratio=1.0,
        security="mac",
        alarms=[Alarm(id="A"), Alarm(id="B")],
        arming_denied=["a", "b"],
        recovery=["c", "d"],
    )


def stop() -> StopRequest:
    return StopRequest(source="nurse", reason="smoke")


KINDS: list[tuple[str, Callable[[], Any], Sign, Verify]] = [
    ("command", command, sign_command, verify_command),
    ("permit", permit, sign_permit, verify_permit),
    ("stop", stop, sign_stop, verify_stop),
]


def test_a_command_made_to_be_written_is_signed_as_a_message_is() -> None:
    """What comes over the wire fits its hash, and has the one that `sign_command` writes."""
    authenticator, message = Authenticator(key(), "command"), command()
    written = writer(OperatorCommand)(message)
    signed = signed_command(authenticator, reader(OperatorCommand)(written))
    sign_command(authenticator, message)
    received = reader(OperatorCommand)(writer(OperatorCommand)(signed))
    assert verify_command(authenticator, received)
    assert received.mac == bytes(message.mac)
    received = received._replace(sequence=received.sequence + 1)
    assert not verify_command(authenticator, received)


each_kind = pytest.mark.parametrize(("purpose", "make", "sign", "verify"), KINDS, ids=[kind[0] for kind in KINDS])


def key() -> bytes:
    return os.urandom(32)


def leaves(message: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Path of every value of a message, and of every list in it, all but the hash at the top."""
    for name in message.get_fields_and_field_types():
        value = getattr(message, name)
        if (*path, name) == ("mac",):
            continue
        if hasattr(value, "get_fields_and_field_types"):
            yield from leaves(value, (*path, name))
        elif isinstance(value, (list, array)):
            yield (*path, name)
            for index, item in enumerate(value):
                if hasattr(item, "get_fields_and_field_types"):
                    yield from leaves(item, (*path, name, index))
                else:
                    yield (*path, name, index)
        else:
            yield (*path, name)


def changed(message: Any, path: tuple[str | int, ...]) -> Any:
    """A copy of the message whose value at the path is another one."""
    made = copy.deepcopy(message)
    holder = made
    for step in path[:-1]:
        holder = holder[step] if isinstance(step, int) else getattr(holder, step)
    last = path[-1]
    value = other(holder[last] if isinstance(last, int) else getattr(holder, last))
    if isinstance(last, int):
        holder[last] = value
    else:
        setattr(holder, last, value)
    return made


def other(value: Any) -> Any:
    """Another value of the same type, as near as possible."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ 1
    if isinstance(value, float):
        return value + 1e-9
    if isinstance(value, str):
        return value + "x"
    return value[:-1]


@each_kind
def test_every_field_changes_the_hash(purpose: str, make: Callable[[], Any], sign: Sign, verify: Verify) -> None:
    """Each value of the message, nested ones included, and the length of each list."""
    auth = Authenticator(key(), purpose)
    message = make()
    sign(auth, message)
    assert verify(auth, message)
    paths = list(leaves(message))
    assert len(paths) >= len(message.get_fields_and_field_types()) - 1
    unnoticed = [path for path in paths if verify(auth, changed(message, path))]
    assert unnoticed == []


def test_the_walk_finds_what_there_is() -> None:
    """The walk itself: nested values, lists and their items; the hash of the message is not one of them."""
    found = set(leaves(command()))
    assert {("header", "stamp", "sec"), ("hands",), ("hands", 1, "pose", "orientation", "w")} <= found
    assert ("mac",) not in found
    assert len(list(leaves(command()))) == 3 + 7 + 2 + 1 + 1 + 2 * 19
    assert ("recovery", 1) in set(leaves(permit()))
    assert ("alarms", 0, "since", "nanosec") in set(leaves(permit()))


@each_kind
def test_a_signed_message_survives_the_wire(purpose: str, make: Callable[[], Any], sign: Sign, verify: Verify) -> None:
    """Serialised and deserialised, with texts in any script, the hash fits still."""
    auth = Authenticator(key(), purpose)
    message = make()
    message.header.frame_id = "Häßliche Größe 手術"
    sign(auth, message)
    assert verify(auth, deserialize_message(serialize_message(message), type(message)))


@each_kind
def test_only_the_whole_hash_of_the_right_key_and_purpose_fits(
    purpose: str, make: Callable[[], Any], sign: Sign, verify: Verify
) -> None:
    """Wrong key, wrong purpose, no hash, a part of it, more than it."""
    secret = key()
    auth = Authenticator(secret, purpose)
    message = make()
    sign(auth, message)
    mac = message.mac
    assert not verify(Authenticator(key(), purpose), message)
    for another in set(KEY_PURPOSES) - {purpose}:
        assert not verify(Authenticator(secret, another), message)
    for wrong in (mac[:0], mac[:1], mac[:-1], mac + array("B", [0]), mac + mac, mac[::-1], array("B", bytes(16))):
        message.mac = wrong
        assert not verify(auth, message)
    message.mac = mac
    assert verify(auth, message)


@each_kind
def test_without_a_key_messages_carry_no_hash_and_all_are_taken(
    purpose: str, make: Callable[[], Any], sign: Sign, verify: Verify
) -> None:
    """A hash left behind by an earlier use of the message is taken off."""
    message = make()
    message.mac = array("B", b"left behind")
    assert verify(Authenticator(None, purpose), message)
    sign(Authenticator(None, purpose), message)
    assert len(message.mac) == 0
    assert verify(Authenticator(None, purpose), message)
    assert not verify(Authenticator(key(), purpose), message)


@each_kind
def test_a_message_can_be_signed_again(purpose: str, make: Callable[[], Any], sign: Sign, verify: Verify) -> None:
    """The hash does not depend on the one before it."""
    auth = Authenticator(key(), purpose)
    message = make()
    sign(auth, message)
    first = bytes(message.mac)
    sign(auth, message)
    assert bytes(message.mac) == first


def test_text_cannot_wander_from_one_field_to_the_next() -> None:
    """Every text has its length before it: what is moved across a border is another message."""
    auth = Authenticator(key(), "stop")
    pairs = [("nurse", "smoke"), ("nurses", "moke"), ("nursesmoke", ""), ("", "nursesmoke")]
    messages = [StopRequest(source=source, reason=reason) for source, reason in pairs]
    for message in messages:
        sign_stop(auth, message)
    assert len({bytes(message.mac) for message in messages}) == len(messages)
    auth = Authenticator(key(), "permit")
    lists = [(["a", "b"], []), (["a"], ["b"]), ([], ["a", "b"]), (["ab"], [])]
    states = [SafetyState(arming_denied=denied, recovery=recovery) for denied, recovery in lists]
    for state in states:
        sign_permit(auth, state)
    assert len({bytes(state.mac) for state in states}) == len(states)


def test_a_node_without_a_key_folder_has_no_security(tmp_path: Path) -> None:
    """An empty folder name is level none; a folder with keys is level mac."""
    assert authenticator("", "command").level == "none"
    make_keys(tmp_path / "keys")
    signer = authenticator(str(tmp_path / "keys"), "permit")
    assert signer.level == "mac"
    message = permit()
    sign_permit(signer, message)
    assert verify_permit(authenticator(str(tmp_path / "keys"), "permit"), message)


@pytest.mark.parametrize("purpose", KEY_PURPOSES)
def test_a_key_that_cannot_be_used_ends_a_node_with_its_parameter(tmp_path: Path, purpose: str) -> None:
    """A missing or open key file never means level none."""
    with pytest.raises(ParameterError, match=r"parameter key_folder: .*\.key: No such file"):
        authenticator(str(tmp_path), purpose)
    make_keys(tmp_path / "keys")
    key_file(tmp_path / "keys", purpose).chmod(0o644)
    with pytest.raises(ParameterError, match=r"parameter key_folder: .* is readable by others"):
        authenticator(str(tmp_path / "keys"), purpose)
