"""Console, endoscope and people in simulated time. People do what they are told, and nothing else.

What they are told is the list of recovery steps of the safety monitor. The local team and the operator carry out the
first step that is theirs; when no step is left, the arms follow the hands.
"""

from __future__ import annotations

import random
from dataclasses import replace

from campaign.recorded_input import RecordedInput
from campaign.simulated_messages import Feedback, Permit
from campaign.simulated_world import SimulatedNode, World
from safety_monitor.recovery import ENGAGE, PRESS, RELEASE_DEADMAN, RESET, TAKE_CONSOLE, WAIT_FOR_SELF_TEST
from teleop_console.console_sender import ConsoleSender
from teleop_console.devices.device import DeviceSample
from teleop_console.watched_device import WatchedDevice
from teleop_core.contract import EYES

PERIOD = 0.005
PRESS_FOR, PRESS_AGAIN_AFTER = 0.13, 0.3
"""The operator holds the clutch down this long, and tries again after this long [s]."""
RESET_EVERY = 0.1
FRAME_PERIOD = 0.04


class PlayedHands:
    """A recording as an input device, begun at a time of its own."""

    performs_gesture = True

    def __init__(self, recording: RecordedInput, begin: float) -> None:
        """Play from `begin` [s] of the recording on."""
        self._recording = recording
        self._begin = begin

    def connect(self) -> None:
        """Always there."""

    def close(self) -> None:
        """Nothing to let go of."""

    def read(self, now: float) -> DeviceSample:
        """Hands at a time [s]."""
        return self._recording.at(self._begin + now)


class SimulatedConsole(SimulatedNode):
    """Samples the hands, sends packets.

    Attributes:
        present: The operator holds the deadman.
        clutch: The operator presses the clutch.
        silent: It sends nothing.
    """

    timers = (("step", PERIOD),)
    host = "console"

    def __init__(self, world: World, recording: RecordedInput, begin: float, scale: float) -> None:
        """A console in its first session."""
        super().__init__(world, "console")
        self._random = random.Random(f"{world.seed} sessions")
        self.device = WatchedDevice(PlayedHands(recording, begin))
        self._scale = scale
        self.present, self.clutch, self.silent = True, False, False
        self.restart()

    def restart(self) -> None:
        """A new process: a new session."""
        self._sender = ConsoleSender(self._scale, self._draw)

    def on_feedback(self, feedback: Feedback) -> None:
        """What became of the packets."""
        self._sender.take_feedback(self.now(), feedback.stamp, feedback.session, feedback.command_stamp)

    def step(self) -> None:
        """Read the device, send what it says."""
        now = self.now()
        sample = self.device.read(now)
        sample = replace(sample, operator_present=sample.operator_present and self.present, clutch=self.clutch)
        if not self.silent:
            self.world.publish("teleop/command", self._sender.signal(now, self.ros_now(), sample), True)

    def set_clutch(self, pressed: bool) -> None:
        """The operator presses or releases the pedal."""
        self.clutch = pressed

    def _draw(self) -> int:
        return self._random.getrandbits(63) + 1


class SimulatedEndoscope(SimulatedNode):
    """Both eyes, 25 frames a second.

    Attributes:
        frozen: It repeats the frame of this time [s]; None while it works.
        stuck: It stamps the same picture anew, again and again.
        apart: Capture of the right eye after that of the left [s].
    """

    timers = (("step", FRAME_PERIOD),)

    def __init__(self, world: World) -> None:
        """A camera that works."""
        super().__init__(world, "endoscope")
        self.frozen: float | None = None
        self.stuck = False
        self.apart = 0.0
        self._pictures = 0

    def step(self) -> None:
        """One frame of each eye."""
        captured = self.ros_now() if self.frozen is None else self.frozen
        self._pictures += not (self.stuck or self.frozen is not None)
        for eye in EYES:
            stamp = captured + (self.apart if eye == "right" else 0.0)
            self.world.publish(f"image {eye}", eye, stamp, self._pictures)


class SimulatedLink(SimulatedNode):
    """Reports how good the wide-area link is.

    Attributes:
        quality: Round trip [s], jitter [s], loss.
    """

    timers = (("step", 0.1),)

    def __init__(self, world: World) -> None:
        """A good link."""
        super().__init__(world, "link")
        self.quality = (0.01, 0.001, 0.0)

    def step(self) -> None:
        """Ten times a second."""
        self.world.publish("link/status", *self.quality)


class SimulatedPeople(SimulatedNode):
    """Operator and local team.

    Attributes:
        obey: They carry out the recovery steps; otherwise they keep still.
        told: Newest SafetyState on the screens.
        releases: When the operator released the clutch after a press [s].
    """

    timers = (("step", 0.02),)

    def __init__(self, world: World) -> None:
        """People who wait."""
        super().__init__(world, "people")
        self.obey = False
        self.told: Permit | None = None
        self.releases: list[float] = []
        self._pressed_at = self._released_at = self._reset_at = float("-inf")

    def on_safety_state(self, permit: Permit) -> None:
        """What the screens show."""
        self.told = permit

    def pedal(self, pressed: bool) -> None:
        """The operator presses or releases the clutch."""
        console = self.world.nodes["console"]
        if pressed and not console.clutch:
            self._pressed_at = self.world.now
        elif console.clutch and not pressed:
            self._released_at = self.world.now
            self.releases.append(self.world.now)
        console.set_clutch(pressed)

    def step(self) -> None:
        """Do the first thing that is asked for."""
        now, console = self.world.now, self.world.nodes["console"]
        if not self.obey or self.told is None:
            return
        steps = self.told.recovery
        if console.clutch:
            if now - self._pressed_at >= PRESS_FOR:
                self.pedal(False)
            return
        # What others have to mend is mended when the fault is removed: people go on with the next step.
        step = next((step for step in steps if self._can_do(step, steps)), "")
        if step == RELEASE_DEADMAN:
            console.present = False
        elif step == RESET:
            if now - self._reset_at >= RESET_EVERY:
                self._reset_at = now
                self.world.at(now + 0.001, "monitor", "on_reset")
        elif step in (PRESS, ENGAGE):
            if now - self._released_at >= PRESS_AGAIN_AFTER:
                self.pedal(True)
        elif step == TAKE_CONSOLE or "sit down" in step:
            console.present = True
        elif "enable and home" in step:
            self._enable_and_home(step)
        elif "end the session" in step:
            self.world.restart("monitor")

    @staticmethod
    def _can_do(step: str, steps: tuple[str, ...]) -> bool:
        if "sit down" in step:
            return RESET not in steps  # nobody sits down before the reset that wants the deadman released
        known = step in (RELEASE_DEADMAN, RESET, PRESS, ENGAGE, TAKE_CONSOLE, WAIT_FOR_SELF_TEST)
        return known or "enable and home" in step or "end the session" in step

    def _enable_and_home(self, step: str) -> None:
        driver = self.world.nodes["driver"]
        for arm in driver.arms:
            if f"({arm})" in step and not (driver.dead or driver.hung):
                driver.state_command(arm, "enable")
                driver.state_command(arm, "home")
