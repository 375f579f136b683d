"""Messages as they are on the wire: read and written as rclpy does it, for every type of the contract."""

from __future__ import annotations

import contextlib
import math
import random
from array import array
from typing import Any

import pytest

rclpy = pytest.importorskip("rclpy", reason="ROS is not installed here")

from rclpy.serialization import deserialize_message, serialize_message  # noqa: E402

from teleop_core.contract import STREAMS  # noqa: E402
from teleop_ros.adapter import TeleopNode, message_type  # noqa: E402
from teleop_ros.cdr import _LIST, PLAIN_LITTLE_ENDIAN, MessageError, _class, reader, writer  # noqa: E402

TYPES = sorted({row.type for row in STREAMS.values()})
TEXTS = ("", "a", "PSM1", "Ümläut and 中", "x" * 41)
WIDTHS = {
    "uint8": 8,
    "char": 8,
    "uint16": 16,
    "uint32": 32,
    "uint64": 64,
    "int8": 7,
    "int16": 15,
    "int32": 31,
    "int64": 63,
}


def filled(message_class: type[Any], draw: random.Random) -> Any:
    """A message with random content in every field."""
    message = message_class()
    for field, kind in message_class.get_fields_and_field_types().items():
        setattr(message, field, value(kind, draw))
    return message


def value(kind: str, draw: random.Random) -> Any:
    """A random value of a field."""
    found = _LIST.match(kind)
    if found is not None:
        count = int(found["size"] or draw.randrange(min(int(found["bound"] or 5), 5) + 1))
        items = [value(found["array"] or found["sequence"], draw) for _ in range(count)]
        return bytes(items) if found["sequence"] == "uint8" else items
    if kind in WIDTHS:
        return draw.getrandbits(WIDTHS[kind])
    if kind == "boolean":
        return draw.random() < 0.5
    if kind == "octet":
        return bytes([draw.randrange(256)])
    if kind == "float":
        return float(array("f", [draw.uniform(-1e6, 1e6)])[0])
    if kind == "double":
        return draw.choice((draw.uniform(-1e9, 1e9), 0.0, math.inf))
    return draw.choice(TEXTS) if kind.startswith("string") else filled(_class(kind), draw)


def same(one: Any, other: Any) -> bool:
    """A message of rclpy and one that was read here say the same."""
    if hasattr(one, "get_fields_and_field_types"):
        fields = one.get_fields_and_field_types()
        return other._fields == tuple(fields) and all(same(getattr(one, f), getattr(other, f)) for f in fields)
    if isinstance(one, (str, bytes)) or not hasattr(one, "__len__"):
        return bool(one == other)
    return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))


@pytest.mark.parametrize("interface", TYPES)
def test_reading_and_writing_agree_with_rclpy(interface: str) -> None:
    """Random content, fifty times: what rclpy wrote is read, what was written rclpy reads, and so does the reader."""
    kind, draw = message_type(interface), random.Random(interface)
    read, write = reader(kind), writer(kind)
    for _ in range(50):
        message = filled(kind, draw)
        told = read(bytes(serialize_message(message)))
        assert same(message, told)
        written = write(message)
        assert deserialize_message(written, kind) == message
        assert write(told) == written
        assert read(written) == told


@pytest.mark.parametrize("interface", TYPES)
def test_a_message_that_is_cut_off_is_refused(interface: str) -> None:
    """At whatever place it ends, a reader says so and reads nothing from beyond it."""
    kind = message_type(interface)
    whole = writer(kind)(filled(kind, random.Random(1)))
    for length in range(len(whole)):
        with pytest.raises(MessageError, match=kind.__name__):
            reader(kind)(whole[:length])


def test_rubbish_is_refused_or_read_and_never_anything_else() -> None:
    """Random bytes, and messages with random bytes changed."""
    draw = random.Random(2)
    for interface in TYPES:
        kind = message_type(interface)
        read, whole = reader(kind), writer(kind)(filled(kind, draw))
        for _ in range(200):
            rubbish = bytearray(whole if draw.random() < 0.7 else draw.randbytes(draw.randrange(400)))
            for _ in range(draw.randrange(1, 9)):
                if len(rubbish) > 4:
                    rubbish[draw.randrange(4, len(rubbish))] = draw.randrange(256)
            rubbish[:4] = PLAIN_LITTLE_ENDIAN
            with contextlib.suppress(MessageError):
                read(bytes(rubbish))


def test_a_list_that_is_longer_than_its_bound_is_refused() -> None:
    """Three hands in a packet for two."""
    kind, hand = message_type("telesurgery/msg/OperatorCommand"), message_type("telesurgery/msg/HandCommand")
    message = reader(kind)(writer(kind)(kind(hands=[hand(), hand()])))
    three = message._replace(hands=(*message.hands, message.hands[0]))
    with pytest.raises(MessageError, match="a list of 3"):
        reader(kind)(writer(kind)(three))


def test_another_encoding_is_left_to_rclpy() -> None:
    """Big-endian, as another machine would send it."""
    read = reader(message_type("std_msgs/msg/String"))
    assert read(b"\0\0\0\0" + b"\0\0\0\x03" + b"ab\0").data == "ab"
    with pytest.raises(MessageError, match="String"):
        read(b"\0\0\0\0" + b"\xff\0\0\x03" + b"ab\0")


def test_a_text_of_other_bytes_is_read_as_rclpy_reads_it() -> None:
    """A stop whose reason is in another encoding is a stop all the same."""
    kind = message_type("telesurgery/msg/StopRequest")
    whole = writer(kind)(kind(source="nurse", reason="hurry"))
    other = whole.replace(b"hurry", b"h\xe4rry")
    assert reader(kind)(other).reason == deserialize_message(other, kind).reason == "h\ufffdrry"


@pytest.mark.dds
def test_a_message_that_cannot_be_read_is_dropped_and_the_node_lives_on(ros_domain: int) -> None:
    """It is nobody's failure here: no safe output, the next message is heard."""
    import time

    rclpy.init(domain_id=ros_domain)
    node, heard = TeleopNode("listener"), []
    node.subscription("command", heard.append)
    speaker = node.publisher("command")
    for _ in range(100):
        super(type(speaker), speaker).publish(PLAIN_LITTLE_ENDIAN + b"\xff" * 20)
        speaker.publish(speaker.msg_type(sequence=7))
        rclpy.spin_once(node, timeout_sec=0.05)
        rclpy.spin_once(node, timeout_sec=0.05)
        if heard:
            break
        time.sleep(0.01)
    assert heard[0].sequence == 7
    assert node.failures == 0
    node.destroy_node()
    rclpy.try_shutdown()
