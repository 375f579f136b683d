"""Whatever motion an arm makes, its command gate never has to limit or refuse it."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from robot_driver.arm_limits import gate_limits
from robot_driver.command_gate import CommandGate
from robot_driver.motion.bounds import motion_bounds, tilt
from robot_driver.motion.cartesian_move import CartesianMove
from robot_driver.motion.interpolation import JointInterpolation
from robot_driver.motion.joint_move import JointMove
from robot_driver.motion.motion import Motion, MotionRefused
from robot_driver.motion.velocity_servo import VelocityServo
from teleop_core.arm_model import arm_model

PERIOD = 0.005
LIMITS = gate_limits(PERIOD, 0.15, 0.06)
PSM = arm_model("PSM1")
BOUNDS = motion_bounds(PSM)
LARGEST_TILT = 1.386
shares = st.floats(0.0, 1.0)
periods = st.sampled_from([PERIOD, PERIOD, PERIOD, 0.004, 0.006, 0.007, 0.01])


@st.composite
def places(draw: st.DrawFn) -> tuple[float, ...]:
    """Joint positions anywhere in the bounds, its edges too."""
    q = [low + draw(shares) * (high - low) for low, high in zip(BOUNDS.lower, BOUNDS.upper, strict=True)]
    while tilt(q[0], q[1]) > LARGEST_TILT:
        q[0], q[1] = 0.9 * q[0], 0.9 * q[1]
    return tuple(q)


class GatedArm:
    """An arm that stands, its gate open, and the driver's servo loop."""

    def __init__(self, q: tuple[float, ...]) -> None:
        """Opened."""
        self.gate = CommandGate(LIMITS, q)
        self.gate.enable(True)
        self.now, self.sequence, self.share = 100.0, 0, 1.0
        self.velocity = (0.0,) * len(q)

    def permit(self) -> None:
        """All the time."""
        self.sequence += 1
        assert self.gate.permit(self.now, True, 1, self.sequence, 0.2, self.share)

    def step(self, motion: Motion, elapsed: float) -> bool:
        """One servo period of a motion; False once it is over."""
        self.now += elapsed
        self.permit()
        q = motion.sample(self.now, self.share)
        if q is None:
            return False
        decision = self.gate.command(self.now, q, self.now)
        assert decision.reasons == (), decision.reasons
        assert math.dist(decision.setpoint, q) <= 1e-12
        self.velocity = decision.velocity
        return True


@settings(deadline=None, max_examples=25)
@given(
    places(),
    st.lists(st.tuples(places(), st.floats(0.2, 1.0), st.integers(1, 300)), min_size=1, max_size=4),
    st.data(),
)
def test_joint_moves_pass_the_gate(
    start: tuple[float, ...], moves: list[tuple[tuple[float, ...], float, int]], data: st.DataObject
) -> None:
    """Moves that cut each other short, at any ratio, in a servo loop that is late at times."""
    arm = GatedArm(start)
    pace = data.draw(st.lists(periods, min_size=1, max_size=7))
    for goal, ratio, count in moves:
        move = JointMove(PSM, arm.gate.setpoint, arm.velocity, goal, arm.now, ratio, PERIOD)
        for tick in range(count):
            if not arm.step(move, pace[tick % len(pace)]):
                break
    while arm.step(move, PERIOD):
        pass
    assert math.dist(arm.gate.setpoint, goal) <= 1e-12
    assert all(math.isfinite(value) for value in arm.velocity)


@settings(deadline=None, max_examples=25)
@given(places(), st.lists(st.tuples(places(), shares, st.integers(1, 300)), min_size=1, max_size=4), st.data())
def test_straight_lines_pass_the_gate(
    start: tuple[float, ...], moves: list[tuple[tuple[float, ...], float, int]], data: st.DataObject
) -> None:
    """Lines that cut each other short; those that are refused leave the arm where it is."""
    arm = GatedArm(start)
    pace = data.draw(st.lists(periods, min_size=1, max_size=7))
    for towards, share, count in moves:
        here = arm.gate.setpoint
        goal = PSM.forward([a + share * (b - a) for a, b in zip(here, towards, strict=True)])
        try:
            move = CartesianMove(PSM, here, arm.velocity, goal, arm.now, 1.0, PERIOD)
        except MotionRefused:
            continue
        for tick in range(count):
            if not arm.step(move, pace[tick % len(pace)]):
                break


@settings(deadline=None, max_examples=25)
@given(
    places(),
    st.lists(
        st.tuples(st.lists(st.floats(-1.0, 1.0), min_size=6, max_size=6), shares, st.integers(1, 100)),
        min_size=1,
        max_size=4,
    ),
    st.data(),
)
def test_velocity_passes_the_gate(
    start: tuple[float, ...], twists: list[tuple[list[float], float, int]], data: st.DataObject
) -> None:
    """Any twists, towards every end of the range, and the stop that follows them."""
    arm = GatedArm(start)
    pace = data.draw(st.lists(periods, min_size=1, max_size=7))
    servo = VelocityServo(PSM, start, arm.now)
    for directions, share, count in twists:
        twist = [share * value * largest for value, largest in zip(directions, (0.3,) * 3 + (10.0,) * 3, strict=True)]
        for tick in range(count):
            servo.take(arm.now, twist)
            assert arm.step(servo, pace[tick % len(pace)])
    for _ in range(300):
        if not arm.step(servo, PERIOD):
            break
    else:
        raise AssertionError("it does not stop")


@settings(deadline=None, max_examples=25)
@given(
    places(),
    st.lists(
        st.tuples(
            places(),
            st.sampled_from([0.0, 0.01, 0.02, 0.1, 0.4]),
            st.sampled_from([0.0, 0.0, 0.003, 0.05, 0.3]),
            st.sampled_from(["own", "own", "own", "own", "none", "again", "leap"]),
        ),
        min_size=1,
        max_size=20,
    ),
    st.data(),
)
def test_interpolation_passes_the_gate_and_ends_at_the_newest_target(
    start: tuple[float, ...], targets: list[tuple[tuple[float, ...], float, float, str]], data: st.DataObject
) -> None:
    """Targets anywhere, at any rate, late, overtaken, doubled, with no stamp or that of another clock."""
    arm = GatedArm(start)
    pace = data.draw(st.lists(periods, min_size=1, max_size=7))
    stream = JointInterpolation(PSM, start, arm.now, PERIOD)
    clock, sent, arrivals = 5000.0, arm.now, []
    for target, gap, transit, stamp in targets:
        sent += gap
        clock += 100.0 * (stamp == "leap")
        arrivals += [(sent + transit, 0.0 if stamp == "none" else clock + sent, target)] * (1 + (stamp == "again"))
    arrivals.sort(key=lambda arrival: arrival[0])
    tick = 0
    while arrivals or tick < 400:
        while arrivals and arrivals[0][0] <= arm.now:
            stream.take(*arrivals.pop(0))
        if not arm.step(stream, pace[tick % len(pace)]):
            arm.now += PERIOD
        tick += 1
    for _ in range(3000):
        if not arm.step(stream, PERIOD):
            break
    else:
        raise AssertionError("it does not end")
    assert math.dist(arm.gate.setpoint, stream.goal) <= 1e-9


@settings(deadline=None, max_examples=25)
@given(places(), places(), st.floats(0.05, 1.0), st.sampled_from(["joints", "stream", "velocity"]))
def test_less_than_full_speed_passes_the_gate(
    start: tuple[float, ...], goal: tuple[float, ...], share: float, kind: str
) -> None:
    """Motions slow down by what the monitor permits, so that the gate need not."""
    arm = GatedArm(start)
    arm.share = share
    if kind == "joints":
        motion: Motion = JointMove(PSM, start, arm.velocity, goal, arm.now, 1.0, PERIOD)
    elif kind == "stream":
        motion = JointInterpolation(PSM, start, arm.now, PERIOD)
        motion.take(arm.now, 0.0, goal)
    else:
        motion = VelocityServo(PSM, start, arm.now)
    for _ in range(600):
        if kind == "velocity":
            motion.take(arm.now, (0.2, -0.1, 0.1, 3.0, -2.0, 5.0))
        if not arm.step(motion, PERIOD):
            break


@settings(deadline=None, max_examples=25)
@given(places(), places(), st.floats(0.0, 1.0), st.integers(1, 300))
def test_move_that_is_slowed_on_its_way_arrives(
    start: tuple[float, ...], goal: tuple[float, ...], share: float, slowed_at: int
) -> None:
    """While it slows down the gate may be the first to; it never refuses."""
    arm = GatedArm(start)
    move = JointMove(PSM, start, arm.velocity, goal, arm.now, 1.0, PERIOD)
    tick = 0
    while True:
        arm.now += PERIOD
        arm.share = share if slowed_at <= tick < slowed_at + 200 else 1.0
        arm.permit()
        tick += 1
        q = move.sample(arm.now, arm.share)
        if q is None:
            break
        assert arm.gate.command(arm.now, q, arm.now).moved
    for _ in range(100):
        arm.now += PERIOD
        arm.permit()
        arm.gate.command(arm.now, goal, arm.now)
    assert math.dist(arm.gate.setpoint, goal) <= 1e-5
