"""safety_monitor: watches every stream and permits motion while all is well.

In:  teleop/command, teleop/feedback, <ARM>/setpoint_js, measured_js, operating_state, servo_report,
     endoscope/*/image_raw/compressed, link/status, safety/protective_stop, record/*/status;
     service safety/reset (std_srvs/Trigger)
Out: safety/state (the permit, 100 Hz and on change)
Silence: of a stream is a cause in the cause table; silence of this node ends every permit by its lease.

The verdict comes from arrivals on this node's own clock and a census of publishers. Deadline and liveliness events of
the middleware are inputs to it: alone they miss a publisher that never spoke, a second one, and a starved executor.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from secrets import randbits
from typing import Any
from zlib import crc32

from rclpy.logging import get_logging_directory
from std_srvs.srv import Trigger

from safety_monitor.arm_observation import ArmObservation
from safety_monitor.causes import Level
from safety_monitor.disk_watch import DiskWatch
from safety_monitor.inputs import COMMAND, DRIVER, FEEDBACK, NOBODY, VIDEO, Inputs, LinkQuality, worse_loss
from safety_monitor.observations import Acceptance, ClockWatch, Control, PictureWatch, Rises, StreamObservation
from safety_monitor.recorder_watch import RecorderWatch, summed_up
from safety_monitor.safety_log import CHAIN, SafetyLog
from safety_monitor.state_message import events, fill, health_of_node, health_of_streams
from safety_monitor.stream_watch import StreamWatch
from safety_monitor.supervisor import Supervisor, Verdict
from teleop_core.contract import ARMS, DEFAULT_ARMS, EYE_LINKS, EYES, SITES, STREAMS
from teleop_core.decision_log import RESERVE
from teleop_core.permit import USUAL_LEASE, stamp_is_fresh
from teleop_core.signals import TeleopState
from teleop_ros.adapter import Health, HealthRow, TeleopNode, run
from teleop_ros.audit_log import RECORD_FOLDER, audit_log
from teleop_ros.decisions import decision_log
from teleop_ros.keys import KEY_FOLDER, authenticator
from teleop_ros.message_mac import sign_permit, verify_command, verify_stop
from teleop_ros.parameters import check, declare, parameter
from teleop_ros.profiles import profile, require_security

PERIOD = 1.0 / STREAMS["safety_state"].rate
CENSUS_EVERY = 10
"""Publishers are counted in every tenth step: the question costs the middleware's graph a lock."""
REPLAY_WINDOW, NOT_FINITE_WINDOW = 1.0, 0.5
"""Refused commands are counted over these times [s]."""


@dataclass(frozen=True)
class SafetyMonitorParameters:
    """Parameters of the safety monitor."""

    arms: list[str] = parameter(list(DEFAULT_ARMS), doc="arms that are expected", choices=ARMS)
    profile: str = parameter("lan", doc="limits of the link: a name, or a file")
    console: bool = parameter(
        True, doc="an operator drives the arms; false: CRTK clients and the local team only, a console may not speak"
    )
    lease: float = parameter(USUAL_LEASE, unit="s", low=0.03, high=0.3, doc="a permit ends this long after its arrival")
    key_folder: str = parameter("", doc=KEY_FOLDER)
    decision_log: str = parameter("", doc="file that takes every decision with its inputs; empty: none")
    decision_reserve: int = parameter(
        RESERVE, unit="bytes", low=0, high=10**15, doc="room that is left to the audit log when the decision log ends"
    )
    recorder: bool = parameter(False, doc="a recorder is expected; without one a session does not arm")
    record_folder: str = parameter("", doc=RECORD_FOLDER)

    def __post_init__(self) -> None:
        """Refuse unknown arms."""
        check(self)


class SafetyMonitorNode(TeleopNode):
    """Arrivals -> Inputs -> Supervisor -> SafetyState."""

    real_time = True
    hops_to_robot = 2

    def __init__(self) -> None:
        """Expect every stream, permit nothing."""
        super().__init__("safety_monitor")
        self.parameters = parameters = declare(self, SafetyMonitorParameters)
        self._commands_key = authenticator(parameters.key_folder, "command")
        self._permits_key = authenticator(parameters.key_folder, "permit")
        self._stops_key = authenticator(parameters.key_folder, "stop")
        limits = profile(parameters.profile)
        require_security(limits, self._permits_key.level)
        self.get_logger().info(f"security: {self._permits_key.level}")
        session = randbits(63) + 1
        self.supervisor = Supervisor(limits)
        log, recorded = audit_log(parameters.record_folder, CHAIN)  # makes the folder
        self._log = SafetyLog(log)
        about = {"permit_session": session, "profile": limits}
        self._decisions = decision_log(
            parameters.decision_log, about, needed=not recorded, reserve=parameters.decision_reserve
        )
        if self._decisions is not None:
            self.supervisor = self._decisions.watch("supervisor", self.supervisor, "step")
        # That of the other site counts from when it is first heard.
        own, other = SITES
        self._recorders = {own: RecorderWatch(parameters.recorder, recorded), other: RecorderWatch(expected=False)}
        self._streams = StreamWatch(self)
        self._arms = {arm: ArmObservation(arm) for arm in parameters.arms}
        self._acceptance = Acceptance()
        self._replayed = Rises(REPLAY_WINDOW)
        self._not_finite = {"kinematics": Rises(NOT_FINITE_WINDOW)}
        self._unauthenticated = {source: Rises(PERIOD) for source in ("kinematics", *parameters.arms)}
        self._wall_clock = ClockWatch()
        self._disk = DiskWatch(Path(str(get_logging_directory())))
        self._link: tuple[float, Any] | None = None
        self._image_stamps = dict.fromkeys(EYES, 0.0)
        self._eyes_swapped = dict.fromkeys(EYES, False)
        self._pictures = {eye: PictureWatch() for eye in EYES}
        self._control = Control()
        self._operator_present = False
        self._clutch = False
        self._happened: dict[str, tuple[Any, ...]] = {}
        self._stepped_at = self.now()
        self._steps = 0
        self._verdict: Verdict | None = None

        expect = self._streams.expect
        if parameters.console:
            expect("command", COMMAND, "console", self.on_command)
            expect("feedback", FEEDBACK, "kinematics", self.on_feedback)
            self._streams.watch_speakers("teleop_servo", "commands of the arms")
        else:
            self._streams.watch_speakers("command", "console", NOBODY)
            self._streams.watch_speakers("feedback", "kinematics", NOBODY)
            self._streams.watch_speakers("teleop_servo", "kinematics", NOBODY)
        for arm in parameters.arms:
            self._expect_arm(arm)
        for eye in EYES:
            expect("image", VIDEO, f"{eye} eye", lambda o, m, eye=eye: self.on_image(o, eye, m), eye=eye)
        self.subscription("link_status", self.on_link_status)
        for site in SITES:
            self.subscription("record_status", lambda m, site=site: self.on_record_status(site, m), site=site)
        self.subscription("protective_stop", self.on_protective_stop, awaited=True)
        self._streams.watch_speakers("safety_state", "safety_monitor")
        self._state = self.publisher("safety_state")
        self._message = self._state.msg_type(session=session, lease=parameters.lease, security=self._permits_key.level)
        self.create_service(Trigger, "safety/reset", self.on_reset)
        self.timer(PERIOD, self.step)

    def on_command(self, observed: StreamObservation, message: Any) -> None:
        """A packet of the console; whether it may move anything is the kinematics' matter."""
        if not verify_command(self._commands_key, message):
            self._happen("unauthenticated", "safety_monitor")
            return
        observed.arrived(self.now())
        if not self._control.believes(message.session, message.sequence):
            return
        self._operator_present = message.operator_present
        self._clutch = message.clutch

    def on_feedback(self, observed: StreamObservation, message: Any) -> None:
        """What the kinematics made of the commands."""
        now = self.now()
        observed.arrived(now)
        self._control.told(message.session, message.last_sequence)
        self._acceptance.told(now, message.session, message.command_hold)
        self._replayed.told(now, message.duplicate + message.foreign)
        self._not_finite["kinematics"].told(now, message.malformed)
        if self._unauthenticated["kinematics"].told(now, message.unauthenticated):
            self._happen("unauthenticated", "kinematics")
        for arm in message.arms:
            if arm.name in self._arms:
                self._arms[arm.name].aligning = arm.teleop_state == TeleopState.ALIGNING

    def on_setpoint(self, observed: StreamObservation, arm: str, message: Any) -> None:
        """Where the driver wants the arm."""
        observed.arrived(self.now())
        self._arms[arm].on_setpoint(message)

    def on_measured(self, observed: StreamObservation, arm: str, message: Any) -> None:
        """Where the arm is."""
        observed.arrived(self.now())
        self._arms[arm].on_measured(self.now(), message)

    def on_operating_state(self, arm: str, message: Any) -> None:
        """The arm may be driven, or not."""
        if self._arms[arm].on_operating_state(message.state == "ENABLED" and message.is_homed):
            # Another monitor permitted motion before this one; what it had latched is not known here.
            self._happen("found_enabled", arm)

    def on_servo_report(self, arm: str, message: Any) -> None:
        """What the gate of the arm did lately."""
        now = self.now()
        self._arms[arm].on_report(now, message)
        if self._unauthenticated[arm].told(now, message.unauthenticated):
            self._happen("unauthenticated", arm)

    def on_image(self, observed: StreamObservation, eye: str, message: Any) -> None:
        """A frame of one eye; its age counts from its capture."""
        captured = _seconds(message.header.stamp)
        age = self.get_clock().now().nanoseconds * 1e-9 - captured
        now = self.now()
        observed.arrived(now, age)
        self._pictures[eye].arrived(now, crc32(message.data))
        self._image_stamps[eye] = captured
        others = [link for other, link in EYE_LINKS.items() if other != eye]
        self._eyes_swapped[eye] = message.header.frame_id in others

    def on_link_status(self, message: Any) -> None:
        """How good the wide-area link is."""
        self._link = (self.now(), message)

    def on_record_status(self, site: str, message: Any) -> None:
        """How well a site records the session."""
        self._recorders[site].told(self.now(), message.session, message.writing, message.reason)

    def on_protective_stop(self, message: Any) -> None:
        """Somebody asks for a stop: decide and tell at once."""
        signed = verify_stop(self._stops_key, message) and (
            self._stops_key.level == "none" or stamp_is_fresh(_seconds(message.header.stamp), time.time())
        )
        source = message.source or "unknown"
        self._happen("stop_requests" if signed else "unsigned_stops", (source, message.reason))
        self._log.stop_requested(source, message.reason, signed)
        self.step()

    def on_reset(self, _request: Any, response: Any) -> Any:
        """The local team asks to clear what is latched."""
        self._streams.count_speakers()
        self._streams.forget_mended_mismatches()
        verdict = self._decide(reset=True)
        response.success = not verdict.reset_refusal
        response.message = verdict.reset_refusal or f"reset; state {verdict.state.name}"
        self.get_logger().info(f"local reset: {response.message}")
        return response

    def step(self) -> None:
        """Every 10 ms, and when something changes: decide, publish."""
        self._decide(reset=False)

    def safe_output(self) -> None:
        """Withdraw the permit, under a number that the holders have not seen."""
        self._message.motion_permitted = False
        self._message.permit_sequence += 1
        self._message.header.stamp = self.get_clock().now().to_msg()
        sign_permit(self._permits_key, self._message)
        self._state.publish(self._message)

    def failed(self, text: str) -> None:
        """Latch the failure as a stop that people see: the next step would permit again."""
        self._happened["failure"] = (text,)
        super().failed(text)

    def last_words(self) -> None:
        """End the watch over the disk and the logs too; whoever sees the audit log ended finds the other complete."""
        super().last_words()
        self._disk.close()
        if self._decisions is not None:
            self._decisions.close()
            self._log.decisions_end(self._decisions)
        self._log.close()

    def health(self) -> Health:
        """State and worst alarm."""
        level, text, values = health_of_node(self._verdict)
        return level, text, {"security": self._permits_key.level, **values}

    def health_rows(self) -> list[HealthRow]:
        """One row for each stream."""
        return health_of_streams(self._streams.health(self.now()))

    def _decide(self, reset: bool) -> Verdict:
        now = self.now()
        self._wall_clock.read(now, time.time(), self.now())
        lag, self._stepped_at = now - self._stepped_at, now
        self._steps += 1
        if self._steps % CENSUS_EVERY == 1:
            self._streams.count_speakers()
        self._log.clock_stepped(self._wall_clock.step)
        decided: Verdict = self.supervisor.step(now, self._inputs(now, lag, reset))
        if reset:
            self._log.reset(decided)
        if self._decisions is not None:
            self._log.decisions(self._decisions)
        verdict = self._log.admit(decided)
        for level, line in events(self._verdict, verdict):
            self._tell(level, line)
        self._verdict = verdict
        self._message.header.stamp = self.get_clock().now().to_msg()
        fill(self._message, verdict)
        sign_permit(self._permits_key, self._message)
        self._state.publish(self._message)
        return verdict

    def _inputs(self, now: float, lag: float, reset: bool) -> Inputs:
        happened, self._happened = self._happened, {}
        failure: str = happened.pop("failure", ("",))[0]
        writing, problem = self._recorders_say(now)
        return Inputs(
            streams=tuple(self._streams.health(now).values()),
            arms={name: arm.health(now, self._message.session) for name, arm in self._arms.items()},
            withheld=self._log.withholding,
            console_expected=self.parameters.console,
            operator_present=self._operator_present,
            clutch=self._clutch,
            command_refused_for=self._acceptance.refused_for(now, self._streams["teleop/command"]),
            replayed=self._replayed.within(now),
            not_finite=tuple(source for source, rises in self._not_finite.items() if rises.within(now)),
            eyes_apart=abs(self._image_stamps["left"] - self._image_stamps["right"]),
            eyes_swapped=tuple(eye for eye, swapped in self._eyes_swapped.items() if swapped),
            eyes_unchanged={eye: picture.unchanged_for for eye, picture in self._pictures.items()},
            link=self._link_quality(now),
            failure=failure,
            reset_requested=reset,
            loop_lag=lag,
            clock_step=self._wall_clock.step,
            recorder_writing=writing,
            recorder_problem=problem,
            decisions_lost="" if self._decisions is None else self._decisions.failure,
            disk_free=self._disk.free,
            **happened,
        )

    def _recorders_say(self, now: float) -> tuple[bool | None, str]:
        problems = {site: watch.problem(now) for site, watch in self._recorders.items()}
        told = [f"{site}: {problem}" if problem else problem for site, problem in problems.items()]
        return summed_up([self._log.problem or None, *told])

    def _link_quality(self, now: float) -> LinkQuality | None:
        if self._link is None:
            return None
        arrived, message = self._link
        loss = worse_loss(message.loss_up, message.loss_down)
        return LinkQuality(now - arrived, message.rtt, message.jitter, loss)

    def _happen(self, what: str, item: Any) -> None:
        """Keep an event for the next step."""
        self._happened[what] = (*self._happened.get(what, ()), item)

    def _tell(self, level: Level, line: str) -> None:
        logger = self.get_logger()
        if level >= Level.FAULT:
            logger.error(line)
        elif level >= Level.HOLD:
            logger.warning(line)
        else:
            logger.info(line)

    def _expect_arm(self, arm: str) -> None:
        expect = self._streams.expect
        expect("setpoint_js", DRIVER, arm, lambda o, m: self.on_setpoint(o, arm, m), arm=arm)
        expect("measured_js", DRIVER, arm, lambda o, m: self.on_measured(o, arm, m), arm=arm)
        self.subscription("operating_state", lambda message: self.on_operating_state(arm, message), arm=arm)
        self.subscription("servo_report", lambda message: self.on_servo_report(arm, message), arm=arm)


def _seconds(stamp: Any) -> float:
    return float(stamp.sec + stamp.nanosec * 1e-9)


def main() -> int:
    """Run the safety monitor."""
    return run(SafetyMonitorNode)


if __name__ == "__main__":
    sys.exit(main())
