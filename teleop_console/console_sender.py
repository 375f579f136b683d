"""Numbers the packets of a console: session, sequence, clutch epoch and the echo of the feedback.

A receiver that has lost a session for a while refuses the rest of it, as nothing may be replayed. So when feedback
says that the newest accepted packet of the session is an old one, the console starts a new session.
"""

from __future__ import annotations

from collections.abc import Callable
from secrets import randbits

from teleop_console.devices.device import DeviceSample
from teleop_core.signals import OperatorSignal

OUT_OF_CONTROL = 1.0
"""A session is over when its newest accepted packet was sent longer ago than this [s]."""


def draw_session() -> int:
    """Random number of a session, 1 to 2^64 - 1; 0 means none."""
    return randbits(64) or draw_session()


class ConsoleSender:
    """Turns what the device gives into packets.

    Attributes:
        motion_scale: Instrument motion per hand motion, 0 < motion_scale <= 1.
        session: Number of the present session.
        sessions: Sessions so far.
    """

    def __init__(self, motion_scale: float, draw: Callable[[], int] = draw_session) -> None:
        """Start the first session.

        Args:
            motion_scale: Instrument motion per hand motion, 0 < motion_scale <= 1.
            draw: Gives the number of each session, never the same twice.

        Raises:
            ValueError: the scale is outside its range.
        """
        if not 0.0 < motion_scale <= 1.0:
            raise ValueError(f"motion_scale: {motion_scale} is not within 0 (excluded) to 1")
        self.motion_scale = motion_scale
        self._draw = draw
        self._feedback_stamp = 0.0
        self._feedback_at: float | None = None
        self._accepted_stamp = 0.0
        self._accepted_at: float | None = None
        self._clock_offset = 0.0
        self._sequence = 0
        self._clutch_epoch = 0
        self._clutch = False
        self.session = draw()
        self.sessions = 1

    def take_feedback(self, now: float, stamp: float, session: int, command_stamp: float) -> None:
        """Learn from feedback what became of the packets.

        Args:
            now: Monotonic time of its arrival [s].
            stamp: Its stamp [s], clock of the patient side.
            session: Session in control.
            command_stamp: Stamp of the newest accepted packet of that session [s], clock of the console.
        """
        self._feedback_stamp = stamp
        self._feedback_at = now
        if session == self.session and command_stamp != self._accepted_stamp:
            # By the monotonic clock at the latest: after a step backwards the stamp alone says "just now" for long.
            self._accepted_stamp, self._accepted_at = command_stamp, min(now, command_stamp - self._clock_offset)
        if self._accepted_at is not None and now - self._accepted_at > OUT_OF_CONTROL:
            self._begin_session()

    def signal(self, now: float, stamp: float, sample: DeviceSample) -> OperatorSignal:
        """Make the next packet.

        Args:
            now: Monotonic time [s].
            stamp: When the hands were sampled [s], clock of the console.
            sample: What the device gave.
        """
        self._sequence += 1
        self._clock_offset = stamp - now
        if sample.clutch and not self._clutch:
            self._clutch_epoch += 1
        self._clutch = sample.clutch
        return OperatorSignal(
            stamp=stamp,
            session=self.session,
            sequence=self._sequence,
            clutch_epoch=self._clutch_epoch,
            operator_present=sample.operator_present,
            clutch=sample.clutch,
            camera=sample.camera,
            motion_scale=self.motion_scale,
            feedback_stamp=self._feedback_stamp,
            feedback_age=0.0 if self._feedback_at is None else now - self._feedback_at,
            hands=sample.hands,
        )

    def _begin_session(self) -> None:
        self.session = self._draw()
        self.sessions += 1
        self._sequence = 0
        self._clutch_epoch = 0
        self._clutch = False
        self._accepted_at = None
