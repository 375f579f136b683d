"""The suite's nodes, a console and an endoscope that obey, and an observer: each its own process, on their own domain.

The rig keeps running between faults; only what died is started again. What it knows about the suite it knows from the
observer, and uses it to find its way, never to judge.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from campaign.clocks import set_clock, stepping_clock
from campaign.processes import Child, OrderError
from campaign.trace import Trace
from teleop_cli.domain import claim_free_domain
from teleop_cli.keys import make_keys
from teleop_core.contract import CAMERA_ARM
from teleop_core.signals import SafetyLevel, TeleopState
from teleop_ros.shared_files import loopback_environment

ROOT = Path(__file__).resolve().parent.parent
NODES = {
    "safety_monitor": "safety_monitor.safety_monitor_node:main",
    "driver": "robot_driver.driver_node:main",
    "kinematics": "robot_driver.kinematics_node:main",
    "local_team": "robot_driver.local_team_node:main",
}
ACTORS = ("console", "endoscope", "stranger")
ROBOT_ACTORS = ("robot", "hospital")
"""The other CRTK driver with its robot, and whoever is beside it."""
KEYED = ("safety_monitor", "driver", "kinematics", "console")
INSTRUMENTS = ("PSM1", "PSM2")
ARMS = (*INSTRUMENTS, CAMERA_ARM)
PRESS = 0.16
"""A deliberate press of the clutch [s]."""
START_LIMIT = 40.0
RECOVERY_LIMIT = 20.0
REMOTE = "/robot1"
"""Namespace of the other driver's arms, where there is one."""


class RigError(RuntimeError):
    """The rig does not come to where it should be; the text says what was waited for and what was seen."""


class Rig:
    """Processes, and the way from any state back to arms that follow."""

    def __init__(self, keyed: bool = True, clock_library: Path | None = None, remote: bool = False) -> None:
        """Claim a domain; start nothing yet.

        Args:
            keyed: Make keys, and have every message signed.
            clock_library: Start the nodes and the console with clocks that can be set.
            remote: The robot is behind another CRTK driver.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="telesurgery-faults-"))
        self.trace = Trace()
        self.children: dict[str, Child] = {}
        self.recovery_steps: list[str] = []
        self.last_fault = "the start"
        self.elsewhere = REMOTE if remote else ""
        self.domain, self._claim, _ = claim_free_domain()
        self.log_folder = self.folder / "log"
        self.clock_folder = self.folder / "clock"
        for folder in (self.log_folder, self.clock_folder):
            folder.mkdir()
        self._keys = ""
        if keyed:
            self._keys = str(self.folder / "keys")
            make_keys(self.folder / "keys")
        self._preload: dict[str, str] = {}
        if clock_library is not None:
            self._preload = stepping_clock(clock_library, self.clock_folder)
            for name in (*NODES, "console"):
                set_clock(self.clock_folder, name, 0.0)
        self.environment = {
            **os.environ,
            **loopback_environment(),
            "ROS_DOMAIN_ID": str(self.domain),
            "ROS_LOG_DIR": str(self.log_folder),
            "RCUTILS_COLORIZED_OUTPUT": "0",
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        }

    def __enter__(self) -> Rig:
        """The rig, nothing started yet."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End every process and delete the folder."""
        for child in self.children.values():
            if child.alive:
                child.process.send_signal(signal.SIGCONT)
                child.process.send_signal(signal.SIGTERM)
        for child in self.children.values():
            child.end()
        self._claim.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_all(self) -> None:
        """Start everything and bring the arms to follow the moving hands."""
        for name in (*(ROBOT_ACTORS if self.elsewhere else ()), "observer", *NODES, *ACTORS):
            self.start(name)
        there = (SafetyLevel.OPERATING, SafetyLevel.FAULT)
        self.until(lambda: self.state in there, START_LIMIT, "operating for the first time")
        self.recover()

    def start(self, name: str, parameters: Path | None = None) -> Child:
        """Start one process; a node with a parameter file if one is given."""
        log = self.folder / f"{name}.output"
        environment, parent = self.environment, str(os.getpid())
        ros = ["--ros-args", *self._parameters(name)]
        if self._keys and name in KEYED:
            ros += ["-p", f"key_folder:={self._keys}"]
        if parameters is not None:
            ros += ["--params-file", str(parameters)]
        if name in NODES or name == "console":
            environment = {**environment, **self.preload(name)}
        late = [str(self.orders(name))]
        arguments, hear = {
            "observer": (["-m", "campaign.observer", parent, *filter(None, [self.elsewhere])], self.trace.add),
            "stranger": (["-m", "campaign.stranger", parent, self._keys], _deaf),
            "console": (["-m", "campaign.console", parent, *late, *ros], _deaf),
            "endoscope": (["-m", "campaign.endoscope", parent, *late], _deaf),
            "client": (["-m", "campaign.client", parent], _deaf),
            "hospital": (["-m", "campaign.hospital", parent, "--ros-args", "-r", f"__ns:={REMOTE}"], _deaf),
            "robot": (["-m", "campaign.node_host", parent, name, *late, NODES["driver"], *ros], None),
        }.get(name) or (["-m", "campaign.node_host", parent, name, *late, NODES[name], *ros], None)
        child = Child(name, arguments, environment, log, hear)
        self.children[name] = child
        return child

    def client(self) -> Child:
        """The external CRTK client, started when it is needed for the first time."""
        child = self.children.get("client")
        if child is not None and not child.alive:
            child.end()
        if child is None or not child.alive:
            child = self.start("client")
        return child

    def _parameters(self, name: str) -> list[str]:
        """ROS arguments of a node or of the console."""
        arms = ["-p", f"arms:=[{', '.join(ARMS)}]"]
        if name == "robot":
            return ["-r", f"__ns:={REMOTE}", *arms]
        if name != "driver":
            return arms if name in NODES else []
        # With keys clients are refused; here they are let in, so that each arm's owner has to be told apart.
        backend = ["-p", "backend:=crtk", "-p", f"remote:={self.elsewhere}"] if self.elsewhere else []
        return [*arms, "-p", "external_clients:=accept", *backend]

    def restart(self, name: str) -> None:
        """Start a process anew; one that lives is ended first."""
        self.children[name].end()
        self._forget(name)
        self.start(name)

    def preload(self, name: str) -> dict[str, str]:
        """More environment of one process; {name} stands for its name."""
        return {key: value.format(name=name) for key, value in self._preload.items()}

    def orders(self, name: str) -> Path:
        """File with what the signals of a node mean."""
        return self.folder / f"{name}.orders"

    def order(self, name: str, do: str, **values: Any) -> dict[str, Any]:
        """Tell an actor to do something; its answer."""
        return self.children[name].order(do, **values)

    def make_late(self, name: str, number: int, **orders: float) -> float:
        """Make a node's Python thread hang (SIGUSR1) or be late again and again (SIGUSR2); returns when [s]."""
        self.orders(name).write_text(json.dumps(orders), encoding="utf-8")
        return self.children[name].send_signal(number)

    @property
    def state(self) -> SafetyLevel | None:
        """What the safety monitor said last."""
        state = self.trace.newest.state
        return None if state is None else SafetyLevel(state)

    @property
    def alarms(self) -> list[str]:
        """Alarms that the safety monitor told last."""
        return [alarm[0] for alarm in self.trace.newest.alarms]

    @property
    def following(self) -> bool:
        """Both instruments follow."""
        return self.trace.newest.pairs == [int(TeleopState.FOLLOWING)] * 2

    def until(self, condition: Callable[[], bool], limit: float, what: str) -> float:
        """Wait until the condition holds; returns how long that took [s].

        Raises:
            RigError: it did not within `limit` [s].
        """
        begin = time.monotonic()
        while not condition():
            if time.monotonic() - begin > limit:
                newest = self.trace.newest
                dead = [name for name, child in self.children.items() if not child.alive]
                raise RigError(
                    f"not within {limit} s: {what}; state {self.state}, alarms {newest.alarms}, pairs {newest.pairs}, "
                    f"arms {newest.operating}, holds {newest.hold}, ended: {', '.join(dead) or 'none'}"
                )
            time.sleep(0.005)
        return time.monotonic() - begin

    def recover(self) -> float:
        """From whatever is to arms that follow the moving hands, as people would do it; returns how long it took [s].

        What died is started again, the local team enables and homes and resets, the operator makes the gesture.

        Raises:
            RigError: it did not work.
        """
        begin = time.monotonic()
        self.recovery_steps = []
        dead = [name for name, child in self.children.items() if not child.alive]
        for name in dead:
            self._step(f"start {name}")
            self.restart(name)
        if dead:  # how long a process takes to start says nothing of how people get the arms to follow
            self.until(self._heard, START_LIMIT, f"heard after its start: {', '.join(dead)}")
        self.order("console", "set", present=True, clutch=False, camera=False, moving=True)
        next_try = 0.0

        def done() -> bool:
            nonlocal next_try
            now = time.monotonic()
            if now >= next_try:
                next_try = now + self._help()
            return self.following and self._fresh() and self.moving(now - 0.1, now)

        self.until(done, RECOVERY_LIMIT, f"recovery ({', '.join(self.recovery_steps)})")
        return time.monotonic() - begin

    def moving(self, begin: float, end: float) -> bool:
        """Whether every instrument has changed its place."""
        return all(self.moved(arm, begin, end) for arm in INSTRUMENTS)

    def moved(self, arm: str, begin: float, end: float) -> bool:
        """Whether an arm has changed its place."""
        rows = self.trace.window(begin, end)[0].get(arm, [])
        return len(rows) > 2 and max(abs(a - b) for a, b in zip(rows[0].q, rows[-1].q, strict=True)) > 1e-3

    def _help(self) -> float:
        """Do the next thing that brings the arms nearer to following; returns when to look again [s]."""
        if not self._fresh():
            return 0.05
        state, newest = self.state, self.trace.newest
        if state in (SafetyLevel.FAULT, SafetyLevel.PROTECTIVE_STOP):
            return self._reset()
        self.order("console", "set", present=True)  # a reset may have been answered after its patience was over
        # An arm that was moved by others stays away from its setpoint: enabled anew, it is taken up where it is.
        away = [arm for name, arm, *_ in newest.alarms if name == "TRACKING_ERROR" and self.elsewhere]
        not_ready = [arm for arm in ARMS if newest.operating.get(arm) != ("ENABLED", True) or arm in away]
        if not_ready and state in (SafetyLevel.READY, SafetyLevel.HOLD):
            for arm in not_ready:
                for command in ("disable", "enable", "home"):
                    self.order("stranger", "state_command", arm=arm, command=command)
                    time.sleep(0.02)
            self._step("enable and home")
            return 0.8
        if state in (SafetyLevel.PAUSED, SafetyLevel.OPERATING) and not self.following:
            self._step("clutch")
            self.order("console", "gesture", after=0.0, press=PRESS)
            return PRESS + 0.12
        return 0.01

    def _reset(self) -> float:
        """The local team resets, with the deadman released."""
        self.order("console", "set", present=False)
        if "OPERATOR_ABSENT" not in self.alarms and "CONSOLE_GONE" not in self.alarms:
            time.sleep(0.05)
        self.order("stranger", "reset")
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            answer = self.order("stranger", "reset_answer")["value"]
            if answer["done"]:
                self._step("reset" if answer["success"] else f"reset refused: {answer['message'][:60]}")
                if answer["success"]:
                    self.order("console", "set", present=True)
                break
            time.sleep(0.02)
        return 0.05

    def _fresh(self) -> bool:
        """The monitor, the kinematics and the driver have been heard lately."""
        now, arrival = time.monotonic(), self.trace.newest.arrival
        return all(now - arrival.get(kind, 0.0) < limit for kind, limit in (("s", 1.2), ("f", 0.2), ("p", 0.2)))

    def _heard(self) -> bool:
        """All that is needed to work has been heard lately; the robot's own driver, too, where it has one."""
        now = time.monotonic()
        return self._fresh() and (not self.elsewhere or f"{self.elsewhere}/{ARMS[0]}" in self._sampled(now - 0.2, now))

    def _sampled(self, begin: float, end: float) -> list[str]:
        """Arms of which there are samples between two times [s]."""
        return [arm for arm, rows in self.trace.window(begin, end)[0].items() if rows]

    def _forget(self, name: str) -> None:
        """What a process that ended said last says nothing any more."""
        newest = self.trace.newest
        if name == "safety_monitor":
            newest.state = None
        if name == "driver":
            newest.operating.clear()

    def _step(self, text: str) -> None:
        if not self.recovery_steps or self.recovery_steps[-1] != text:
            self.recovery_steps.append(text)


def _deaf(_content: Any) -> None:
    """For processes that only answer."""


__all__ = ["ARMS", "INSTRUMENTS", "NODES", "ROOT", "OrderError", "Rig", "RigError"]
