"""Published attacks on teleoperated surgery, tried on the receiver of commands and on the holder of permits.

The attacks are those under which RAVEN II failed (Bonaci et al. 2015, arXiv:1504.04339, and its network layer): a
leading sequence number makes it deaf, a recorded session replays after one sacrificed packet, anybody may take over,
and lost or repeated increments add up.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop_core.permit import PermitHolder
from teleop_core.se3 import Pose
from teleop_core.session import CommandReceiver, Refusal, SessionLimits
from teleop_core.signals import HandSignal, OperatorSignal

PERIOD = 0.005
SURGEON, ATTACKER, YESTERDAY = 0x5EED, 0xBAD, 0x01D
LIMITS = SessionLimits(max_age=0.06)
WITH_KEYS = SessionLimits(max_age=0.06, begin_round_trip=1.0)


def packet(sequence: int, session: int = SURGEON, stamp: float | None = None, x: float = 0.0) -> OperatorSignal:
    """Packet of a console whose clock is 1000 s ahead."""
    pose = Pose(np.array([x, 0.0, 0.0]), np.array([0.0, 0.0, 0.0, 1.0]))
    hands = tuple(HandSignal(name, pose, (0.0,) * 3, (0.0,) * 3, 0.1) for name in ("MTML", "MTMR"))
    when = 1000.0 + sequence * PERIOD if stamp is None else stamp
    return OperatorSignal(when, session, sequence, 0, True, False, False, 0.2, 0.0, 0.0, hands)


def surgeon_speaks(receiver: CommandReceiver, first: int, last: int) -> int:
    """Genuine packets, each arriving when it was made; returns how many were accepted."""
    return sum(
        receiver.receive(packet(sequence), sequence * PERIOD, 0.01, True) is None for sequence in range(first, last + 1)
    )


@pytest.fixture
def receiver() -> CommandReceiver:
    """The surgeon has been in control for 100 packets."""
    made = CommandReceiver(LIMITS)
    assert surgeon_speaks(made, 1, 100) == 100
    return made


@pytest.mark.parametrize("lead", [501, 900, 10_000, 2**64 - 1 - 100])
@pytest.mark.parametrize("authenticated", [True, False])
def test_leading_sequence_poisoning(receiver: CommandReceiver, lead: int, authenticated: bool) -> None:
    """One packet far ahead silences RAVEN for as long as it is ahead; here the next 900 genuine packets all count."""
    refusal = receiver.receive(packet(100 + lead, stamp=1000.5), 0.5, 0.01, authenticated)
    assert refusal is (Refusal.FOREIGN if authenticated else Refusal.UNAUTHENTICATED)
    assert surgeon_speaks(receiver, 101, 1000) == 900


def test_a_lead_within_the_window_needs_the_key(receiver: CommandReceiver) -> None:
    """Without the key even a lead of one packet changes nothing: every genuine packet is accepted."""
    for sequence in range(101, 600):
        forged = packet(sequence + 1, stamp=1000.0 + sequence * PERIOD, x=0.3)
        assert receiver.receive(forged, sequence * PERIOD, 0.01, False) is Refusal.UNAUTHENTICATED
        assert receiver.receive(packet(sequence), sequence * PERIOD, 0.01, True) is None
    assert receiver.refused == {**dict.fromkeys(Refusal, 0), Refusal.UNAUTHENTICATED: 499}


def test_no_backwards_reset(receiver: CommandReceiver) -> None:
    """RAVEN takes a number more than 1000 below the newest for a restart; here the session never goes back."""
    assert surgeon_speaks(receiver, 101, 1500) == 1400
    for sequence in (1, 2, 3, 400):
        answer = receiver.receive(packet(sequence, stamp=1007.5), 7.501, 0.01, True)
        assert answer in (Refusal.DUPLICATE, Refusal.REORDERED)
    assert surgeon_speaks(receiver, 1501, 1600) == 100


@pytest.mark.parametrize("pause", [0.0, 0.5, 2.0, 3600.0])
def test_replay_of_the_present_session(receiver: CommandReceiver, pause: float) -> None:
    """All that was recorded, genuine hashes included, moves nothing: at once, in a silence, or after an hour."""
    answers = {receiver.receive(packet(sequence), 0.5 + pause, 0.01, True) for sequence in range(1, 101)}
    assert answers == {Refusal.DUPLICATE}
    assert (receiver.accepted, receiver.last_sequence, receiver.last_arrival) == (100, 100, 0.5)


def test_replay_of_an_old_session_in_a_silence(receiver: CommandReceiver) -> None:
    """A session that has lost control is refused for ever, from its first packet to packets it never sent."""
    assert receiver.receive(packet(1, session=SURGEON + 1), 2.0, 0.01, True) is None
    for sequence in (*range(1, 101), 101, 600):
        assert receiver.receive(packet(sequence), 60.0, 0.01, True) is Refusal.FOREIGN
    assert receiver.session == SURGEON + 1


def test_replay_of_an_old_session_to_a_receiver_that_was_restarted() -> None:
    """It remembers no session, but recorded packets echo feedback of long ago: with keys they begin nothing."""
    receiver = CommandReceiver(WITH_KEYS)
    for sequence in range(1, 400):
        for round_trip in (None, 86_400.0):
            answer = receiver.receive(packet(sequence, session=YESTERDAY), sequence * PERIOD, round_trip, True)
            assert answer is Refusal.FOREIGN
    assert receiver.session == 0
    assert receiver.receive(packet(1), 2.0, 0.01, True) is None


def test_nobody_takes_over_a_console_that_speaks(receiver: CommandReceiver) -> None:
    """With a valid key and a fresh session, an attacker beside the surgeon is foreign with every packet."""
    for sequence in range(101, 1101):
        intruder = packet(sequence, session=ATTACKER, stamp=1000.0 + sequence * PERIOD, x=0.5)
        assert receiver.receive(intruder, sequence * PERIOD, 0.01, True) is Refusal.FOREIGN
        assert receiver.receive(packet(sequence), sequence * PERIOD, 0.01, True) is None
    assert (receiver.session, receiver.refused[Refusal.FOREIGN]) == (SURGEON, 1000)


def test_nobody_takes_over_a_silent_console_without_the_key(receiver: CommandReceiver) -> None:
    """Silence opens the way for a new session, but not for a hash that does not fit."""
    for sequence in range(1, 400):
        intruder = packet(sequence, session=ATTACKER + sequence)
        assert receiver.receive(intruder, 10.0 + sequence * PERIOD, 0.01, False) is Refusal.UNAUTHENTICATED
    assert receiver.session == SURGEON
    assert receiver.receive(packet(1, session=SURGEON + 1), 12.0, 0.01, True) is None


def test_a_delayed_console_is_not_kept_alive_by_forged_packets(receiver: CommandReceiver) -> None:
    """Refused packets do not hide a silence: the last arrival is that of the last genuine one."""
    for tick in range(1, 1000):
        receiver.receive(packet(100 + tick), 0.5 + tick * PERIOD, 0.01, False)
        receiver.receive(packet(100, stamp=1000.5 + tick * PERIOD), 0.5 + tick * PERIOD, 0.01, True)
    assert receiver.last_arrival == 0.5


def test_a_forged_stamp_does_not_teach_the_clock(receiver: CommandReceiver) -> None:
    """A stamp of the future would make all genuine packets look late, if it were believed."""
    before = receiver.sampled_at(packet(100))
    for stamp in (5000.0, -5000.0, 1e300):
        receiver.receive(packet(101, stamp=stamp), 0.502, 0.0, False)
    assert receiver.sampled_at(packet(100)) == before
    assert surgeon_speaks(receiver, 101, 200) == 100


def test_a_held_back_packet_is_stale_not_late_motion(receiver: CommandReceiver) -> None:
    """Delaying is possible without a key; what was delayed beyond the limit is dropped, what follows counts."""
    for sequence in range(101, 121):
        assert receiver.receive(packet(sequence), sequence * PERIOD + 0.0611, 0.01, True) is Refusal.STALE
    assert surgeon_speaks(receiver, 140, 160) == 21


@given(st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=120))
def test_lost_repeated_and_shuffled_packets_add_up_to_nothing(arrivals: list[tuple[int, bool]]) -> None:
    """Where a hand leads is where its newest accepted packet says, never a sum of what came before."""
    receiver = CommandReceiver(LIMITS)
    newest, place = 0, 0.0
    for sequence, repeated in arrivals:
        for _ in range(1 + repeated):
            signal = packet(sequence, stamp=1000.0, x=0.001 * sequence)
            if receiver.receive(signal, 0.0, None, True) is None:
                assert sequence > newest
                newest, place = sequence, float(signal.hands[0].pose.position[0])
    assert place == 0.001 * newest
    assert receiver.accepted + sum(receiver.refused.values()) == sum(1 + repeated for _, repeated in arrivals)


@given(
    st.lists(
        st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.floats(0.0, 100.0), st.floats(0.0, 1e4)),
        max_size=50,
    )
)
def test_no_series_of_forged_packets_changes_anything(forged: list[tuple[int, int, float, float]]) -> None:
    """Any session, any number, any stamp, at any time: afterwards the receiver is as it was, but for the counter."""
    receiver = CommandReceiver(LIMITS)
    assert surgeon_speaks(receiver, 1, 5) == 5
    kept = ("session", "last_sequence", "last_arrival", "accepted", "_seen")
    before = [getattr(receiver, name) for name in kept], receiver.sampled_at(packet(5)), set(receiver._used_sessions)
    for session, sequence, arrival, stamp in forged:
        receiver.receive(packet(sequence, session, stamp), arrival, 0.0, False)
    after = [getattr(receiver, name) for name in kept], receiver.sampled_at(packet(5)), set(receiver._used_sessions)
    assert after == before
    assert receiver.refused == {**dict.fromkeys(Refusal, 0), Refusal.UNAUTHENTICATED: len(forged)}


def test_recorded_permits_open_nothing_while_the_monitor_lives_or_after_it_died() -> None:
    """Permits of the present session repeat, of an old one were used: neither is taken, in or after the lease."""
    holder = PermitHolder()
    assert holder.take(0.0, True, YESTERDAY, 1, 0.1, 1.0)
    assert holder.take(1.0, True, SURGEON, 1, 0.1, 1.0)
    for now in (1.05, 1.5, 100.0):
        assert not holder.take(now, True, SURGEON, 1, 0.1, 1.0)
        for sequence in (1, 2, 10_000):
            assert not holder.take(now, True, YESTERDAY, sequence, 0.1, 1.0)
    assert not holder.valid(1.5)


def test_a_leading_permit_number_needs_the_key_and_a_leading_session_the_silence() -> None:
    """Another session cannot talk over a permit that holds, in either direction."""
    holder = PermitHolder()
    for sequence in range(1, 200):
        now = 0.01 * sequence
        assert holder.take(now, True, SURGEON, sequence, 0.1, 1.0)
        assert not holder.take(now, True, ATTACKER + sequence, 2**63, 1.0, 1.0)
        assert not holder.take(now, False, ATTACKER + sequence, 2**63, 1.0, 1.0)
        assert holder.permit_session == SURGEON
