"""Pedals pressed in haste or together: the endoscope never goes back, and stands while the hands are free."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import pytest

from teleop_core.arm_model import arm_model
from teleop_core.camera_control import AT_REST, CameraControl, CameraLimits
from teleop_core.cart import ready_configuration
from teleop_core.se3 import FloatArray, Pose
from teleop_core.setpoint_watch import FEEDBACK_LAG
from teleop_core.signals import HandSignal, OperatorSignal, TeleopState

PERIOD = 0.005
MODEL = arm_model("ECM")
READY = tuple(ready_configuration("ECM").tolist())
UPRIGHT = np.array([0.0, 0.0, 0.0, 1.0])
LIMITS = CameraLimits()


class Late:
    """An endoscope whose setpoint is reported some packets late."""

    def __init__(self, packets_late: int) -> None:
        self.control = CameraControl(LIMITS)
        self.now = 20.0
        self.middle = np.array([0.0, 0.0, 0.2])
        self.told = READY
        self.epoch = 0
        self.reported = deque([READY] * (packets_late + 1), maxlen=packets_late + 1)

    def step(self, *, camera: bool = True, clutch: bool = False, ratio: float = 1.0) -> bool:
        """One packet; True if the endoscope was told something."""
        self.now += PERIOD
        hands = tuple(
            HandSignal(name, Pose(self.middle + np.array([side, 0.0, 0.0]), UPRIGHT), (0.0,) * 3, (0.0,) * 3, 0.3)
            for name, side in (("MTML", 0.1), ("MTMR", -0.1))
        )
        signal = OperatorSignal(self.now, 1, 1, self.epoch, True, clutch, camera, 0.2, 0.0, 0.0, hands)
        q = self.control.step(self.now, signal, True, ratio, True, self.reported[0])
        if q is not None:
            self.told = q
        self.reported.append(self.told)
        return q is not None

    def move(self, way: tuple[float, float, float], steps: int, **pedals: object) -> list[float]:
        """Move both hands on; how far the tip goes with each packet [m]."""
        moved = []
        for _ in range(steps):
            self.middle = self.middle + np.array(way) / steps
            before = self.tip()
            self.step(**pedals)
            moved.append(math.dist(before, self.tip()))
        return moved

    def tip(self) -> FloatArray:
        return MODEL.tip(self.told)


@pytest.mark.parametrize("up", [1, 2, 5])
@pytest.mark.parametrize("late", [1, 3, 6])
def test_a_pedal_that_bounces_does_not_take_the_endoscope_back(up: int, late: int) -> None:
    """Pressed again at once, it goes on from where it was told to be, not from where it was reported to be."""
    held = Late(late)
    held.step(camera=False)
    held.move((0.15, 0.0, 0.0), 100)
    for _ in range(up):
        held.step(camera=False)
    before = held.tip()
    began = [held.step() for _ in range(40)]
    assert began[-1]
    assert held.control.state is TeleopState.FOLLOWING
    assert math.dist(held.tip(), before) <= 1e-9


@pytest.mark.parametrize(
    ("moved", "waited", "begins"),
    [
        (2e-6, math.nextafter(FEEDBACK_LAG, 0.0), False),
        (2e-6, FEEDBACK_LAG, True),
        (math.nextafter(AT_REST, 1.0), math.nextafter(FEEDBACK_LAG, 0.0), False),
        (AT_REST, 0.0, True),
    ],
)
def test_how_long_an_endoscope_that_moved_is_waited_for(moved: float, waited: float, begins: bool) -> None:
    """As long as a report of its setpoint may take; less than a micrometre or microradian is no motion."""
    held, elsewhere = Late(0), (moved, *READY[1:])
    assert READY[0] == 0.0
    held.reported.append(READY)
    held.now = -2.0 * PERIOD
    held.step(camera=False)
    held.now = -PERIOD
    held.reported.append(elsewhere)
    held.told = elsewhere
    held.step(camera=False)
    assert held.now == 0.0
    held.now = waited - PERIOD
    began = held.step()
    assert held.now == pytest.approx(waited, abs=1e-12)
    assert began == begins


def test_an_endoscope_at_rest_is_taken_at_once() -> None:
    """Nothing waits where nothing has moved."""
    held = Late(3)
    for _ in range(5):
        held.step(camera=False)
    assert held.step()


@pytest.mark.parametrize("late", [3, 6])
def test_a_pedal_that_bounces_before_the_first_report_has_come_takes_nothing_back(late: int) -> None:
    """The endoscope has just begun to move: what is reported still says that it rests."""
    held = Late(late)
    held.step(camera=False)
    held.move((0.01, 0.0, 0.0), late)
    held.step(camera=False)
    before = held.tip()
    held.move((0.0, 0.0, 0.0), 40)
    assert held.control.state is TeleopState.FOLLOWING
    assert math.dist(held.tip(), before) <= 1e-9
    assert math.dist(before, MODEL.tip(READY)) > 1e-5


@pytest.fixture
def held() -> Late:
    """An endoscope that the hands have moved, and that has come to rest; the pedal is down."""
    made = Late(0)
    made.step(camera=False)
    made.move((0.05, 0.0, 0.0), 200)
    made.move((0.0, 0.0, 0.0), 200)
    return made


def test_the_clutch_frees_the_hands_that_hold_the_world(held: Late) -> None:
    """The endoscope stands while it is pressed, and moves from fresh anchors afterwards."""
    held.epoch += 1
    assert max(held.move((-0.2, 0.1, 0.1), 50, clutch=True)) <= 1e-12
    assert held.control.state is TeleopState.CLUTCHED
    assert max(held.move((0.0, 0.0, 0.0), 50)) <= 1e-9
    assert held.control.state is TeleopState.FOLLOWING
    before = held.tip()
    held.move((0.02, 0.0, 0.0), 200)
    held.move((0.0, 0.0, 0.0), 200)
    assert math.dist(held.tip(), before) == pytest.approx(0.004, rel=1e-3)


def test_a_clutch_that_does_not_count_its_presses_frees_the_hands_too(held: Late) -> None:
    """What they did while it was down is no motion."""
    assert max(held.move((-0.2, 0.1, 0.1), 50, clutch=True)) <= 1e-12
    assert max(held.move((0.0, 0.0, 0.0), 50)) <= 1e-9


def test_a_press_of_the_clutch_that_nobody_received_makes_new_anchors(held: Late) -> None:
    """The hands were free in between: where they are now is no motion."""
    held.epoch += 1
    held.middle = held.middle + 0.1
    assert max(held.move((0.0, 0.0, 0.0), 50)) <= 1e-9


def test_more_speed_is_taken_up_within_the_acceleration() -> None:
    """Permitted a larger share of speed, the endoscope gains it at its acceleration; less counts at once."""
    held, limits = Late(0), CameraLimits(speed=0.02)
    held.control = CameraControl(limits)
    held.step(camera=False)
    before = 0.0
    for ratio, packets in ((0.25, 90), (0.5, 40), (1.0, 30), (0.5, 2)):
        for _ in range(packets):
            (moved,) = held.move((0.004, 0.0, 0.0), 1, ratio=ratio)
            assert moved - before <= limits.acceleration * PERIOD * PERIOD * 1.01
            assert moved <= limits.speed * ratio * PERIOD * 1.01
            assert moved >= min(before, 0.99 * limits.speed * ratio * PERIOD), "what it has it keeps"
            before = moved
        assert moved == pytest.approx(limits.speed * ratio * PERIOD, rel=0.01)


def test_next_to_no_speed_leaves_the_endoscope_where_it_is() -> None:
    """And everything in order for the packets after it."""
    held = Late(0)
    held.step(camera=False)
    held.step()
    held.move((0.02, 0.0, 0.0), 20)
    assert max(held.move((0.1, 0.0, 0.0), 3, ratio=1e-307)) == 0.0
    held.move((0.0, 0.0, 0.0), 400)
    assert math.dist(held.tip(), MODEL.tip(READY)) == pytest.approx(0.2 * 0.12, rel=1e-3)
