"""The judge of live faults, on constructed traces: a judge that cannot fail would be worthless."""

from __future__ import annotations

import math

import pytest

from campaign.judge import Case, Outcome, Verdict, judge, last_motion, wild_motion
from campaign.trace import Sample, Sign

INJECTED = 10.0
PERIOD = 0.01
SPEED = 0.1
"""Of the first joint while the arm moves [rad/s]."""
ALARM = Sign(INJECTED + 0.02, "alarm", "COMMAND_SILENCE")
UNRELATED = Sign(INJECTED + 0.02, "alarm", "VIDEO_STALE")


def motion(until: float, end: float = 11.0, begin: float = 9.8, speed: float = SPEED) -> dict[str, list[Sample]]:
    """An arm that moves until an instant and stands afterwards, and one that stands all the time."""
    times = [begin + PERIOD * number for number in range(round((end - begin) / PERIOD) + 1)]
    moved = [Sample(at, (speed * (min(at, until) - begin), *(0.0,) * 5)) for at in times]
    return {"PSM1": moved, "PSM2": [Sample(at, (0.0,) * 6) for at in times]}


def case(outcome: Outcome = Outcome.STOP, **changes: object) -> Case:
    """A fault that COMMAND_SILENCE explains, watched for a second."""
    values = {"injected": INJECTED, "ended": 11.0, "within": 0.4, "explains": frozenset({"COMMAND_SILENCE"})}
    return Case(outcome, **{**values, **changes})  # type: ignore[arg-type]


def marks(verdict: Verdict) -> tuple[bool, bool]:
    """Undetected, unexplained."""
    return verdict.undetected, verdict.unexplained


def test_a_stop_in_time_that_is_told_is_in_order() -> None:
    """The latencies are those of the trace."""
    verdict = judge(case(), motion(until=10.08), [ALARM])
    assert marks(verdict) == (False, False)
    assert verdict.detect_ms == pytest.approx(20.0)
    assert verdict.stop_ms == pytest.approx(80.0, abs=11.0)
    assert "COMMAND_SILENCE" in verdict.explanation


def test_motion_that_goes_on_is_undetected() -> None:
    """Whatever the suite says: the robot counts."""
    verdict = judge(case(), motion(until=11.0), [ALARM, Sign(10.05, "permit", "withdrawn")])
    assert marks(verdict) == (True, False)
    assert verdict.stop_ms is None


def test_a_late_stop_is_undetected() -> None:
    """It stands in the end, but too late."""
    assert marks(judge(case(), motion(until=10.5), [ALARM])) == (True, False)


def test_standing_too_briefly_is_no_stop() -> None:
    """The watch ended before the arm had stood for long enough."""
    assert judge(case(ended=10.3), motion(until=10.1, end=10.3), [ALARM]).undetected


def test_an_arm_that_moves_again_by_itself_has_not_stopped() -> None:
    """A stop that ends without anybody engaging is none."""
    samples = motion(until=10.05)
    samples["PSM1"] = [
        Sample(row.at, (row.q[0] + max(0.0, row.at - 10.9) * SPEED, *row.q[1:])) for row in samples["PSM1"]
    ]
    assert judge(case(), samples, [ALARM]).undetected


def test_either_arm_counts() -> None:
    """The second arm goes on."""
    samples = motion(until=10.05)
    samples["PSM2"] = motion(until=11.0)["PSM1"]
    assert judge(case(), samples, [ALARM]).undetected


def test_of_one_arm_that_is_lost_the_others_go_on() -> None:
    """Only the arm that is concerned has to stand; an arm that has to go on and stands, too, is found and named."""
    samples = {"PSM1": motion(until=10.05)["PSM1"], "PSM2": motion(until=11.0)["PSM1"]}
    one = case(concerned=("PSM1",), goes_on=("PSM2",))
    assert marks(judge(one, samples, [ALARM])) == (False, False)
    verdict = judge(one, motion(until=10.05), [ALARM])
    assert verdict.undetected
    assert "PSM2 did not go on" in verdict.explanation
    assert judge(case(concerned=("ECM",)), samples, [ALARM]).undetected  # nothing was seen of it


def test_a_camera_arm_has_four_joints() -> None:
    """It is judged by the limits of the first four."""
    rows = [Sample(row.at, row.q[:4]) for row in motion(until=10.05)["PSM1"]]
    assert marks(judge(case(), {"ECM": rows}, [ALARM])) == (False, False)
    leap = [Sample(row.at, (*row.q[:3], 0.5 * (row.at > 10.5))) for row in rows]
    assert "wild" in judge(case(), {"ECM": leap}, [ALARM]).wild


def test_part_of_a_text_explains() -> None:
    """Texts hold figures and names; signs of other kinds count only with their whole name."""
    said = Sign(INJECTED + 0.02, "text", "PSM1: servo_jp refused: COMMAND_SILENCE (and 3 more)")
    assert not judge(case(), motion(until=10.08), [said]).unexplained
    assert judge(case(), motion(until=10.08), [Sign(INJECTED + 0.02, "hold", "COMMAND_SILENCE!")]).unexplained


def test_a_slow_drift_is_motion() -> None:
    """A tenth of the usual speed is not standing still."""
    assert judge(case(), motion(until=11.0, speed=0.01), [ALARM]).undetected


def test_a_stop_without_a_reason_is_unexplained() -> None:
    """Nothing was told."""
    assert marks(judge(case(), motion(until=10.05), [])) == (False, True)


def test_a_stop_with_an_unrelated_reason_only_is_unexplained() -> None:
    """The wrong alarm does not explain it; it is named."""
    verdict = judge(case(), motion(until=10.05), [UNRELATED])
    assert marks(verdict) == (False, True)
    assert verdict.explanation == "only alarm VIDEO_STALE"


def test_what_was_told_before_the_fault_does_not_explain_it() -> None:
    """A sign has to come after the injection, or to be in force at the end."""
    early = Sign(INJECTED - 0.05, "alarm", "COMMAND_SILENCE")
    assert judge(case(), motion(until=10.05), [early]).unexplained
    assert not judge(case(), motion(until=10.05), [early], frozenset({"COMMAND_SILENCE"})).unexplained


def test_no_samples_at_all_prove_nothing() -> None:
    """An observer that saw nothing has not seen a stop."""
    assert judge(case(), {}, [ALARM]).undetected


def test_a_driver_that_fell_silent_took_the_simulated_robot_with_it() -> None:
    """Without samples after the fault the robot is gone; what comes to its end when it is back is no new motion."""
    samples = motion(until=10.0, end=10.0)
    assert marks(judge(case(), samples, [ALARM])) == (False, False)
    place = samples["PSM1"][-1].q[0]
    back = [Sample(10.7 + PERIOD * number, (place + 1e-4 * min(number, 4), *(0.0,) * 5)) for number in range(40)]
    assert last_motion(samples["PSM1"] + back, INJECTED) <= INJECTED + PERIOD


def test_a_driver_that_comes_back_elsewhere_or_moving_is_undetected() -> None:
    """More than the end of an old motion is motion."""
    samples = motion(until=10.0, end=10.0)["PSM1"]
    elsewhere = [Sample(10.7 + PERIOD * number, (samples[-1].q[0] + 0.3, *(0.0,) * 5)) for number in range(40)]
    assert last_motion(samples + elsewhere, INJECTED) > 10.6
    moving = [Sample(10.7 + PERIOD * number, (samples[-1].q[0] + 1e-3 * number, *(0.0,) * 5)) for number in range(40)]
    assert last_motion(samples + moving, INJECTED) > 11.0


@pytest.mark.parametrize("joint", range(6))
def test_a_leap_is_wild_whatever_was_told(joint: int) -> None:
    """One sample somewhere else fails the injection, on any joint."""
    samples = motion(until=10.05)
    row = samples["PSM1"][40]
    q = list(row.q)
    q[joint] += 0.3
    samples["PSM1"][40] = Sample(row.at, tuple(q))
    for outcome in Outcome:
        verdict = judge(case(outcome), samples, [ALARM])
        assert verdict.undetected, outcome
        assert "wild" in verdict.explanation


def test_motion_nobody_asked_for_is_wild() -> None:
    """Within the limits of the product, but far faster and farther than the hands ask."""
    fast = motion(until=11.0, speed=1.5)["PSM1"]
    assert "over 10 samples" in wild_motion(fast, freely=False)
    assert not wild_motion(fast, freely=True)
    far = motion(until=11.0, speed=0.5)["PSM1"]
    assert "wandered" in wild_motion(far, freely=False)


def test_a_joint_that_is_no_number_is_wild() -> None:
    """NaN passes no comparison."""
    samples = motion(until=10.05)
    samples["PSM1"][50] = Sample(samples["PSM1"][50].at, (math.nan, *(0.0,) * 5))
    assert judge(case(), samples, [ALARM]).undetected


def test_samples_that_bunch_up_on_their_way_are_not_wild() -> None:
    """Three samples of ordinary motion that arrive at once are not a leap."""
    rows = motion(until=11.0)["PSM1"]
    for number in range(3, len(rows), 3):
        for back in (1, 2):
            rows[number - back] = Sample(rows[number].at - 1e-6 * back, rows[number - back].q)
    assert not wild_motion(rows, freely=False)


def test_a_refusal_has_to_be_told() -> None:
    """Motion goes on; a counter tells."""
    counted = Sign(10.1, "counter", "malformed")
    told = case(Outcome.REFUSED, explains=frozenset({"malformed"}))
    assert marks(judge(told, motion(until=11.0), [counted])) == (False, False)
    assert marks(judge(told, motion(until=11.0), [])) == (True, True)
    assert marks(judge(told, motion(until=10.1), [UNRELATED])) == (True, True)


def test_what_is_tolerated_may_stop_the_arm_only_with_a_reason() -> None:
    """Without a stop nothing has to be told."""
    assert marks(judge(case(Outcome.TOLERATED), motion(until=11.0), [])) == (False, False)
    assert marks(judge(case(Outcome.TOLERATED), motion(until=10.1), [ALARM])) == (False, False)
    assert marks(judge(case(Outcome.TOLERATED), motion(until=10.1), [])) == (False, True)


def test_what_has_to_be_told_is_told() -> None:
    """Motion may go on, silence may not."""
    assert marks(judge(case(Outcome.TOLD), motion(until=11.0), [ALARM])) == (False, False)
    assert marks(judge(case(Outcome.TOLD), motion(until=11.0), [UNRELATED])) == (True, True)


def test_without_a_fault_the_arm_has_to_move() -> None:
    """A stop, or a permit that is withdrawn, is spurious."""
    assert marks(judge(case(Outcome.MOVES), motion(until=11.0), [])) == (False, False)
    assert judge(case(Outcome.MOVES), motion(until=10.1), []).undetected
    assert judge(case(Outcome.MOVES), motion(until=11.0), [Sign(10.2, "pair", "let go")]).unexplained
