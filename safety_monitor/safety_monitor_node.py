"""safety_monitor: watches every stream and permits motion while all is well.

In:  teleop/command, teleop/feedback, <ARM>/setpoint_js, measured_js, operating_state, endoscope/*/image_raw/compressed,
     safety/protective_stop; service safety/reset (std_srvs/Trigger)
Out: safety/state (the permit, 100 Hz and on change)
Silence: of a stream is a cause in the cause table; silence of this node ends every permit by its lease.

The verdict comes from arrivals on this node's own clock and a census of publishers. Deadline and liveliness events of
the middleware are inputs to it: alone they miss a publisher that never spoke, a second one, and a starved executor.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.time import Time
from std_srvs.srv import Trigger
from telesurgery.msg import Alarm as AlarmMessage

from safety_monitor.conditions import COMMAND, DRIVER, FEEDBACK, SOLE, VIDEO, Inputs
from safety_monitor.observations import Acceptance, StreamObservation, TrackingError
from safety_monitor.supervisor import Alarm, Supervisor, Verdict
from teleop_core.contract import DEFAULT_ARMS, EYES, INSTRUMENT_ARMS, STREAMS
from teleop_core.profiles import PROFILES
from teleop_core.signals import SafetyLevel
from teleop_ros.adapter import Health, TeleopNode, run
from teleop_ros.parameters import check, declare, parameter

PERIOD = 1.0 / STREAMS["safety_state"].rate
CENSUS_EVERY = 10
"""Publishers are counted in every tenth step: the question costs the middleware's graph a lock."""


@dataclass(frozen=True)
class SafetyMonitorParameters:
    """Parameters of the safety monitor."""

    arms: list[str] = parameter(list(DEFAULT_ARMS), doc="instrument arms that are expected", choices=INSTRUMENT_ARMS)
    profile: str = parameter("lan", doc="limits of the link", choices=tuple(PROFILES))
    lease: float = parameter(0.1, unit="s", low=0.03, high=0.3, doc="a permit ends this long after its arrival")

    def __post_init__(self) -> None:
        """Refuse unknown arms and profiles."""
        check(self)


class SafetyMonitorNode(TeleopNode):
    """Arrivals -> Inputs -> Supervisor -> SafetyState."""

    real_time = True

    def __init__(self) -> None:
        """Expect every stream, permit nothing."""
        super().__init__("safety_monitor")
        self.parameters = declare(self, SafetyMonitorParameters)
        self.supervisor = Supervisor(PROFILES[self.parameters.profile])
        self._observed: dict[str, StreamObservation] = {}
        self._operator_present = False
        self._clutch = False
        self._acceptance = Acceptance()
        self._arms_ready: dict[str, bool | None] = dict.fromkeys(self.parameters.arms)
        self._setpoints: dict[str, Any] = {}
        self._tracking = {arm: TrackingError() for arm in self.parameters.arms}
        self._image_stamps = dict.fromkeys(EYES, 0.0)
        self._stop_requests: list[tuple[str, str]] = []
        self._stepped_at = self.now()
        self._steps = 0
        self._verdict: Verdict | None = None
        self._clock_offset = time.time() - time.monotonic()

        self._expect("command", COMMAND, "console", self.on_command)
        self._expect("feedback", FEEDBACK, "kinematics", self.on_feedback)
        for arm in self.parameters.arms:
            self._expect("setpoint_js", DRIVER, arm, lambda m, arm=arm: self.on_setpoint(arm, m), arm=arm)
            self._expect("measured_js", DRIVER, arm, lambda m, arm=arm: self.on_measured(arm, m), arm=arm)
            for stream in ("servo_jp", "jaw_servo_jp"):
                self._watch_speakers(stream, f"commands of {arm}", arm=arm)
            self.subscription("operating_state", lambda m, arm=arm: self.on_operating_state(arm, m), arm=arm)
        for eye in EYES:
            self._expect("image", VIDEO, f"{eye} eye", lambda m, eye=eye: self.on_image(eye, m), eye=eye)
        self.subscription("protective_stop", self.on_protective_stop, awaited=True)
        self._watch_speakers("safety_state", "safety_monitor")
        self._state = self.publisher("safety_state")
        self._message = self._state.msg_type()
        # A restarted monitor numbers its permits above those of the one before it, so that nobody drops them.
        self._message.permit_sequence = time.time_ns() // 1_000_000
        self._message.lease = self.parameters.lease
        self.create_service(Trigger, "safety/reset", self.on_reset)
        self.timer(PERIOD, self.step)

    def on_command(self, message: Any) -> None:
        """A packet of the console; that it is acceptable is the kinematics' matter."""
        self._observed["teleop/command"].arrived(self.now())
        self._operator_present = message.operator_present
        self._clutch = message.clutch

    def on_feedback(self, message: Any) -> None:
        """What the kinematics made of the commands."""
        self._observed["teleop/feedback"].arrived(self.now())
        self._acceptance.told(self.now(), message.session, message.command_hold)

    def on_setpoint(self, arm: str, message: Any) -> None:
        """Where the driver wants the arm."""
        self._observed[f"{arm}/setpoint_js"].arrived(self.now())
        self._setpoints[arm] = message

    def on_measured(self, arm: str, message: Any) -> None:
        """Where the arm is; compared with the setpoint of the same instant."""
        self._observed[f"{arm}/measured_js"].arrived(self.now())
        setpoint = self._setpoints.get(arm)
        if setpoint is not None:
            self._tracking[arm].compare(self.now(), setpoint, message)

    def on_operating_state(self, arm: str, message: Any) -> None:
        """The arm may be driven, or not."""
        ready = message.state == "ENABLED" and message.is_homed
        if ready and self._arms_ready[arm] is None:
            # Another monitor permitted motion before this one; what it had latched is not known here.
            self._stop_requests.append(("safety_monitor", f"it was started while {arm} was enabled"))
        self._arms_ready[arm] = ready

    def on_image(self, eye: str, message: Any) -> None:
        """A frame of one eye; its age counts from its capture."""
        captured = Time.from_msg(message.header.stamp)
        age = (self.get_clock().now() - captured).nanoseconds * 1e-9
        topic = STREAMS["image"].topic_for(eye=eye)
        self._observed[topic].arrived(self.now(), age)
        self._image_stamps[eye] = captured.nanoseconds * 1e-9

    def on_protective_stop(self, message: Any) -> None:
        """Somebody asks for a stop: decide and tell at once."""
        self._stop_requests.append((message.source or "unknown", message.reason))
        self.step()

    def on_reset(self, _request: Any, response: Any) -> Any:
        """The local team asks to clear what is latched."""
        verdict = self._decide(reset=True)
        response.success = not verdict.reset_refusal
        response.message = verdict.reset_refusal or f"reset; state {verdict.state.name}"
        self.get_logger().info(f"local reset: {response.message}")
        return response

    def step(self) -> None:
        """Every 10 ms, and when something changes: decide, publish."""
        self._decide(reset=False)

    def safe_output(self) -> None:
        """Withdraw the permit."""
        self._message.motion_permitted = False
        self._message.permit_sequence += 1
        self._state.publish(self._message)

    def failed(self, text: str) -> None:
        """Latch the failure as a stop that people see: the next step would permit again."""
        super().failed(text)
        self._stop_requests.append(("safety_monitor", f"internal failure, {text}"))

    def health(self) -> Health:
        """State and worst alarm."""
        verdict = self._verdict
        if verdict is None:
            return DiagnosticStatus.WARN, "starting", {}
        if verdict.permitted:
            level = DiagnosticStatus.OK
        else:
            level = DiagnosticStatus.WARN if verdict.state <= SafetyLevel.HOLD else DiagnosticStatus.ERROR
        text = verdict.alarms[0].text if verdict.alarms else verdict.state.name
        return level, text, {"state": verdict.state.name, "alarms": ", ".join(alarm.id for alarm in verdict.alarms)}

    def _decide(self, reset: bool) -> Verdict:
        now = self.now()
        lag, self._stepped_at = now - self._stepped_at, now
        self._steps += 1
        if self._steps % CENSUS_EVERY == 1:
            for topic, observation in self._observed.items():
                observation.publishers = self.count_publishers(topic)
        stop_requests, self._stop_requests = tuple(self._stop_requests), []
        verdict = self.supervisor.step(
            now,
            Inputs(
                streams=tuple(observation.health(now) for observation in self._observed.values()),
                operator_present=self._operator_present,
                clutch=self._clutch,
                command_refused_for=self._acceptance.refused_for(now, self._observed["teleop/command"]),
                arms_ready=self._arms_ready,
                tracking_error={arm: tracking.value(now) for arm, tracking in self._tracking.items()},
                eyes_apart=abs(self._image_stamps["left"] - self._image_stamps["right"]),
                stop_requests=stop_requests,
                reset_requested=reset,
                loop_lag=lag,
            ),
        )
        self._tell_transition(verdict)
        self._verdict = verdict
        self._publish(verdict)
        return verdict

    def _publish(self, verdict: Verdict) -> None:
        message = self._message
        message.header.stamp = self.get_clock().now().to_msg()
        message.state = int(verdict.state)
        message.motion_permitted = verdict.permitted
        message.permit_sequence += 1
        message.velocity_ratio = verdict.velocity_ratio
        message.alarms = [self._alarm_message(alarm) for alarm in verdict.alarms]
        self._state.publish(message)

    def _alarm_message(self, alarm: Alarm) -> AlarmMessage:
        message = AlarmMessage(
            id=alarm.id, level=int(alarm.level), latched=alarm.latched, source=alarm.source, text=alarm.text
        )
        since_ns = round((alarm.since + self._clock_offset) * 1e9)
        message.since.sec, message.since.nanosec = divmod(since_ns, 1_000_000_000)
        return message

    def _tell_transition(self, verdict: Verdict) -> None:
        before = self._verdict.state if self._verdict is not None else None
        if verdict.state is not before:
            worst = verdict.alarms[0].text if verdict.alarms else "all is well"
            self.get_logger().info(f"{before.name if before is not None else 'start'} -> {verdict.state.name}: {worst}")

    def _watch_speakers(self, stream: str, source: str, **parts: str) -> None:
        """Count the publishers of a topic that only one node may speak on."""
        self._observed[STREAMS[stream].topic_for(**parts)] = StreamObservation(source, SOLE)

    def _expect(self, stream: str, kind: str, source: str, callback: Any, **parts: str) -> None:
        """Subscribe to a stream that has to be there, with the middleware's events as inputs."""
        observation = self._observed[STREAMS[stream].topic_for(**parts)] = StreamObservation(source, kind)

        def on_incompatible_qos(_event: Any) -> None:
            observation.qos_mismatch = True

        def on_liveliness(event: Any) -> None:
            observation.liveliness_lost = event.alive_count == 0

        events = SubscriptionEventCallbacks(
            incompatible_qos=on_incompatible_qos,
            liveliness=on_liveliness if kind == COMMAND else None,
            use_default_callbacks=False,
        )
        self.subscription(stream, callback, events=events, **parts)


def main() -> int:
    """Run the safety monitor."""
    return run(SafetyMonitorNode)


if __name__ == "__main__":
    sys.exit(main())
