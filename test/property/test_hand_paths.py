"""Wherever one hand leads a tool, and however fast: into no forbidden region."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from teleop_core import psm_kinematics
from teleop_core.cart import ready_configuration, rotation_display_in_base
from teleop_core.fixture_table import fixtures_of
from teleop_core.jaw import JawLimits
from teleop_core.motion_limits import MotionLimits
from teleop_core.se3 import Pose
from teleop_core.signals import HandSignal, OperatorSignal, TeleopState
from teleop_core.teleoperation import ArmStatus, HandArmPair
from test.helpers.regions import ARMS, FIXTURES, REGIONS

PERIOD = 0.005
MOTION, JAW = MotionLimits(), JawLimits()

leaps = st.integers(-300, 300).map(lambda value: value * 1e-3)


@given(
    arm=st.sampled_from(ARMS),
    tremor_filter=st.booleans(),
    goals=st.lists(st.tuples(leaps, leaps, leaps), min_size=1, max_size=6),
    scale=st.sampled_from([0.2, 1.0]),
)
@settings(max_examples=40, deadline=None)
def test_no_path_of_a_hand_leads_into_a_region(
    arm: str, tremor_filter: bool, goals: list[tuple[float, float, float]], scale: float
) -> None:
    """Wherever a hand goes, and however fast: no setpoint of its tool is in a region, or too far from the last one."""
    pair = HandArmPair(
        "MTMR",
        rotation_display_in_base(arm),
        MOTION,
        JAW,
        tremor_filter=tremor_filter,
        fixtures=fixtures_of(arm, FIXTURES),
    )
    now, place, q = 10.0, np.zeros(3), tuple(ready_configuration(arm).tolist())

    def packet(clutch: bool) -> None:
        nonlocal now, q
        now += PERIOD
        hand = HandSignal("MTMR", Pose(place, np.array([0.0, 0.0, 0.0, 1.0])), (0.0,) * 3, (0.0,) * 3, 0.4)
        signal = OperatorSignal(now, 1, 1, 1, True, clutch, False, scale, 0.0, 0.0, (hand,))
        command = pair.step(now, signal, True, 1.0, ArmStatus(True, q, 0.3))
        if command is not None:
            before, after = psm_kinematics.forward(q)[0], psm_kinematics.forward(command.q)[0]
            assert math.dist(before, after) <= MOTION.tool_speed * 2.0 * PERIOD * (1.0 + 1e-6)
            q = command.q

    for clutch in [True] * 25 + [False]:
        packet(clutch)
    assert pair.state is TeleopState.FOLLOWING
    for goal in goals:
        way = (np.array(goal) - place) / 40
        for step in range(60):
            place = place + way if step < 40 else place
            packet(False)
            tip = tuple(psm_kinematics.forward(q)[0].tolist())
            for region in REGIONS[arm]:
                assert region.toward(tip)[0] >= 0.0, region.name
