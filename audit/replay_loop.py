"""Runs the replay node until everything has been played: keys, the line in the terminal, the end."""

from __future__ import annotations

import signal
import sys
import time

import rclpy
from rclpy.signals import SignalHandlerOptions

from audit.keyboard import Keyboard
from audit.outcome import BAD_ARGUMENTS, BAD_RECORD, DONE, refuse
from audit.replay_clock import FASTEST, SLOWEST
from audit.replay_node import ReplayNode, UnsafeNameError
from audit.replay_plan import Replayed
from teleop_ros.executor import StreamExecutor

JUMP = 5.0
"""An arrow key moves by this much [s of the session]."""
SHOW_EVERY = 0.2
"""[s]"""
CLEAR_LINE = "\r\x1b[K"


def play(replayed: Replayed, delay: float, step: float, paused: bool, domain: int | None) -> int:
    """Play into ROS.

    Args:
        replayed: What, and when.
        delay: Wait for listeners before it begins [s].
        step: Length of a step [s of the session].
        paused: Begin paused.
        domain: ROS domain; None for the one of the environment.

    Returns:
        0 if it was played or quit, 1 for a damaged recording, 2 if nothing could be played.
    """
    stop: list[int] = []
    before = {
        number: signal.signal(number, lambda received, _frame: stop.append(received))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    # No argument of the command line reaches ROS: there is no way to rename a topic of a replay.
    arguments = ["--ros-args", "--disable-external-lib-logs"]
    rclpy.init(args=arguments, domain_id=domain, signal_handler_options=SignalHandlerOptions.NO)
    node = None
    try:
        node = ReplayNode(replayed.session, replayed.player, replayed.topics, step, replayed.namespace)
        return _serve(node, delay, paused, stop)
    except UnsafeNameError as error:
        return refuse(str(error), BAD_ARGUMENTS)
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
        for number, handler in before.items():
            signal.signal(number, handler)


def _serve(node: ReplayNode, delay: float, paused: bool, stop: list[int]) -> int:
    for topic, reason in node.left_out.items():
        print(f"telesurgery: {topic} is left out: {reason}", file=sys.stderr)
    if not node.plays_something:
        return refuse("none of the chosen topics can be played here", BAD_ARGUMENTS)
    executor = StreamExecutor(node, node.awaited)
    begin = time.monotonic() + delay
    try:
        with Keyboard() as keyboard:
            show = _Line(keyboard.there)
            show.announce(node)
            while not stop and not node.ended:
                executor.spin_once()
                if begin and time.monotonic() >= begin:
                    begin = 0.0
                    if not paused:
                        node.resume()
                key = keyboard.read()
                if key == "q":
                    break
                press(node, key)
                show.update(node)
            show.finish(node)
    finally:
        executor.shutdown()
    return DONE if node.error is None else refuse(str(node.error), BAD_RECORD)


def press(node: ReplayNode, key: str) -> None:
    """Do what a key asks for; other keys do nothing."""
    clock, now = node.player.clock, node.now()
    if key == " ":
        (node.resume if clock.paused else node.pause)()
    elif key == "s":
        node.step()
    elif key in ("left", "right"):
        target = clock.position(now) + round((JUMP if key == "right" else -JUMP) * 1e9)
        node.player.seek(now, target)
        clock.move_to(node.now(), target)  # to find the place in a long recording takes a second
    elif key in ("up", "down"):
        clock.set_rate(now, min(FASTEST, max(SLOWEST, clock.rate * (2.0 if key == "up" else 0.5))))


class _Line:
    """The line in the terminal; without one, a line at the beginning and one at the end."""

    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal and sys.stdout.isatty()
        self._next = 0.0

    def announce(self, node: ReplayNode) -> None:
        keys = "; space pause, s step, arrows seek and rate, q quit" if self._terminal else ""
        print(f"REPLAY of {node.session}, not live: {node.line()}{keys}", flush=True)

    def update(self, node: ReplayNode) -> None:
        now = time.monotonic()
        if self._terminal and now >= self._next:
            self._next = now + SHOW_EVERY
            print(f"{CLEAR_LINE}REPLAY {node.line()}", end="", flush=True)

    def finish(self, node: ReplayNode) -> None:
        print(f"{CLEAR_LINE if self._terminal else ''}{node.published} messages played, {node.line()}", flush=True)
