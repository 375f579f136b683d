"""One session from start to end: nodes start, are observed, are stopped; how it ended is always known."""

from __future__ import annotations

import signal
import time

from rclpy.executors import SingleThreadedExecutor

from teleop_cli.observer_node import ObserverNode
from teleop_cli.recorder import SessionRecorder
from teleop_cli.runner import Child, Runner
from teleop_cli.screen import Screen
from teleop_cli.stop import Stop
from teleop_cli.summary import Ending

START_LIMIT = 40.0
"""All streams must be there and the safety monitor past its self-test this long after the start [s]."""
FOLLOWING_LIMIT = 10.0
"""The measurement begins when all arms follow, or this long after all streams are there [s]."""
SETTLE = 0.15
"""From the end of the operator's node to that of the others: its last count arrives, the arms hold [s]."""
AFTER_CRASH = 3.0
"""Observed on after a node crashed, to see the safety reaction [s]."""
HEALTHY, CRASHED, START_FAILED, INTERRUPTED_BY_SIGTERM = 0, 1, 3, 143

MEANING = {
    "master_input": "no commands come any more: the arms hold",
    "kinematics": "commands do not reach the arms any more: the arms hold",
    "driver": "the arms are without a driver; the simulated robot is gone with it",
    "video_relay": "the operator sees nothing any more: the arms hold",
    "safety_monitor": "no permit comes any more: the driver holds the arms by itself",
    "recorder": "nothing is recorded any more; what was is kept",
    "local_team": "nobody enables the arms; those already enabled go on",
}
"""What the loss of a node means to the people in the room."""


class Session:
    """Observes the nodes of a runner until something ends the session.

    Args:
        runner: The started nodes.
        recorder: The record.
        stop: Set from outside to end the session.
        screen: Shows it to the user.
    """

    def __init__(self, runner: Runner, recorder: SessionRecorder, stop: Stop, screen: Screen) -> None:
        self.runner = runner
        self.recorder = recorder
        self.stop = stop
        self.screen = screen
        self.node = ObserverNode(recorder)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self._complete_at: float | None = None

    def run(self, duration: float | None) -> Ending:
        """Observe until the end is decided; the nodes still run then.

        Args:
            duration: Length of the measurement [s]; None for no end.
        """
        while True:
            self.spin()
            now = self.node.now()
            self.screen.show(now)
            crashed = self.runner.crashed()
            if crashed:
                return self._after_crash(crashed)
            ending = self._decide(now, duration)
            if ending is not None:
                self.recorder.end(now)
                self.runner.end_cpu(now)
                return ending

    def spin(self, seconds: float = 0.05) -> None:
        """Take what arrives during so long [s]."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0.0:
            self.executor.spin_once(timeout_sec=left)

    def stop_nodes(self) -> None:
        """Stop every node, hold first; what was under way is still counted."""
        self.runner.stop_operator(self.spin)
        self.spin(SETTLE)
        self.runner.stop(self.spin)

    def close(self) -> None:
        """Leave the ROS graph."""
        self.executor.remove_node(self.node)
        self.node.destroy_node()

    def _decide(self, now: float, duration: float | None) -> Ending | None:
        recorder = self.recorder
        if self.stop.signal is not None:
            return self._interrupted()
        if recorder.began is None:
            return self._start_up(now)
        if duration is not None and recorder.duration(now) >= duration:
            return self._healthy(f"the {duration:g} s are over")
        return None

    def _start_up(self, now: float) -> Ending | None:
        if self.recorder.under_way():
            self._begin(now)
            return None
        elapsed = now - self.recorder.created
        if self._complete_at is None:
            missing = self.recorder.missing()
            if not missing:
                self._complete_at = now
            elif elapsed > START_LIMIT:
                return Ending(f"start-up failed after {START_LIMIT:g} s: {'; '.join(missing)}", START_FAILED)
        elif now - self._complete_at > FOLLOWING_LIMIT:
            self.screen.tell("not every arm may be moved yet; the measurement begins now")
            self._begin(now)
        return None

    def _begin(self, now: float) -> None:
        self.recorder.begin(now)
        self.runner.begin_cpu(now)
        self.screen.tell(f"started in {now - self.recorder.created:.1f} s")

    def _healthy(self, reason: str) -> Ending:
        state = self.recorder.safety.state
        if state in ("FAULT", "PROTECTIVE_STOP", "SILENT"):
            return Ending(f"{reason}; the safety monitor is in {state}", CRASHED)
        return Ending(reason, HEALTHY)

    def _interrupted(self) -> Ending:
        if self.stop.signal != signal.SIGINT:
            return Ending("asked to end by SIGTERM or the end of the terminal", INTERRUPTED_BY_SIGTERM)
        if self.recorder.began is None:
            return Ending("interrupted by Ctrl-C during start-up", START_FAILED)
        return self._healthy("ended by Ctrl-C")

    def _after_crash(self, crashed: list[Child]) -> Ending:
        starting = self.recorder.began is None
        for child in crashed:
            meaning = MEANING.get(child.name, "the session cannot go on")
            self.screen.tell(f"{child.name} {child.how_it_ended()}: {meaning}")
            for line in child.last_lines():
                self.screen.tell(f"  {child.name} | {line}")
        deadline = time.monotonic() + (0.0 if starting else AFTER_CRASH)
        while time.monotonic() < deadline and self.stop.signal is None:
            self.spin()
            self.screen.show(self.node.now())
        now = self.node.now()
        self.recorder.end(now)
        self.runner.end_cpu(now)
        names = tuple(child.name for child in self.runner.crashed())
        how = ", ".join(f"{child.name} {child.how_it_ended()}" for child in self.runner.crashed())
        return Ending(how + (" during start-up" if starting else ""), START_FAILED if starting else CRASHED, names)
