"""What each stage of the motion path costs by itself: the objects of the core on one arm, messages with two hands."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
from telesurgery.msg import ArmServo, OperatorCommand, TeleopServo

from robot_driver.arm_limits import gate_limits
from robot_driver.command_gate import CommandGate
from teleop_cli.keys import make_keys
from teleop_core.cart import rotation_display_in_base
from teleop_core.jaw import JawLimits
from teleop_core.motion_limits import MotionLimits
from teleop_core.psm_kinematics import forward, inverse
from teleop_core.se3 import Pose
from teleop_core.session import CommandReceiver, SessionLimits
from teleop_core.signals import HandSignal, OperatorSignal
from teleop_core.teleoperation import ArmStatus, HandArmPair
from teleop_ros.cdr import reader, writer
from teleop_ros.convert import operator_command, operator_signal
from teleop_ros.keys import authenticator
from teleop_ros.message_mac import signed_command, verify_command

PERIOD = 0.005
COUNT, WARM_UP = 4000, 200
START = (0.1, -0.1, 0.14, 0.2, 0.1, -0.1)
Durations = dict[str, list[float]]
Result = TypeVar("Result")


def measure(count: int = COUNT) -> Durations:
    """Durations of `count` steps of each stage [s]; hands move in circles, the arm follows.

    Stages: ``session`` (a packet is judged), ``mapping`` (hand to joint command: mapping, limits, inverse kinematics),
    ``gate``, ``mapping and gate`` (both, of the same step), ``inverse`` (the closed form alone), and those of messages.
    """
    receiver = CommandReceiver(SessionLimits(max_age=0.06))
    pair = HandArmPair("MTMR", rotation_display_in_base("PSM1"), MotionLimits(), JawLimits())
    gate = CommandGate(gate_limits(PERIOD, 0.1, 0.06), START)
    gate.enable(True)
    found: Durations = {name: [] for name in ("session", "mapping", "gate", "mapping and gate", "inverse")}
    for step in range(-WARM_UP, count):
        now = 100.0 + (step + WARM_UP) * PERIOD
        clutch = step < -WARM_UP // 2
        signal = _signal(now, step + WARM_UP + 1, clutch)
        session = _timed(partial(receiver.receive, signal, now, None, True))[0]
        gate.permit(now, True, 1, step + WARM_UP + 1, 0.1, 1.0)
        status = ArmStatus(True, gate.setpoint, 0.2)
        mapping, command = _timed(partial(pair.step, now, signal, True, 1.0, status))
        if command is None or step < 0:
            if command is not None:
                gate.command(now, command.q, now)
            continue
        passed, decision = _timed(partial(gate.command, now, command.q, now))
        assert decision.moved, f"the gate refused a command of the benchmark: {decision.reasons}"
        place = forward(command.q)
        found["session"].append(session)
        found["mapping"].append(mapping)
        found["gate"].append(passed)
        found["mapping and gate"].append(mapping + passed)
        found["inverse"].append(_timed(partial(inverse, *place, command.q))[0])
    return {**found, **_messages(count)}


def _messages(count: int) -> Durations:
    """A packet of two hands, and what leads two arms."""
    hand = _signal(1.0, 1, False).hands[0]
    signal = replace(_signal(1.0, 1, False), hands=(hand, replace(hand, name="MTML")))
    arms = TeleopServo(arms=[ArmServo(name=arm, position=list(START), jaw=0.1) for arm in ("PSM1", "PSM2")])
    write_packet, read_packet = writer(OperatorCommand), reader(OperatorCommand)
    write_arms, read_arms = writer(TeleopServo), reader(TeleopServo)
    packet = operator_command(signal, "display")
    with TemporaryDirectory() as folder:
        make_keys(Path(folder) / "keys")
        key = authenticator(f"{folder}/keys", "command")
    packet = signed_command(key, packet)
    packet_bytes, arms_bytes = write_packet(packet), write_arms(arms)
    received = read_packet(packet_bytes)
    stages: dict[str, Callable[[], Any]] = {
        "packet: fill": partial(operator_command, signal, "display"),
        "packet: sign": partial(signed_command, key, packet),
        "packet: write": partial(write_packet, packet),
        "packet: read": partial(read_packet, packet_bytes),
        "packet: verify": partial(verify_command, key, received),
        "packet: convert": partial(operator_signal, received),
        "two arms: write": partial(write_arms, arms),
        "two arms: read": partial(read_arms, arms_bytes),
    }
    return {name: [_timed(stage)[0] for _ in range(count)] for name, stage in stages.items()}


def _timed(function: Callable[[], Result]) -> tuple[float, Result]:
    begin = time.perf_counter()
    result = function()
    return time.perf_counter() - begin, result


def _signal(now: float, sequence: int, clutch: bool) -> OperatorSignal:
    angle = 2.0 * now
    position = np.array([0.03 * math.cos(angle), 0.03 * math.sin(angle), 0.02 * math.sin(2.0 * angle)])
    hand = HandSignal("MTMR", Pose(position, np.array([0.0, 0.0, 0.0, 1.0])), (0.0,) * 3, (0.0,) * 3, 0.4)
    return OperatorSignal(now, 1, sequence, 1, True, clutch, False, 0.2, 0.0, 0.0, (hand,))
