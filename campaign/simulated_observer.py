"""What an outsider sees in simulated time: where the arms are, what the robot was told, and what people were told.

Nothing here looks into the software: positions come from the robot, reasons from the messages on the screens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from campaign.simulated_messages import Feedback, Permit, Report
from campaign.simulated_robot import FULL_SPEED, SimulatedRobot
from campaign.simulated_world import SimulatedNode, World

SAMPLE_PERIOD = 0.0025
STILL = (0.003, 0.003, 0.0005, 0.02, 0.02, 0.02)
"""A joint that is slower than this stands still [rad/s, m/s]."""
SERVO_PERIOD = 0.005

Positions = tuple[tuple[float, ...], ...]


@dataclass
class Record:
    """Everything seen since it was last emptied; times are true times [s].

    Attributes:
        samples: (time, joint positions of every arm).
        told: (time, key) whenever something new was told: "alarm ID", "refused NAME", "gate TEXT", "limit TEXT",
            "told TEXT" for what a client of an arm is told.
        active: (time, texts that were shown from then on).
        wild: Steps that the robot was told to take faster than an arm may go.
    """

    samples: list[tuple[float, Positions]] = field(default_factory=list)
    told: list[tuple[float, str]] = field(default_factory=list)
    active: list[tuple[float, frozenset[str]]] = field(default_factory=list)
    wild: list[str] = field(default_factory=list)


class SimulatedObserver(SimulatedNode):
    """Samples the arms and reads the screens."""

    timers = (("step", SAMPLE_PERIOD),)

    def __init__(self, world: World, robot: SimulatedRobot) -> None:
        """Nothing seen yet."""
        super().__init__(world, "observer")
        self.record = Record()
        self._robot = robot
        self._counted: dict[str, int] = {}
        self._shown: dict[str, frozenset[str]] = {}
        self._last_told: dict[str, tuple[float, tuple[float, ...]]] = {}

    def step(self) -> None:
        """Look at the robot."""
        now = self.world.now
        self._robot.advance(now)
        self.record.samples.append((now, tuple(joints.position for joints in self._robot.arms.values())))
        for arm, joints in self._robot.arms.items():
            for time, setpoint in joints.told:
                self._judge_step(arm, time, setpoint)
            joints.told.clear()

    def on_safety_state(self, permit: Permit) -> None:
        """Alarms on the screens; a forged message is no message of the monitor."""
        if permit.authentic:
            self._show("monitor", frozenset(f"alarm {alarm[0]}" for alarm in permit.alarms))

    def on_feedback(self, feedback: Feedback) -> None:
        """Refusals and limits on the operator's screen."""
        for name, count in feedback.refused.items():
            self._count(f"refused {name}", count)
        for arm in feedback.arms:
            self._show(f"pair {arm.name}", frozenset(f"limit {reason}" for reason in arm.reasons))

    def on_arm_report(self, arm: str, report: Report) -> None:
        """What the gate reports."""
        reasons = {f"gate {reason}" for reason in report.limit_reasons}
        self._show(
            f"gate {arm}", frozenset(reasons | ({f"gate {report.hold_reason}"} if report.hold_reason else set()))
        )
        self._count(f"permits refused {arm}", report.permits_refused)
        self._count(f"unauthenticated {arm}", report.unauthenticated)

    def on_arm_text(self, _arm: str, text: str) -> None:
        """What clients of an arm are told."""
        self.record.told.append((self.world.now, f"told {text}"))

    def _show(self, source: str, shown: frozenset[str]) -> None:
        before = self._shown.get(source, frozenset())
        if shown != before:
            self._shown[source] = shown
            self.record.told.extend((self.world.now, key) for key in sorted(shown - before))
            self.record.active.append((self.world.now, frozenset().union(*self._shown.values())))

    def _count(self, name: str, count: int) -> None:
        if count > self._counted.get(name, 0):
            self.record.told.append((self.world.now, name))
        self._counted[name] = count

    def _judge_step(self, arm: str, time: float, setpoint: tuple[float, ...]) -> None:
        before, self._last_told[arm] = self._last_told.get(arm, (time, setpoint)), (time, setpoint)
        elapsed = time - before[0] + SERVO_PERIOD
        for index, (value, last, speed) in enumerate(zip(setpoint, before[1], FULL_SPEED, strict=True)):
            if not abs(value - last) <= speed * elapsed * 1.001 + 1e-9:
                step = f"{value - last:+.4f} in {elapsed * 1000.0:.1f} ms"
                self.record.wild.append(f"{arm} joint {index} was told to go {step} at {time:.3f} s")


def moving(before: tuple[float, Positions], after: tuple[float, Positions], places: Sequence[int] = ()) -> bool:
    """Whether any arm moved between two samples, or one at these places among them."""
    elapsed = after[0] - before[0]
    for place, (first, second) in enumerate(zip(before[1], after[1], strict=True)):
        if places and place not in places:
            continue
        for value, later, still in zip(first, second, STILL, strict=True):
            if not abs(later - value) <= still * elapsed:
                return True
    return False
