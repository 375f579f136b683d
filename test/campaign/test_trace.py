"""The observer's rows become samples and signs."""

from __future__ import annotations

from campaign.trace import Trace

COUNTERS = {"accepted": 1, "stale": 0, "malformed": 0}
GATE = {"permits_refused": 0, "unauthenticated": 0}


def test_only_what_is_new_is_a_sign() -> None:
    """Alarms, withdrawn permits, holds, pairs that let go, risen counters date the detection; repeated ones do not."""
    trace = Trace()
    trace.add(["s", 1.0, 2, True, [["VIDEO_OLD", "left eye", 1, False]]])
    trace.add(["f", 1.0, [2, 2], [], COUNTERS])
    trace.add(["g", 1.0, "PSM1", "", {}, GATE, "an external client"])
    trace.add(["s", 2.0, 3, False, [["VIDEO_OLD", "left eye", 1, False], ["VIDEO_STALE", "left eye", 2, False]]])
    trace.add(["f", 2.1, [1, 1], [], {**COUNTERS, "malformed": 3}])
    trace.add(["g", 2.2, "PSM1", "no permit to move", {"joint velocity": 0.1}, {**GATE, "permits_refused": 1}, ""])
    trace.add(["w", 2.3, "PSM1", "PSM1: move_jp ended: no permit to move"])
    trace.add(["s", 3.0, 3, False, [["VIDEO_OLD", "left eye", 1, False], ["VIDEO_STALE", "left eye", 2, False]]])
    signs = [(sign.at, sign.kind, sign.name) for sign in trace.window(1.5, 9.0)[1]]
    assert signs == [
        (2.0, "alarm", "VIDEO_STALE"),
        (2.0, "permit", "withdrawn"),
        (2.1, "pair", "let go"),
        (2.1, "counter", "malformed"),
        (2.2, "hold", "no permit to move"),
        (2.2, "limit", "joint velocity"),
        (2.2, "counter", "permits_refused"),
        (2.3, "text", "PSM1: move_jp ended: no permit to move"),
    ]
    assert trace.standing() == {"VIDEO_OLD", "VIDEO_STALE", "no permit to move"}


def test_a_window_holds_what_arrived_in_it() -> None:
    """Both ends count."""
    trace = Trace()
    for number in range(10):
        trace.add(["p", float(number), "PSM1", [float(number)] * 6])
    samples, _ = trace.window(2.0, 5.0)
    assert [sample.at for sample in samples["PSM1"]] == [2.0, 3.0, 4.0, 5.0]


def test_a_position_that_was_no_number_stays_none() -> None:
    """It comes as null and must not become a place."""
    trace = Trace()
    trace.add(["p", 1.0, "PSM1", [None] * 6])
    q = trace.window(0.0, 2.0)[0]["PSM1"][0].q
    assert all(value != value for value in q)


def test_rows_of_other_kinds_are_only_told() -> None:
    """Diagnostics and the observer's own lateness change nothing."""
    trace = Trace()
    trace.add(["d", 1.0, "driver: node", "text"])
    trace.add(["l", 1.0, 0.05])
    assert trace.window(0.0, 2.0) == ({}, [])
