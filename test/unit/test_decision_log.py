"""The decision log: exact round trip, no harm to the node, replay that finds every difference."""

from __future__ import annotations

import json
import math
import statistics
import struct
import time
from array import array
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop_core.decision_log import DecisionLog, DecisionLogError, ReplayedCall, replay
from teleop_core.exact_json import ExactJsonError, Reader, dumps, tree
from teleop_core.se3 import Pose
from teleop_core.signals import HandSignal, OperatorSignal, SafetyLevel


class Colour(Enum):
    """An enum that is not of the suite."""

    RED = "red"


@dataclass(frozen=True)
class Point:
    """Refuses in its constructor what a log may well hold."""

    x: float
    name: str = ""
    inner: tuple[Any, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse what is not a number."""
        if math.isnan(self.x):
            raise ValueError("not a number")


class Adder:
    """Decides by what it was told before."""

    def __init__(self) -> None:
        self.total = 0.0

    def add(self, value: float, weights: Any = None) -> tuple[float, Any]:
        if value == 13.0:
            raise ValueError("13")
        self.total += value
        if isinstance(weights, list):
            weights.append("changed by the method")
        return self.total, weights


class Half:
    """Decides by its last argument alone."""

    def __init__(self, limit: float = 1e9) -> None:
        self.limit = limit

    def of(self, *values: float) -> float:
        return min(values[-1] / 2.0, self.limit)


def there_and_back(value: Any) -> Any:
    return Reader((Colour, Point)).value(json.loads(dumps(tree(value))))


def made_log(path: Path, values: list[float]) -> None:
    log = DecisionLog(path)
    adder = log.watch("adder", Adder(), "add")
    for value in values:
        adder.add(value)
    log.close()
    assert log.failure == ""


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
VALUES = st.recursive(
    PLAIN | st.sampled_from([Colour.RED, SafetyLevel.HOLD]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.tuples(st.integers(), st.text()) | st.text(), inner, max_size=3)
        | st.builds(lambda x, items: Point(x, "p", tuple(items)), st.floats(allow_nan=False), st.lists(inner))
    ),
    max_leaves=12,
)


@given(VALUES)
def test_values_keep_every_bit_and_type(value: Any) -> None:
    """Whatever nests lists, tuples, dicts with tuple keys, enums, dataclasses and any number comes back the same."""
    back = there_and_back(value)
    assert type(back) is type(value)
    assert dumps(tree(back)) == dumps(tree(value))


@given(st.floats())
def test_numbers_keep_every_bit(value: float) -> None:
    """Floats come back bit by bit, the sign of zero and infinities included; not a number stays not a number."""
    back = there_and_back(value)
    assert math.isnan(back) if math.isnan(value) else struct.pack("d", back) == struct.pack("d", value)


@pytest.mark.parametrize(
    "array",
    [
        np.array([[0.1, -0.0, math.nan], [math.inf, 1e-320, 1e308]]),
        np.zeros((0, 3)),
        np.array([1, 2**40]),
        np.array([True, False]),
        np.float32(0.1),
        np.float64(math.nan),
    ],
)
def test_arrays_keep_type_shape_and_values(array: Any) -> None:
    """Arrays and numpy's scalars come back with their type, shape and values."""
    back = there_and_back(array)
    assert type(back) is type(array)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


@pytest.mark.parametrize("values", [array("d", [0.1, math.nan, -0.0]), array("f", [0.1]), array("i", [3]), array("d")])
def test_arrays_of_messages_keep_type_and_values(values: array[Any]) -> None:
    """What ROS messages hold numbers in comes back as it is."""
    back = there_and_back(values)
    assert type(back) is array
    assert back.typecode == values.typecode
    assert back.tobytes() == values.tobytes()


def test_a_packet_of_the_operator_survives() -> None:
    """Nested dataclasses with slots and arrays come back as their own types."""
    hand = HandSignal(
        "MTML", Pose(np.array([0.1, 0.2, math.nan]), np.array([0.0, 0.0, 0.0, 1.0])), (0.0,) * 3, (1.0,) * 3, 0.4
    )
    signal = OperatorSignal(1.1e9, 2**64 - 1, 7, 1, True, False, False, 0.2, 0.0, math.inf, (hand,))
    back = there_and_back(signal)
    assert isinstance(back, OperatorSignal)
    assert isinstance(back.hands[0].pose, Pose)
    assert back.session == 2**64 - 1
    assert dumps(tree(back)) == dumps(tree(signal))


def test_what_a_constructor_refuses_is_read_all_the_same() -> None:
    """A recorded value need not be a valid one: it is made without its constructor."""
    bad = object.__new__(Point)
    for name, value in (("x", math.nan), ("name", ""), ("inner", ())):
        object.__setattr__(bad, name, value)
    assert math.isnan(there_and_back(bad).x)


@pytest.mark.parametrize(
    "name",
    [
        "os:system",
        "subprocess:Popen",
        "teleop_core.session:math.sqrt",
        "teleop_core.session:CommandReceiver",
        "teleop_core:no",
    ],
)
@pytest.mark.parametrize("tag", ["o", "e"])
def test_a_text_cannot_make_foreign_types(name: str, tag: str) -> None:
    """Only enums and dataclasses of the suite are made; a text never imports anything else."""
    with pytest.raises(ExactJsonError):
        Reader().value({tag: [name, []]})


def test_types_outside_the_suite_have_to_be_named() -> None:
    """A dataclass that the caller does not name is refused, and the text says which."""
    with pytest.raises(ExactJsonError, match="Point is not of the suite"):
        Reader().value(tree(Point(1.0)))


@pytest.mark.parametrize("rubbish", [{"q": 1}, {}, {"f": "x"}, {"o": 3}, {"a": ["O", [1], [1]]}, {"f": "1", "l": []}])
def test_rubbish_is_refused(rubbish: Any) -> None:
    """A text that holds no value gives the one error that says so."""
    with pytest.raises(ExactJsonError):
        Reader().value(rubbish)


def test_a_stand_in_passes_everything_through(tmp_path: Path) -> None:
    """Results, attributes, exceptions and what is set are those of the object itself."""
    log = DecisionLog(tmp_path / "log")
    adder = Adder()
    watched = log.watch("adder", adder, "add")
    weights = ["a"]
    assert watched.add(2.0, weights=weights) == (2.0, weights)
    with pytest.raises(ValueError, match="13"):
        watched.add(13.0)
    assert watched.total == 2.0
    watched.total = 5.0
    assert adder.total == 5.0
    log.close()


def test_arguments_are_written_as_they_were_before_the_call(tmp_path: Path) -> None:
    """A method that changes its argument is replayed with the argument it was given; exceptions are results too."""
    log = DecisionLog(tmp_path / "log")
    adder = log.watch("adder", Adder(), "add")
    adder.add(math.nan, ["a"])
    with pytest.raises(ValueError, match="13"):
        adder.add(13.0)
    log.close()
    found = replay(tmp_path / "log", {"adder": Adder})
    assert (found.compared, found.different, found.identical) == (2, 0, True)
    assert '"changed by the method"' in (tmp_path / "log").read_text().splitlines()[1].partition('"result"')[2]
    assert '"changed by the method"' not in (tmp_path / "log").read_text().splitlines()[1].partition('"result"')[0]


@pytest.mark.parametrize("nth", [0, 3, 7])
def test_a_changed_record_is_found(tmp_path: Path, nth: int) -> None:
    """The last digit of one result, changed in the file, is named with its line, object and place."""
    path = tmp_path / "log"
    made_log(path, [0.1 * value for value in range(1, 9)])
    lines = path.read_text().splitlines()
    record = json.loads(lines[nth + 1])
    record["result"][0] = math.nextafter(record["result"][0], 99.0)
    lines[nth + 1] = json.dumps(record)
    path.write_text("\n".join(lines) + "\n")
    found = replay(path, {"adder": Adder})
    assert not found.identical
    assert found.first_difference.startswith(f"line {nth + 2}: adder.add: at /result/0 recorded")


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (lambda lines: [lines[0].replace(b"red", b"new"), *lines[1:]], 1),
        (lambda lines: [*lines[:4], lines[4].replace(b"[[", b"[[1.0,"), *lines[5:]], 5),
        (lambda lines: [*lines[:-1], lines[-1].replace(b"[[", b"[[1.0,")], 9),
        (lambda lines: [*lines[:4], *lines[5:]], 5),
        (lambda lines: [*lines[:4], lines[4], *lines[4:]], 6),
        (lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], 5),
    ],
    ids=["about", "input", "last input", "missing", "twice", "swapped"],
)
def test_a_change_that_alters_no_decision_is_found_too(tmp_path: Path, changed: Any, named: int) -> None:
    """A line that was changed, left out, repeated or moved is named, even where every decision comes out the same."""
    path = tmp_path / "log"
    log = DecisionLog(path, {"colour": "red"})
    watched = log.watch("half", Half(), "of")
    for value in range(8):
        watched.of(2 * value)
    log.close()
    assert replay(path, {"half": Half}).identical
    path.write_bytes(b"".join(changed(path.read_bytes().splitlines(keepends=True))))
    found = replay(path, {"half": Half})
    assert found.different == 0
    assert not found.identical
    assert found.first_altered.startswith(f"line {named} ")


def test_objects_are_made_from_what_the_log_says(tmp_path: Path) -> None:
    """What the objects were made from is in the log, exactly, and each decision is handed on with it."""
    log = DecisionLog(tmp_path / "log", {"limit": 0.1, "level": SafetyLevel.HOLD})
    log.watch("half", Half(0.1), "of").of(3.0)
    log.close()
    calls: list[ReplayedCall] = []
    found = replay(tmp_path / "log", {}, makers={"half": lambda about: Half(about["limit"])}, each=calls.append)
    assert found.identical
    assert (calls[0].start, calls[0].line, calls[0].result) == (1, 2, 0.1)
    assert calls[0].about == {"limit": 0.1, "level": SafetyLevel.HOLD}
    with pytest.raises(DecisionLogError, match="line 1: half cannot be made from it: KeyError: 'most'"):
        replay(tmp_path / "log", {}, makers={"half": lambda about: Half(about["most"])})


def test_a_decision_made_otherwise_is_found(tmp_path: Path) -> None:
    """Another program gives another answer, from the first call on."""

    class Subtracter(Adder):
        def add(self, value: float, weights: Any = None) -> tuple[float, Any]:
            return super().add(-value, weights)

    made_log(tmp_path / "log", [1.0, 2.0])
    found = replay(tmp_path / "log", {"adder": Subtracter})
    assert found.different == 2
    assert found.first_difference == "line 2: adder.add: at /result/0 recorded 1.0, now -1.0"


def test_nothing_compared_is_not_identical(tmp_path: Path) -> None:
    """A log whose objects nobody replays proves nothing, and says what it skipped."""
    made_log(tmp_path / "log", [1.0, 2.0])
    found = replay(tmp_path / "log", {})
    assert not found.identical
    assert found.skipped == {"adder": 2}


def test_each_start_begins_with_fresh_objects_after_a_broken_line(tmp_path: Path) -> None:
    """A node killed while it wrote and started again: its last line breaks off, and the replay begins anew after it."""
    path = tmp_path / "log"
    made_log(path, [1.0, 2.0])
    path.write_bytes(path.read_bytes()[:-20])
    made_log(path, [3.0, 4.0])
    path.write_bytes(path.read_bytes()[:-5])
    found = replay(path, {"adder": Adder})
    assert (found.compared, found.different, found.truncated, found.starts) == (2, 0, 2, 2)


@pytest.mark.parametrize("text", ['{"of":"adder"}\n', "nonsense\nmore\n", '{"start":99}\n', "[1]\n"])
def test_what_is_no_log_is_refused(tmp_path: Path, text: str) -> None:
    """A file of something else is told, with the line."""
    (tmp_path / "log").write_text(text)
    with pytest.raises(DecisionLogError, match="line 1"):
        replay(tmp_path / "log", {})


def test_a_log_cannot_call_private_methods(tmp_path: Path) -> None:
    """A file names methods that decide, nothing else of an object."""
    (tmp_path / "log").write_text('{"start":1}\n{"of":"adder","call":"__init__","with":[[],{"d":[]}]}\n')
    with pytest.raises(DecisionLogError, match="not a method"):
        replay(tmp_path / "log", {"adder": Adder})


@pytest.mark.parametrize("path", ["/dev/full", "no/such/folder/log"])
def test_a_log_that_cannot_be_written_harms_nobody(path: str) -> None:
    """With the disk full, or nowhere to write, the object works on, and the first failure is kept."""
    log = DecisionLog(path)
    adder = log.watch("adder", Adder(), "add")
    deadline = time.monotonic() + 10.0
    while not log.failure and time.monotonic() < deadline:
        adder.add(1.0)
    assert path in log.failure
    before = adder.total
    assert adder.add(1.0) == (before + 1.0, None)
    failure = log.failure
    log.close()
    assert log.failure == failure


def test_a_value_that_cannot_be_written_ends_logging_only(tmp_path: Path) -> None:
    """Something of an unknown type ends the log with its name; the object is called all the same."""
    log = DecisionLog(tmp_path / "log")
    adder = log.watch("adder", Adder(), "add")
    thing = object()
    assert adder.add(1.0, thing) == (1.0, thing)
    assert "builtins:object" in log.failure
    log.close()


def test_a_record_costs_little(tmp_path: Path) -> None:
    """Writing down a packet takes far less than a servo period."""
    log = DecisionLog(tmp_path / "log")
    hand = HandSignal("MTML", Pose(np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0])), (0.1,) * 3, (1.0,) * 3, 0.4)
    signal = OperatorSignal(1.1e9, 1, 7, 1, True, False, False, 0.2, 0.0, 0.1, (hand, hand))
    adder, bare = log.watch("adder", Adder(), "add"), Adder()

    def cost(target: Any) -> float:
        times = []
        for _ in range(300):
            start = time.perf_counter()
            target.add(1.0, signal)
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    assert cost(adder) - cost(bare) < 0.002
    log.close()
    assert log.failure == ""
