"""Faults beside the patient: kinematics, driver, joints, sensors, a second writer, people who stop and disable."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from campaign.simulated_command_faults import SILENT
from campaign.simulated_faults import CENSUS, LEASE, TOLD_TO_MONITOR, FaultMaker, Injection, Outcome, Scene, dropped
from campaign.simulated_messages import Joints
from campaign.simulated_permit_faults import PERMIT
from campaign.simulated_room import ARMS
from teleop_core.psm_kinematics import forward

HOP = 0.005
"""One hop of the middleware and its jitter, generously [s]."""
TRACKING = ("alarm TRACKING_",)


def kinematics_dead(scene: Scene) -> Injection:
    """The kinematics are killed, and started again."""
    room = scene.room

    def start() -> None:
        room.nodes["kinematics"].dead = True

    return Injection(
        start,
        lambda: room.restart("kinematics"),
        scene.random.choice((0.15, 0.3, 1.2)),
        Outcome.STOP,
        scene.hold,
        ("alarm KINEMATICS_", *SILENT),
        "kinematics dead",
    )


def kinematics_hung(scene: Scene) -> Injection:
    """The kinematics hang, and go on."""
    duration = scene.duration(0.005, 1.3)
    return Injection(
        lambda: setattr(scene.room.nodes["kinematics"], "hung", True),
        lambda: scene.room.resume("kinematics"),
        duration,
        # An arm that stands has no need to be stopped before the monitor misses the kinematics.
        scene.silence(duration, scene.hold if scene.phase == "motion" else 0.1, 0.025),
        scene.hold if scene.phase == "motion" else 0.1,
        ("alarm KINEMATICS_", *SILENT),
        f"kinematics hung {duration * 1000.0:.0f} ms",
    )


def driver_dead(scene: Scene) -> Injection:
    """The driver is killed and started again: it comes up stopped."""
    room = scene.room

    def start() -> None:
        room.nodes["driver"].dead = True

    return Injection(
        start,
        lambda: room.restart("driver"),
        scene.random.choice((0.15, 0.3, 1.2)),
        Outcome.STOP,
        0.0,
        ("alarm DRIVER_", "alarm ARM_NOT_READY"),
        "driver dead",
    )


def driver_hung(scene: Scene) -> Injection:
    """The driver hangs, and goes on: what it missed is not made up for."""
    duration = scene.duration(0.005, 1.3)
    return Injection(
        lambda: setattr(scene.room.nodes["driver"], "hung", True),
        lambda: scene.room.resume("driver"),
        duration,
        Outcome.STOP if duration > LEASE + 0.05 else Outcome.EITHER,
        0.0,
        ("alarm DRIVER_", "gate ") if duration > LEASE + 0.05 else (),
        f"driver hung {duration * 1000.0:.0f} ms",
    )


def driver_exception(scene: Scene) -> Injection:
    """Something inside the driver fails."""
    return Injection(
        lambda: scene.room.at(scene.room.now, "driver", "on_safety_state", (None,)),
        lambda: None,
        0.1,
        Outcome.STOP,
        HOP,
        ("alarm STOP_REQUEST",),
        "a callback of the driver raises",
    )


def stop_request(scene: Scene) -> Injection:
    """Somebody asks for a protective stop; the driver hears it even where the monitor hangs."""
    room, hangs = scene.room, scene.random.random() < 0.5

    def start() -> None:
        room.nodes["monitor"].hung = hangs
        room.publish("safety/protective_stop", "nurse", "bleeding", True)

    return Injection(
        start,
        lambda: room.resume("monitor"),
        scene.random.uniform(0.05, 0.09),
        Outcome.STOP,
        HOP,
        ("alarm STOP_REQUEST", "gate protective stop"),
        f"protective stop, monitor hung: {hangs}",
    )


def stop_abuse(scene: Scene) -> Injection:
    """Stops without the key, again and again: each holds the arms, none needs a reset."""
    count = scene.random.choice((1, 5, 30))

    def start() -> None:
        for index in range(count):
            scene.later(0.01 * index, lambda: scene.room.inject("safety/protective_stop", ("?", "abuse", False)))

    return Injection(
        start,
        lambda: None,
        0.05 + 0.01 * count,
        Outcome.STOP,
        HOP,
        ("alarm STOP_UNSIGNED", "alarm AUTH_FAIL"),
        f"{count} stops without the key",
    )


def arm_disabled(scene: Scene) -> Injection:
    """The local team disables an arm, pauses it, or declares it not homed."""
    verb = scene.random.choice(("disable", "pause", "unhome"))

    def end() -> None:
        if verb == "pause":
            scene.room.nodes["driver"].state_command(scene.arm, "resume")

    return Injection(
        lambda: scene.room.nodes["driver"].state_command(scene.arm, verb) and None,
        end,
        scene.random.uniform(0.1, 0.3),
        Outcome.STOP,
        TOLD_TO_MONITOR,
        ("alarm ARM_NOT_READY",),
        f"{scene.arm} {verb}",
    )


def sensor_rubbish(scene: Scene) -> Injection:
    """An encoder says something that is no position."""
    joints = scene.room.robot.arms[scene.arm]
    index, bad = scene.random.randrange(6), scene.random.choice((math.nan, math.inf, -math.inf))

    def start() -> None:
        joints.sensor = tuple(bad if each == index else value for each, value in enumerate(joints.position))

    return Injection(
        start,
        lambda: setattr(joints, "sensor", None),
        scene.random.uniform(0.05, 0.2),
        Outcome.STOP,
        HOP + TOLD_TO_MONITOR,
        ("alarm STOP_REQUEST", *TRACKING),
        f"encoder {index} of {scene.arm} says {bad}",
    )


def sensor_offset(scene: Scene) -> Injection:
    """The encoder of the insertion is off by some millimetres from one moment to the next."""
    limits, joints = scene.room.profile.tracking, scene.room.robot.arms[scene.arm]
    offset = scene.random.choice((-1.0, 1.0)) * scene.duration(limits.hold * 1.3, 0.05)

    def start() -> None:
        def follow() -> None:
            if going[0]:
                joints.sensor = (*joints.position[:2], joints.position[2] + offset, *joints.position[3:])
                scene.later(0.0025, follow)

        follow()

    def end() -> None:
        going[0] = False
        joints.sensor = None

    going = [True]
    return Injection(
        start,
        end,
        scene.random.uniform(0.1, 0.2),
        Outcome.STOP,
        0.02 + TOLD_TO_MONITOR + 0.01,
        TRACKING,
        f"insertion of {scene.arm} off by {offset * 1000.0:+.1f} mm",
    )


def _held_back(scene: Scene, start: Callable[[], None], end: Callable[[], None], text: str) -> Injection:
    """The arm, or what is seen of it, stays where it is while the hand goes on; what follows depends on how far."""
    duration, index = scene.random.uniform(0.2, 0.8), ARMS.index(scene.arm)
    # Slowed to half its speed the arm is half as far from where it stays.
    begun_at, limit = scene.room.now, 2.0 * scene.room.profile.tracking.hold + 0.002
    tips = [(time, forward(positions[index])[0]) for time, positions in scene.twin.samples[::4] if time >= begun_at]
    far = [math.dist(tip, tips[0][1]) > limit for _time, tip in tips]
    begin = far.index(True) if True in far else len(far)
    # Away for 100 ms on end: longer than it takes to notice.
    lasting = begin + 10 <= len(far) and all(far[begin : begin + 10]) and tips[begin][0] < begun_at + duration - 0.12
    outcome = Outcome.STOP if lasting and scene.phase == "motion" else Outcome.EITHER
    threshold = tips[begin][0] - begun_at + 0.02 + TOLD_TO_MONITOR + 0.03 if outcome is Outcome.STOP else 0.0
    told = TRACKING if outcome is Outcome.STOP else ()
    return Injection(start, end, duration, outcome, threshold, told, text, settles=True)


def arm_blocked(scene: Scene) -> Injection:
    """Something holds the arm."""
    joints = scene.room.robot.arms[scene.arm]
    return _held_back(
        scene,
        lambda: setattr(joints, "blocked", True),
        lambda: setattr(joints, "blocked", False),
        f"{scene.arm} blocked",
    )


def sensor_frozen(scene: Scene) -> Injection:
    """The encoders of an arm keep saying the same."""
    joints = scene.room.robot.arms[scene.arm]
    return _held_back(
        scene,
        lambda: setattr(joints, "sensor", joints.position),
        lambda: setattr(joints, "sensor", None),
        f"encoders of {scene.arm} frozen",
    )


def setpoint_rubbish(scene: Scene) -> Injection:
    """What the driver says of its setpoint is not a number."""
    topic, bad = f"{scene.arm}/setpoint_js", scene.random.choice((math.nan, math.inf))

    def tap(message: Any) -> list[tuple[Any, float]]:
        arm, joints, jaw = message
        return [((arm, Joints(joints.stamp, (bad, *joints.position[1:])), jaw), 0.0)]

    return Injection(
        lambda: scene.tap(topic, tap),
        scene.untap(topic),
        scene.random.uniform(0.08, 0.3),
        Outcome.STOP,
        0.02 + TOLD_TO_MONITOR,
        (*TRACKING, "alarm COMMAND", "gate no commands"),
        f"setpoint of {scene.arm} says {bad}",
    )


def _second_writer(
    scene: Scene,
    position: Callable[[int], tuple[float, ...]],
    seen: bool,
    outcome: Outcome,
    told: tuple[str, ...],
    text: str,
) -> Injection:
    """Somebody else publishes teleop/servo, 200 times a second."""
    room, topic = scene.room, "teleop/servo"
    duration = CENSUS + 0.1 if seen else scene.random.uniform(0.05, 0.2)

    def start() -> None:
        room.publishers[topic] += seen

        def write(index: int) -> None:
            if going[0]:
                commands = ((scene.arm, position(index), math.nan),)
                room.inject(topic, (commands, room.nodes["driver"].ros_now()))
                scene.later(0.005, lambda: write(index + 1))

        write(1)

    def end() -> None:
        going[0] = False
        room.publishers[topic] -= seen

    going = [True]
    return Injection(start, end, duration, outcome, CENSUS, told, text)


def servo_jump(scene: Scene) -> Injection:
    """A second writer commands a jump."""
    joints, far = scene.room.robot.arms[scene.arm], scene.duration(0.12, 3.0)
    seen = scene.random.random() < 0.5

    def position(_index: int) -> tuple[float, ...]:
        return (joints.position[0] + far, *joints.position[1:])

    told = ("gate command jumps", "alarm DUPLICATE_PUBLISHER", "alarm LIMIT_REPEATED")
    outcome = Outcome.STOP if seen else Outcome.REFUSED if scene.phase == "motion" else Outcome.EITHER
    return _second_writer(
        scene,
        position,
        seen,
        outcome,
        told if outcome is not Outcome.EITHER else (),
        f"jump of {far:.2f} rad, counted: {seen}",
    )


def servo_drift(scene: Scene) -> Injection:
    """A second writer leads the arm away slowly; the census finds it."""
    joints, speed = scene.room.robot.arms[scene.arm], scene.random.uniform(0.05, 1.0)
    begin = [joints.setpoint]

    def position(index: int) -> tuple[float, ...]:
        if index == 1:
            begin[0] = joints.setpoint
        return (begin[0][0] + speed * 0.005 * index, *begin[0][1:])

    return _second_writer(
        scene,
        position,
        True,
        Outcome.STOP,
        ("alarm DUPLICATE_PUBLISHER",),
        f"second writer drifts at {speed:.2f} rad/s",
    )


def unpermitted_writer(scene: Scene) -> Injection:
    """The kinematics go mad: a writer leads the arm on while no permit arrives. The gate alone stops it."""
    injection = servo_drift(scene)

    def start() -> None:
        scene.tap(PERMIT, dropped)
        injection.start()

    def end() -> None:
        scene.room.taps.pop(PERMIT)
        injection.end()

    told = ("gate permit not renewed", "alarm DUPLICATE_PUBLISHER", "gate no permit")
    return replace(injection, start=start, end=end, threshold=LEASE, told=told, text=f"{injection.text}, no permit")


def servo_rubbish(scene: Scene) -> Injection:
    """A second writer commands what is no position."""
    joints, bad = scene.room.robot.arms[scene.arm], scene.random.choice((math.nan, math.inf, 1e300))
    rubbish = scene.random.choice((lambda q: (bad, *q[1:]), lambda q: q[:5], lambda _q: (), lambda q: (*q, 0.0)))
    told = ("gate command is not", "gate command has the wrong", "gate command jumps")
    outcome = Outcome.REFUSED if scene.phase == "motion" else Outcome.EITHER
    return _second_writer(
        scene,
        lambda _index: rubbish(joints.position),
        False,
        outcome,
        told if outcome is Outcome.REFUSED else (),
        f"second writer, rubbish {bad}",
    )


SITE_FAULTS: dict[str, FaultMaker] = {
    maker.__name__: maker
    for maker in (
        kinematics_dead,
        kinematics_hung,
        driver_dead,
        driver_hung,
        driver_exception,
        stop_request,
        stop_abuse,
        arm_disabled,
        sensor_rubbish,
        sensor_offset,
        arm_blocked,
        sensor_frozen,
        setpoint_rubbish,
        servo_jump,
        servo_drift,
        unpermitted_writer,
        servo_rubbish,
    )
}
"""Name -> what draws it."""
