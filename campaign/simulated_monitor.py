"""The safety monitor in simulated time: the real observations and supervisor, without ROS around them."""

from __future__ import annotations

import random
from typing import Any

from campaign.simulated_messages import Feedback, Joints, Permit, Report
from campaign.simulated_world import SimulatedNode, World
from safety_monitor.arm_observation import ArmObservation
from safety_monitor.inputs import COMMAND, DRIVER, FEEDBACK, SOLE, VIDEO, Inputs, LinkQuality
from safety_monitor.observations import Acceptance, ClockWatch, Control, PictureWatch, Rises, StreamObservation
from safety_monitor.supervisor import Supervisor, Verdict
from teleop_core.contract import EYES
from teleop_core.profiles import Profile
from teleop_core.signals import OperatorSignal, TeleopState

PERIOD = 0.01
LEASE = 0.1
CENSUS_EVERY = 10
REPLAY_WINDOW, NOT_FINITE_WINDOW = 1.0, 0.5


class SimulatedMonitor(SimulatedNode):
    """Arrivals -> Inputs -> Supervisor -> permit.

    Attributes:
        wrong_qos: Topics on which a publisher offers the wrong quality of service.
        disk_free: What the file system says [bytes].
        recorder: Whether the recorder writes; None where none has been heard.
    """

    timers = (("step", PERIOD),)

    def __init__(self, world: World, arms: tuple[str, ...], profile: Profile, session: int) -> None:
        """Expect every stream, permit nothing."""
        super().__init__(world, "monitor")
        self.supervisor = Supervisor(profile)
        self.session = session
        self.wrong_qos: set[str] = set()
        self.disk_free = 1e12
        self.recorder: bool | None = None
        self.lag_before_steps = 0.0
        self._streams = {
            "teleop/command": StreamObservation("console", COMMAND),
            "teleop/feedback": StreamObservation("kinematics", FEEDBACK),
            "teleop/servo": StreamObservation("commands of the arms", SOLE),
            "safety/state": StreamObservation("safety_monitor", SOLE),
        }
        for arm in arms:
            self._streams[f"{arm}/setpoint_js"] = StreamObservation(arm, DRIVER)
            self._streams[f"{arm}/measured_js"] = StreamObservation(arm, DRIVER)
        for eye in EYES:
            self._streams[f"image {eye}"] = StreamObservation(f"{eye} eye", VIDEO)
        self._arms = {arm: ArmObservation(arm) for arm in arms}
        self._acceptance = Acceptance()
        self._replayed = Rises(REPLAY_WINDOW)
        self._not_finite = Rises(NOT_FINITE_WINDOW)
        self._unauthenticated = {source: Rises(PERIOD) for source in ("kinematics", *arms)}
        self._clock = ClockWatch()
        self._link: tuple[float, float, float, float] | None = None
        self._image_stamps = dict.fromkeys(EYES, 0.0)
        self._pictures = {eye: PictureWatch() for eye in EYES}
        self._control = Control()
        self._operator_present = False
        self._clutch = False
        self._happened: dict[str, tuple[Any, ...]] = {}
        self._stepped_at = self.now()
        self._steps = 0
        self._sequence = 0
        self.verdict: Verdict | None = None

    def on_command(self, signal: OperatorSignal, authentic: bool) -> None:
        """A packet of the console."""
        if not authentic:
            self._happen("unauthenticated", "safety_monitor")
            return
        self._streams["teleop/command"].arrived(self.now())
        if not self._control.believes(signal.session, signal.sequence):
            return
        self._operator_present = signal.operator_present
        self._clutch = signal.clutch

    def on_feedback(self, feedback: Feedback) -> None:
        """What the kinematics made of the commands."""
        now, refused = self.now(), feedback.refused
        self._streams["teleop/feedback"].arrived(now)
        self._control.told(feedback.session, feedback.last_sequence)
        self._acceptance.told(now, feedback.session, feedback.command_hold)
        self._replayed.told(now, refused["duplicate"] + refused["foreign"])
        self._not_finite.told(now, refused["malformed"])
        if self._unauthenticated["kinematics"].told(now, refused["unauthenticated"]):
            self._happen("unauthenticated", "kinematics")
        for arm in feedback.arms:
            self._arms[arm.name].aligning = arm.state is TeleopState.ALIGNING

    def on_arm_setpoint(self, arm: str, joints: Joints, _jaw: float) -> None:
        """Where the driver wants the arm."""
        self._streams[f"{arm}/setpoint_js"].arrived(self.now())
        self._arms[arm].on_setpoint(joints)

    def on_arm_measured(self, arm: str, joints: Joints) -> None:
        """Where the arm is."""
        self._streams[f"{arm}/measured_js"].arrived(self.now())
        self._arms[arm].on_measured(self.now(), joints)

    def on_arm_state(self, arm: str, ready: bool) -> None:
        """The arm may be driven, or not."""
        if self._arms[arm].on_operating_state(ready):
            self._happen("found_enabled", arm)

    def on_arm_report(self, arm: str, report: Report) -> None:
        """What the gate of the arm did lately."""
        now = self.now()
        self._arms[arm].on_report(now, report)
        if self._unauthenticated[arm].told(now, report.unauthenticated):
            self._happen("unauthenticated", arm)

    def on_arm_image(self, eye: str, captured: float, content: int) -> None:
        """A frame of one eye; its age counts from its capture."""
        self._streams[f"image {eye}"].arrived(self.now(), self.ros_now() - captured)
        self._pictures[eye].arrived(self.now(), content)
        self._image_stamps[eye] = captured

    def on_link_status(self, round_trip: float, jitter: float, loss: float) -> None:
        """How good the wide-area link is."""
        self._link = (self.now(), round_trip, jitter, loss)

    def on_protective_stop(self, source: str, reason: str, authentic: bool) -> None:
        """Somebody asks for a stop: decide and tell at once."""
        self._happen("stop_requests" if authentic else "unsigned_stops", (source, reason))
        self.step()

    def on_wrong_qos(self, topic: str) -> None:
        """The middleware tells of a publisher with the wrong quality of service."""
        self._streams[topic].qos_mismatch = True

    def on_console_lost(self) -> None:
        """The middleware says that the console is no longer alive."""
        self._streams["teleop/command"].liveliness_lost = True

    def on_reset(self) -> None:
        """The local team asks to clear what is latched."""
        self._count_speakers()
        for topic, observation in self._streams.items():
            observation.qos_mismatch = observation.qos_mismatch and topic in self.wrong_qos
        self._decide(reset=True)

    def step(self) -> None:
        """Decide, publish."""
        self._decide(reset=False)

    def failed(self, text: str) -> None:
        """Withdraw the permit, and latch the failure."""
        self._happened["failure"] = (text,)
        self._sequence += 1
        self.world.publish("safety/state", Permit(self.ros_now(), self.session, self._sequence, False, LEASE, 1.0))

    def _decide(self, reset: bool) -> None:
        now = self.now()
        self._clock.read(now, self.ros_now(), now)
        lag, self._stepped_at = now - self._stepped_at, now
        self._steps += 1
        if self._steps % CENSUS_EVERY == 1:
            self._count_speakers()
        verdict = self.verdict = self.supervisor.step(now, self._inputs(now, lag, reset))
        self._sequence = verdict.permit_sequence
        self.world.publish(
            "safety/state",
            Permit(
                self.ros_now(),
                self.session,
                verdict.permit_sequence,
                verdict.permitted,
                LEASE,
                verdict.velocity_ratio,
                True,
                verdict.state,
                tuple((alarm.id, int(alarm.level), alarm.latched) for alarm in verdict.alarms),
                verdict.recovery,
            ),
        )

    def _inputs(self, now: float, lag: float, reset: bool) -> Inputs:
        happened, self._happened = self._happened, {}
        link = self._link
        return Inputs(
            streams=tuple(observation.health(now) for observation in self._streams.values()),
            arms={name: arm.health(now, self.session) for name, arm in self._arms.items()},
            operator_present=self._operator_present,
            clutch=self._clutch,
            command_refused_for=self._acceptance.refused_for(now, self._streams["teleop/command"]),
            replayed=self._replayed.within(now),
            not_finite=("kinematics",) if self._not_finite.within(now) else (),
            eyes_apart=abs(self._image_stamps["left"] - self._image_stamps["right"]),
            eyes_unchanged={eye: picture.unchanged_for for eye, picture in self._pictures.items()},
            link=None if link is None else LinkQuality(now - link[0], *link[1:]),
            failure=happened.pop("failure", ("",))[0],
            reset_requested=reset,
            loop_lag=lag,
            clock_step=self._clock.step,
            recorder_writing=self.recorder,
            disk_free=self.disk_free,
            **happened,
        )

    def _count_speakers(self) -> None:
        for topic, observation in self._streams.items():
            observation.publishers = self.world.publishers[topic]

    def _happen(self, what: str, item: Any) -> None:
        self._happened[what] = (*self._happened.get(what, ()), item)


def draw_session(source: random.Random) -> int:
    """Random number of a session, not 0."""
    return source.getrandbits(63) + 1
