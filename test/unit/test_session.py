"""The receiver of operator commands: what it accepts, what it drops, and that a dropped packet changes nothing."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from teleop_core.se3 import Pose
from teleop_core.session import CommandReceiver, Refusal, SessionLimits
from teleop_core.signals import HandSignal, OperatorSignal

PERIOD = 0.005


def hand(name: str = "MTML", **changes: object) -> HandSignal:
    made = HandSignal(name, Pose(np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0])), (0.0,) * 3, (0.0,) * 3, 0.1)
    return dataclasses.replace(made, **changes)


def packet(sequence: int, session: int = 7, **changes: object) -> OperatorSignal:
    made = OperatorSignal(
        stamp=1000.0 + sequence * PERIOD,
        session=session,
        sequence=sequence,
        clutch_epoch=0,
        operator_present=True,
        clutch=False,
        camera=False,
        motion_scale=0.2,
        feedback_stamp=0.0,
        feedback_age=0.0,
        hands=(hand("MTML"), hand("MTMR")),
    )
    return dataclasses.replace(made, **changes)


@pytest.fixture
def receiver() -> CommandReceiver:
    made = CommandReceiver(SessionLimits(max_age=0.06))
    for sequence in range(1, 11):
        assert made.receive(packet(sequence), sequence * PERIOD, None) is None
    return made


def test_accepts_an_orderly_stream(receiver: CommandReceiver) -> None:
    """Ten packets in order are ten accepted ones, and their session is in control."""
    assert (receiver.accepted, receiver.session, receiver.last_sequence) == (10, 7, 10)
    assert not any(receiver.refused.values())


def test_a_gap_costs_only_itself(receiver: CommandReceiver) -> None:
    """Lost packets are skipped; the next one is accepted."""
    assert receiver.receive(packet(25), 25 * PERIOD, None) is None


def test_duplicate_and_reordered_are_told_apart(receiver: CommandReceiver) -> None:
    """The same packet again is a duplicate; one that was overtaken is reordered."""
    assert receiver.receive(packet(10), 0.051, None) is Refusal.DUPLICATE
    assert receiver.receive(packet(13), 0.065, None) is None
    assert receiver.receive(packet(12), 0.066, None) is Refusal.REORDERED
    assert receiver.receive(packet(13), 0.067, None) is Refusal.DUPLICATE


def test_a_leading_sequence_does_not_make_it_deaf(receiver: CommandReceiver) -> None:
    """A packet far ahead is refused and the genuine ones that follow are accepted."""
    assert receiver.receive(packet(10_000), 0.055, None) is Refusal.FOREIGN
    assert receiver.receive(packet(11), 0.056, None) is None


def test_a_second_session_waits_for_silence(receiver: CommandReceiver) -> None:
    """Nobody takes over while the present session speaks; after a second of silence a new one may."""
    assert receiver.receive(packet(1, session=8), 0.06, None) is Refusal.FOREIGN
    assert receiver.receive(packet(1, session=8), 1.2, None) is None
    assert receiver.session == 8


def test_an_old_session_never_returns(receiver: CommandReceiver) -> None:
    """Packets of a session that has lost control are foreign for ever."""
    assert receiver.receive(packet(1, session=8), 1.2, None) is None
    assert receiver.receive(packet(11), 5.0, None) is Refusal.FOREIGN
    assert receiver.receive(packet(12, session=0), 9.0, None) is Refusal.FOREIGN


def test_a_late_packet_is_stale(receiver: CommandReceiver) -> None:
    """What took longer than the limit beyond the shortest transit is dropped; the clock is not taught by it."""
    assert receiver.receive(packet(11), 11 * PERIOD + 0.061, None) is Refusal.STALE
    assert receiver.receive(packet(12), 12 * PERIOD + 0.059, None) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"motion_scale": math.nan},
        {"motion_scale": 0.0},
        {"motion_scale": 1.01},
        {"feedback_age": math.inf},
        {"feedback_age": 1e300},
        {"feedback_age": -1.0},
        {"hands": (hand("PSM1"),)},
        {"hands": (hand("MTML"), hand("MTML"))},
        {"hands": (hand(pose=Pose(np.array([0.0, math.nan, 0.0]), np.array([0.0, 0.0, 0.0, 1.0]))),)},
        {"hands": (hand(pose=Pose(np.array([0.0, 3.0, 0.0]), np.array([0.0, 0.0, 0.0, 1.0]))),)},
        {"hands": (hand(pose=Pose(np.zeros(3), np.array([0.0, 0.0, 0.0, 1.01]))),)},
        {"hands": (hand(pose=Pose(np.zeros(3), np.array([math.nan, 0.0, 0.0, 1.0]))),)},
        {"hands": (hand(gripper=math.nan),)},
        {"hands": (hand(gripper=4.0),)},
        {"hands": (hand(linear=(0.0, math.inf, 0.0)),)},
        {"hands": (hand(angular=(math.nan, 0.0, 0.0)),)},
    ],
)
def test_rubbish_is_refused_and_changes_nothing(receiver: CommandReceiver, changes: dict[str, object]) -> None:
    """A malformed packet is counted, moves no window, and the same sequence well formed is accepted after it."""
    assert receiver.receive(packet(11, **changes), 0.055, None) is Refusal.MALFORMED
    assert receiver.refused[Refusal.MALFORMED] == 1
    assert receiver.last_sequence == 10
    assert receiver.receive(packet(11), 0.056, None) is None


def test_a_stamp_that_is_not_a_number_is_refused(receiver: CommandReceiver) -> None:
    """No age can be worked out from it, so it counts as too old."""
    assert receiver.receive(packet(11, stamp=math.nan), 0.055, None) is Refusal.STALE


def test_the_hand_sample_is_dated_by_this_hosts_clock() -> None:
    """With clocks 1000 s apart and a round trip of 40 ms, a sample is dated to within half of it."""
    receiver = CommandReceiver(SessionLimits(max_age=0.06))
    for sequence in range(1, 50):
        signal = packet(sequence)
        sampled = sequence * PERIOD
        assert receiver.receive(signal, sampled + 0.02 + 0.003 * (sequence % 4), 0.04) is None
        if sequence > 4:
            assert receiver.sampled_at(signal) == pytest.approx(sampled, abs=1e-9)
