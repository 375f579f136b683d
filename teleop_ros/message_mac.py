"""Signing and checking the messages that command, permit or stop.

The canonical bytes of a message are all its fields but the hash itself, little-endian, numbers first, texts and lists
with their length before them: two different messages never have the same bytes. They are made from the message, not
from what came over the wire, so they are the same on every host and behind every bridge.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from struct import Struct
from typing import Any

from teleop_core.authentication import Authenticator

_LENGTH = Struct("<I")
# stamp, session, sequence, clutch_epoch, operator_present, clutch, camera, motion_scale, feedback_stamp, feedback_age,
# number of hands
_COMMAND = Struct("<iIQQI???diIdI")
# position, orientation, linear and angular velocity, gripper, lock_rotation, lock_translation, aligns
_HAND = Struct("<14d???")
# stamp, state, motion_permitted, session, permit_sequence, lease, velocity_ratio, numbers of alarms, of reasons that
# deny arming, of steps of recovery
_PERMIT = Struct("<iIB?QQddIII")
# level, priority, since, latched
_ALARM = Struct("<BBiI?")
# stamp
_STOP = Struct("<iI")


def sign_command(authenticator: Authenticator, message: Any) -> None:
    """Write the hash into an OperatorCommand that is otherwise complete."""
    _sign(authenticator, message, command_bytes)


def signed_command(authenticator: Authenticator, message: Any) -> Any:
    """An OperatorCommand made to be written (`teleop_ros.cdr.plain`), with its hash."""
    return (
        message if authenticator.level == "none" else message._replace(mac=authenticator.sign(command_bytes(message)))
    )


def verify_command(authenticator: Authenticator, message: Any) -> bool:
    """Whether the hash of an OperatorCommand fits; always where no security is in force."""
    return _verify(authenticator, message, command_bytes)


def sign_permit(authenticator: Authenticator, message: Any) -> None:
    """Write the hash into a SafetyState that is otherwise complete."""
    _sign(authenticator, message, permit_bytes)


def verify_permit(authenticator: Authenticator, message: Any) -> bool:
    """Whether the hash of a SafetyState fits; always where no security is in force."""
    return _verify(authenticator, message, permit_bytes)


def sign_stop(authenticator: Authenticator, message: Any) -> None:
    """Write the hash into a StopRequest that is otherwise complete."""
    _sign(authenticator, message, stop_bytes)


def verify_stop(authenticator: Authenticator, message: Any) -> bool:
    """Whether the hash of a StopRequest fits; always where no security is in force."""
    return _verify(authenticator, message, stop_bytes)


def command_bytes(message: Any) -> bytes:
    """Canonical bytes of an OperatorCommand."""
    header, echo, hands = message.header, message.feedback_stamp, message.hands
    numbers = _COMMAND.pack(
        header.stamp.sec,
        header.stamp.nanosec,
        message.session,
        message.sequence,
        message.clutch_epoch,
        message.operator_present,
        message.clutch,
        message.camera,
        message.motion_scale,
        echo.sec,
        echo.nanosec,
        message.feedback_age,
        len(hands),
    )
    return b"".join((numbers, _text(header.frame_id), *map(_hand_bytes, hands)))


def permit_bytes(message: Any) -> bytes:
    """Canonical bytes of a SafetyState."""
    header, alarms = message.header, message.alarms
    denied, recovery = message.arming_denied, message.recovery
    numbers = _PERMIT.pack(
        header.stamp.sec,
        header.stamp.nanosec,
        message.state,
        message.motion_permitted,
        message.session,
        message.permit_sequence,
        message.lease,
        message.velocity_ratio,
        len(alarms),
        len(denied),
        len(recovery),
    )
    texts = _texts((header.frame_id, message.security, *denied, *recovery))
    return b"".join((numbers, texts, *map(_alarm_bytes, alarms)))


def stop_bytes(message: Any) -> bytes:
    """Canonical bytes of a StopRequest."""
    header = message.header
    numbers = _STOP.pack(header.stamp.sec, header.stamp.nanosec)
    return numbers + _texts((header.frame_id, message.source, message.reason))


def _sign(authenticator: Authenticator, message: Any, canonical: Callable[[Any], bytes]) -> None:
    signed = authenticator.level != "none"
    message.mac = array("B", authenticator.sign(canonical(message)) if signed else b"")


def _verify(authenticator: Authenticator, message: Any, canonical: Callable[[Any], bytes]) -> bool:
    return authenticator.level == "none" or authenticator.verify(canonical(message), bytes(message.mac))


def _hand_bytes(hand: Any) -> bytes:
    place, turn = hand.pose.position, hand.pose.orientation
    linear, angular = hand.twist.linear, hand.twist.angular
    numbers = _HAND.pack(
        place.x,
        place.y,
        place.z,
        turn.x,
        turn.y,
        turn.z,
        turn.w,
        linear.x,
        linear.y,
        linear.z,
        angular.x,
        angular.y,
        angular.z,
        hand.gripper,
        hand.lock_rotation,
        hand.lock_translation,
        hand.aligns,
    )
    return numbers + _text(hand.name) + _text(hand.arm)


def _alarm_bytes(alarm: Any) -> bytes:
    since = alarm.since
    numbers = _ALARM.pack(alarm.level, alarm.priority, since.sec, since.nanosec, alarm.latched)
    return numbers + _texts((alarm.id, alarm.source, alarm.text, alarm.remedy))


def _texts(values: Iterable[str]) -> bytes:
    return b"".join(map(_text, values))


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _LENGTH.pack(len(encoded)) + encoded
