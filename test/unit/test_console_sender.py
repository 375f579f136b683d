"""Packets are numbered, the echo is right, a session that lost control is replaced."""

from __future__ import annotations

import numpy as np
import pytest

from teleop_console.console_sender import OUT_OF_CONTROL, ConsoleSender, draw_session
from teleop_console.devices.device import DeviceSample
from teleop_core.se3 import Pose
from teleop_core.session import CommandReceiver, SessionLimits
from teleop_core.signals import HandSignal, OperatorSignal

HAND = HandSignal("MTML", Pose(np.array((0.1, 0.0, 0.3)), np.array((0.0, 0.0, 0.0, 1.0))), (0.0,) * 3, (0.0,) * 3, 0.5)
PERIOD = 0.005


def sample(clutch: bool = False, present: bool = True) -> DeviceSample:
    return DeviceSample((HAND,), present, clutch, False)


def numbered() -> ConsoleSender:
    """A sender whose sessions are 1, 2, 3."""
    sessions = iter(range(1, 100))
    return ConsoleSender(0.2, lambda: next(sessions))


def test_sequence_rises_by_one_from_one() -> None:
    """In every packet, with the session and what the device gave."""
    sender = numbered()
    signals = [sender.signal(tick * PERIOD, 1e9 + tick * PERIOD, sample()) for tick in range(5)]
    assert [signal.sequence for signal in signals] == [1, 2, 3, 4, 5]
    assert {signal.session for signal in signals} == {1}
    assert signals[2].stamp == 1e9 + 2 * PERIOD
    assert signals[2].hands == (HAND,)
    assert signals[2].motion_scale == 0.2


def test_clutch_epoch_counts_presses() -> None:
    """One more at each press edge, not while it is held, not at the release."""
    sender = numbered()
    pattern = (False, True, True, False, True, False, False, True)
    epochs = [sender.signal(0.0, 0.0, sample(clutch)).clutch_epoch for clutch in pattern]
    assert epochs == [0, 1, 1, 1, 2, 2, 2, 3]


def test_the_echo_is_the_newest_feedback_and_its_age() -> None:
    """Nothing at first, then stamp and age."""
    sender = numbered()
    before = sender.signal(10.0, 0.0, sample())
    assert (before.feedback_stamp, before.feedback_age) == (0.0, 0.0)
    sender.take_feedback(10.0, 555.5, 0, 0)
    after = sender.signal(10.25, 0.0, sample())
    assert (after.feedback_stamp, after.feedback_age) == (555.5, 0.25)


@pytest.mark.parametrize("scale", [0.0, -0.1, 1.1, float("nan")])
def test_a_scale_outside_its_range_is_refused(scale: float) -> None:
    """By name and value."""
    with pytest.raises(ValueError, match="motion_scale"):
        ConsoleSender(scale)


def test_session_numbers_are_random_and_never_zero() -> None:
    """64 bits from the system's random source."""
    drawn = {draw_session() for _ in range(1000)}
    assert len(drawn) == 1000
    assert all(0 < session < 2**64 for session in drawn)
    assert max(drawn) > 2**60


def test_a_session_that_was_never_in_control_waits() -> None:
    """Another console may be in control, and this one must not keep changing its name."""
    sender = numbered()
    for tick in range(1000):
        sender.take_feedback(tick * 0.01, 1.0, session=77, command_stamp=0.0)
    assert sender.session == 1


def test_losing_control_for_a_second_starts_a_new_session() -> None:
    """Not before the second is over; then everything is counted anew."""
    sender = numbered()
    sender.signal(0.0, 1e9, sample(clutch=True))
    sender.take_feedback(0.0, 1.0, session=1, command_stamp=1e9)
    sender.take_feedback(0.9 * OUT_OF_CONTROL, 2.0, session=77, command_stamp=5.0)
    assert sender.session == 1
    sender.take_feedback(1.1 * OUT_OF_CONTROL, 3.0, session=77, command_stamp=5.0)
    assert sender.session == 2
    signal = sender.signal(2.0, 0.0, sample())
    assert (signal.session, signal.sequence, signal.clutch_epoch) == (2, 1, 0)


def test_silent_feedback_alone_changes_nothing() -> None:
    """Where the packets were accepted all the while, the session goes on."""
    sender = numbered()
    sender.signal(0.0, 1e9, sample())
    sender.take_feedback(0.0, 1.0, session=1, command_stamp=1e9)
    sender.signal(30.0, 1e9 + 30.0, sample())
    sender.take_feedback(30.0, 1.0, session=1, command_stamp=1e9 + 29.9)
    assert sender.session == 1


def test_after_a_long_outage_the_receiver_takes_the_new_session_at_once() -> None:
    """With the real receiver: packets of the old session are foreign after the outage, those of the new one are not."""
    sender, receiver = numbered(), CommandReceiver(SessionLimits(max_age=0.15))
    outage = (2.0, 7.0)
    accepted_stamp = 0.0
    refused_after = 0
    for tick in range(2400):
        now = tick * PERIOD
        signal: OperatorSignal = sender.signal(now, 1e9 + now, sample())
        if outage[0] <= now < outage[1]:
            continue
        if receiver.receive(signal, now, None, True) is None:
            accepted_stamp = signal.stamp
        else:
            refused_after += 1
        if tick % 2 == 0:
            sender.take_feedback(now, now, receiver.session, accepted_stamp)
    assert sender.sessions == 2
    assert receiver.session == sender.session
    assert refused_after <= 2


@pytest.mark.parametrize("step", [-60.0, -10.0, 10.0])
def test_a_step_of_the_consoles_clock_costs_about_a_second(step: float) -> None:
    """Whether its wall clock steps back or forth, the console is heard again soon after the session limit."""
    sender, receiver = numbered(), CommandReceiver(SessionLimits(max_age=0.06))
    heard = []
    newest = 0.0
    for tick in range(2000):
        now = tick * PERIOD
        clock = 1e9 + now + (step if now >= 2.0 else 0.0)
        signal = sender.signal(now, clock, sample())
        if receiver.receive(signal, now + 0.001, None, True) is None:
            heard.append(now)
            newest = signal.stamp
        if tick % 2 == 0 and heard:
            sender.take_feedback(now + 0.002, now, receiver.session, newest)
    assert max(np.diff(heard)) <= OUT_OF_CONTROL + 0.1
    assert heard[-1] == pytest.approx(1999 * PERIOD)
