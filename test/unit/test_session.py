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
        assert made.receive(packet(sequence), sequence * PERIOD, None, True) is None
    return made


def test_accepts_an_orderly_stream(receiver: CommandReceiver) -> None:
    """Ten packets in order are ten accepted ones, and their session is in control."""
    assert (receiver.accepted, receiver.session, receiver.last_sequence) == (10, 7, 10)
    assert not any(receiver.refused.values())


def test_a_gap_costs_only_itself(receiver: CommandReceiver) -> None:
    """Lost packets are skipped; the next one is accepted."""
    assert receiver.receive(packet(25), 25 * PERIOD, None, True) is None


def test_duplicate_and_reordered_are_told_apart(receiver: CommandReceiver) -> None:
    """The same packet again is a duplicate; one that was overtaken is reordered."""
    assert receiver.receive(packet(10), 0.051, None, True) is Refusal.DUPLICATE
    assert receiver.receive(packet(13), 0.065, None, True) is None
    assert receiver.receive(packet(12), 0.066, None, True) is Refusal.REORDERED
    assert receiver.receive(packet(13), 0.067, None, True) is Refusal.DUPLICATE


def test_a_leading_sequence_does_not_make_it_deaf(receiver: CommandReceiver) -> None:
    """A packet far ahead is refused and the genuine ones that follow are accepted."""
    assert receiver.receive(packet(10_000), 0.055, None, True) is Refusal.FOREIGN
    assert receiver.receive(packet(11), 0.056, None, True) is None


def test_a_second_session_waits_for_silence(receiver: CommandReceiver) -> None:
    """Nobody takes over while the present session speaks; after a second of silence a new one may."""
    assert receiver.receive(packet(1, session=8), 0.06, None, True) is Refusal.FOREIGN
    assert receiver.receive(packet(1, session=8), 1.2, None, True) is None
    assert receiver.session == 8


def test_an_old_session_never_returns(receiver: CommandReceiver) -> None:
    """Packets of a session that has lost control are foreign for ever."""
    assert receiver.receive(packet(1, session=8), 1.2, None, True) is None
    assert receiver.receive(packet(11), 5.0, None, True) is Refusal.FOREIGN
    assert receiver.receive(packet(12, session=0), 9.0, None, True) is Refusal.FOREIGN


def test_a_late_packet_is_stale(receiver: CommandReceiver) -> None:
    """What took longer than the limit beyond the shortest transit is dropped; the clock is not taught by it."""
    assert receiver.receive(packet(11), 11 * PERIOD + 0.061, None, True) is Refusal.STALE
    assert receiver.receive(packet(12), 12 * PERIOD + 0.059, None, True) is None


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
        {"hands": (hand(arm="PSM4"),)},
        {"hands": (hand(arm="ECM"),)},
        {"hands": (hand(arm="psm1"),)},
    ],
)
def test_rubbish_is_refused_and_changes_nothing(receiver: CommandReceiver, changes: dict[str, object]) -> None:
    """A malformed packet is counted, moves no window, and the same sequence well formed is accepted after it."""
    assert receiver.receive(packet(11, **changes), 0.055, None, True) is Refusal.MALFORMED
    assert receiver.refused[Refusal.MALFORMED] == 1
    assert receiver.last_sequence == 10
    assert receiver.receive(packet(11), 0.056, None, True) is None


def test_a_stamp_that_is_not_a_number_is_refused(receiver: CommandReceiver) -> None:
    """No age can be worked out from it, so it counts as too old."""
    assert receiver.receive(packet(11, stamp=math.nan), 0.055, None, True) is Refusal.STALE


def state(receiver: CommandReceiver) -> dict[str, object]:
    """Everything a refused packet must not change: all but the counters of refusals."""
    kept = {name: value for name, value in vars(receiver).items() if name not in ("refused", "_clock")}
    return {**kept, "_used_sessions": set(receiver._used_sessions), "clock": receiver._clock.local_time(0.0)}


@pytest.mark.parametrize(
    "signal", [packet(11), packet(1, session=8), packet(10), packet(9_999), packet(11, motion_scale=math.nan)]
)
@pytest.mark.parametrize("arrival", [0.055, 5.0])
def test_a_hash_that_does_not_fit_is_the_first_refusal(
    receiver: CommandReceiver, signal: OperatorSignal, arrival: float
) -> None:
    """Whatever else is wrong or right with it: counted once as unauthenticated, and nothing has changed."""
    before = state(receiver)
    assert receiver.receive(signal, arrival, 0.001, False) is Refusal.UNAUTHENTICATED
    assert state(receiver) == before
    assert receiver.refused == {refusal: int(refusal is Refusal.UNAUTHENTICATED) for refusal in Refusal}
    assert receiver.receive(packet(11), 0.056, None, True) is None


def test_every_refusal_has_its_own_counter(receiver: CommandReceiver) -> None:
    """One packet of each kind is one in each counter of the feedback, and the accepted ones stay ten."""
    expected = {
        Refusal.UNAUTHENTICATED: (packet(11), 0.055, False),
        Refusal.FOREIGN: (packet(11, session=8), 0.055, True),
        Refusal.DUPLICATE: (packet(10), 0.055, True),
        Refusal.REORDERED: (packet(0), 0.055, True),
        Refusal.STALE: (packet(11), 1.0, True),
        Refusal.MALFORMED: (packet(11, motion_scale=0.0), 0.055, True),
    }
    for refusal, (signal, arrival, authenticated) in expected.items():
        before = state(receiver)
        assert receiver.receive(signal, arrival, None, authenticated) is refusal
        assert receiver.receive(signal, arrival, None, authenticated) is refusal
        assert state(receiver) == before
    assert receiver.refused == dict.fromkeys(Refusal, 2)
    assert receiver.accepted == 10


@pytest.mark.parametrize(("ahead", "refusal"), [(1, None), (500, None), (501, Refusal.FOREIGN)])
def test_the_window_ends_500_ahead(receiver: CommandReceiver, ahead: int, refusal: Refusal | None) -> None:
    """The farthest accepted and the nearest refused sequence."""
    assert receiver.receive(packet(10 + ahead), (10 + ahead) * PERIOD, None, True) is refusal
    assert receiver.last_sequence == (10 if refusal else 10 + ahead)


def test_so_many_sequences_are_remembered() -> None:
    """With a window of four, four packets back is still known as a duplicate; older counts as reordered."""
    receiver = CommandReceiver(SessionLimits(max_age=0.06, sequence_window=4))
    for sequence in range(1, 9):
        assert receiver.receive(packet(sequence), sequence * PERIOD, None, True) is None
    answers = [receiver.receive(packet(sequence), 0.041, None, True) for sequence in range(8, 0, -1)]
    assert answers == [Refusal.DUPLICATE] * 4 + [Refusal.REORDERED] * 4


def test_what_was_lost_is_no_duplicate(receiver: CommandReceiver) -> None:
    """After a gap the lost packets come late as reordered, those before and after it as duplicates."""
    assert receiver.receive(packet(13), 0.065, None, True) is None
    answers = [receiver.receive(packet(sequence), 0.066, None, True) for sequence in (13, 12, 11, 10, 1)]
    assert answers == [Refusal.DUPLICATE, Refusal.REORDERED, Refusal.REORDERED, Refusal.DUPLICATE, Refusal.DUPLICATE]


def test_a_new_session_forgets_the_sequences_of_the_old_one(receiver: CommandReceiver) -> None:
    """It may begin at any number; what lies before that is reordered, as it never came."""
    assert receiver.receive(packet(40, session=8), 2.0, None, True) is None
    assert receiver.last_sequence == 40
    assert receiver.receive(packet(39, session=8), 2.001, None, True) is Refusal.REORDERED
    assert receiver.receive(packet(40, session=8), 2.001, None, True) is Refusal.DUPLICATE
    assert receiver.receive(packet(41, session=8), 2.002, None, True) is None


def test_a_new_session_has_a_clock_of_its_own(receiver: CommandReceiver) -> None:
    """Its stamps may be hours away from those of the session before."""
    assert receiver.receive(packet(1, session=8, stamp=9e6), 2.0, None, True) is None
    assert receiver.sampled_at(packet(1, session=8, stamp=9e6)) == pytest.approx(2.0)
    assert receiver.receive(packet(2, session=8, stamp=9e6 + 0.005), 2.004, None, True) is None


@pytest.mark.parametrize("session", [0, 8])
def test_session_zero_never_begins(session: int) -> None:
    """0 means none, at a fresh receiver too."""
    receiver = CommandReceiver(SessionLimits(max_age=0.06))
    assert receiver.receive(packet(1, session=session), 0.0, None, True) is (None if session else Refusal.FOREIGN)


@pytest.mark.parametrize(("silence", "refusal"), [(0.999, Refusal.FOREIGN), (1.0, None), (1.001, None)])
def test_takeover_waits_for_a_second_of_silence(silence: float, refusal: Refusal | None) -> None:
    """Counted from the newest accepted packet; refused ones neither shorten nor prolong it."""
    receiver = CommandReceiver(SessionLimits(max_age=0.06))
    assert receiver.receive(packet(1), 10.0, None, True) is None
    assert receiver.receive(packet(1), 10.9, None, True) is Refusal.DUPLICATE
    assert receiver.receive(packet(1, session=8), 10.0 + silence, None, True) is refusal
    assert receiver.last_arrival == (10.0 if refusal else 10.0 + silence)


def test_nobody_takes_over_at_a_time_that_is_none(receiver: CommandReceiver) -> None:
    """A clock that gives no number opens nothing."""
    assert receiver.receive(packet(1, session=8), math.nan, None, True) is Refusal.FOREIGN


@pytest.mark.parametrize("round_trip", [0.0, 0.02, 0.25, -0.25])
def test_a_session_begins_with_a_fresh_echo(round_trip: float) -> None:
    """Where an echo is asked for, up to the limit; a small step of our own clock does no harm."""
    receiver = CommandReceiver(SessionLimits(max_age=0.06, begin_round_trip=0.25))
    assert receiver.receive(packet(1), 0.0, round_trip, True) is None


@pytest.mark.parametrize("round_trip", [None, 0.2501, -0.2501, math.nan, math.inf, -math.inf])
def test_no_session_begins_without_a_fresh_echo(round_trip: float | None) -> None:
    """A recorded packet echoes what this host said long ago; within a session the echo decides nothing."""
    receiver = CommandReceiver(SessionLimits(max_age=0.06, begin_round_trip=0.25))
    assert receiver.receive(packet(1), 0.0, round_trip, True) is Refusal.FOREIGN
    assert receiver.receive(packet(1), 0.0, 0.01, True) is None
    assert receiver.receive(packet(2), 0.005, round_trip, True) is None


@pytest.mark.parametrize("round_trip", [None, 900.0])
def test_without_that_limit_a_session_begins_without_an_echo(round_trip: float | None) -> None:
    """As CRTK clients and consoles that hear nothing do."""
    assert CommandReceiver(SessionLimits(max_age=0.06)).receive(packet(1), 0.0, round_trip, True) is None


@pytest.mark.parametrize(("excess", "refusal"), [(0.0625, None), (0.0626, Refusal.STALE)])
def test_the_limit_of_age(excess: float, refusal: Refusal | None) -> None:
    """Exactly as old as allowed is accepted (binary fractions, so that no rounding hides the limit)."""
    receiver = CommandReceiver(SessionLimits(max_age=0.0625))
    assert receiver.receive(packet(1, stamp=64.0), 0.0, None, True) is None
    assert receiver.receive(packet(2, stamp=64.5), 0.5 + excess, None, True) is refusal


@pytest.mark.parametrize(
    "changes",
    [
        {"motion_scale": 1.0},
        {"motion_scale": 5e-324},
        {"feedback_age": 0.0},
        {"feedback_age": 3600.0},
        {"hands": ()},
        {"hands": (hand("MTMR"),)},
        {"hands": (hand(gripper=math.pi),)},
        {"hands": (hand(gripper=-math.pi),)},
        {"hands": (hand(pose=Pose(np.array([2.0, -2.0, 2.0]), np.array([0.0, 0.0, 0.0, 1.0]))),)},
        {"hands": (hand(linear=(1e300, 0.0, 0.0)),)},
    ],
)
def test_values_at_the_ends_of_their_ranges_are_accepted(receiver: CommandReceiver, changes: dict[str, object]) -> None:
    """Each range includes its ends."""
    assert receiver.receive(packet(11, **changes), 0.055, None, True) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"motion_scale": math.nextafter(1.0, 2.0)},
        {"motion_scale": -0.2},
        {"feedback_age": math.nextafter(3600.0, 4000.0)},
        {"feedback_age": -5e-324},
        {"hands": (hand(gripper=math.nextafter(math.pi, 4.0)),)},
        {"hands": (hand(gripper=-math.nextafter(math.pi, 4.0)),)},
        {"hands": (hand(pose=Pose(np.array([0.0, 0.0, 2.0000001]), np.array([0.0, 0.0, 0.0, 1.0]))),)},
        {"hands": (hand(pose=Pose(np.array([-2.0000001, 0.0, 0.0]), np.array([0.0, 0.0, 0.0, 1.0]))),)},
        {"hands": (hand("MTML"), hand("MTMR", gripper=math.inf))},
    ],
)
def test_values_just_beyond_are_refused(receiver: CommandReceiver, changes: dict[str, object]) -> None:
    """Each range ends there, for each hand."""
    assert receiver.receive(packet(11, **changes), 0.055, None, True) is Refusal.MALFORMED


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"sequence": 0}, Refusal.MALFORMED),
        ({"sequence": 1}, None),
        ({"stamp": math.inf}, Refusal.MALFORMED),
        ({"stamp": -math.inf}, Refusal.MALFORMED),
        ({"stamp": math.nan}, Refusal.MALFORMED),
    ],
)
def test_the_first_packet_of_a_session_has_a_number_and_a_stamp(
    changes: dict[str, object], refusal: Refusal | None
) -> None:
    """It has no predecessor that would show it; a bad one begins nothing."""
    receiver = CommandReceiver(SessionLimits(max_age=0.06))
    assert receiver.receive(packet(**{"sequence": 1, **changes}), 0.0, None, True) is refusal
    assert receiver.session == (0 if refusal else 7)


def test_a_receiver_starts_with_nothing() -> None:
    """Nobody in control, nothing accepted, nothing refused."""
    receiver = CommandReceiver(SessionLimits(max_age=0.06))
    assert (receiver.session, receiver.last_sequence, receiver.accepted) == (0, 0, 0)
    assert receiver.last_arrival == -math.inf
    assert receiver.refused == dict.fromkeys(Refusal, 0)


def test_the_hand_sample_is_dated_by_this_hosts_clock() -> None:
    """With clocks 1000 s apart and a round trip of 40 ms, a sample is dated to within half of it."""
    receiver = CommandReceiver(SessionLimits(max_age=0.06))
    for sequence in range(1, 50):
        signal = packet(sequence)
        sampled = sequence * PERIOD
        assert receiver.receive(signal, sampled + 0.02 + 0.003 * (sequence % 4), 0.04, True) is None
        if sequence > 4:
            assert receiver.sampled_at(signal) == pytest.approx(sampled, abs=1e-9)
