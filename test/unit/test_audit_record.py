"""Records of the audit log: one canonical form, hashes that notice every change."""

from __future__ import annotations

import json
import math
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teleop_core.audit_record import GENESIS, RecordError, Stamp, canonical, check_record, make_record, plain, salted

STAMP = Stamp(mono_ns=5, utc_ns=7, clock_error_ns=None, boot="b")
SALT = "5a" * 16
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
PAYLOADS = st.dictionaries(st.text(), VALUES)


def record(**changes: Any) -> dict[str, Any]:
    made = make_record(0, "recorder", GENESIS, STAMP, "ab" * 16, "tester", "state", {"salt": SALT, "to": "READY"})
    return {**made, **changes}


def test_a_record_comes_back_from_its_line() -> None:
    """What was written is what is read."""
    assert check_record(canonical(record())) == record()


def test_the_hash_is_the_one_that_was_agreed() -> None:
    """SHA-256 over the canonical record without payload and hash; another program finds the same."""
    assert canonical(record()).startswith(
        b'{"actor":"tester","boot":"b","chain":"recorder","clock_error_ns":null,"hash":"'
    )
    assert record()["payload_sha256"] == "4cf60843c8581d8e1364499bf12ffeb0e285598abee526128e1efbd158662100"
    assert record()["hash"] == "38601a001405627e2cdcb585a074ada07381b626bda1b8f9b26245502f45f37d"


@given(PAYLOADS)
def test_every_payload_has_a_canonical_form_that_is_its_own(payload: dict[str, Any]) -> None:
    """Read and written again it is the same bytes, and the record is valid."""
    made = make_record(3, "recorder", "1" * 64, STAMP, "ab", "a", "t", {**payload, "salt": SALT})
    line = canonical(made)
    assert b"\n" not in line
    assert line.isascii()
    assert check_record(line) == made
    assert canonical(json.loads(line)) == line


@given(PAYLOADS, st.randoms(use_true_random=False))
def test_the_order_of_keys_makes_no_difference(payload: dict[str, Any], random: Any) -> None:
    """Two programs that say the same write the same."""
    items = list(payload.items())
    random.shuffle(items)
    assert canonical(plain(payload)) == canonical(plain(dict(items)))


@settings(max_examples=300)
@given(st.data())
def test_every_flipped_bit_is_found(data: st.DataObject) -> None:
    """Wherever it is in the line."""
    line = bytearray(canonical(record()))
    line[data.draw(st.integers(0, len(line) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(RecordError):
        check_record(bytes(line))


@given(st.binary(max_size=200))
def test_rubbish_is_refused_and_never_crashes(line: bytes) -> None:
    """Whatever stands in the file."""
    with pytest.raises(RecordError):
        check_record(line)


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 5000,
        b'{"n":' + b"9" * 5000 + b"}",
        canonical(record()).replace(b",", b", ", 1),
        canonical(record()) + b" ",
        canonical(record()).replace(b'"n":0', b'"n":1,"n":0'),
        canonical(record()).replace(b'"n":0', b'"n":0.0'),
        canonical(record()).replace(b"tester", b"\\u0074ester"),
        canonical(record()).replace(b"READY", b"HOLD"),
        canonical(record(n=True)),
        canonical(record(n=-1)),
        canonical(record(actor=None)),
        canonical(record(prev="A" * 64)),
        canonical(record(payload=[])),
        canonical(record(payload={"to": "READY"})),
        canonical(record(clock_error_ns="1")),
        canonical(record(more=1)),
    ],
)
def test_other_forms_of_a_line_are_refused(line: bytes) -> None:
    """Another form of the same content is bad too."""
    with pytest.raises(RecordError):
        check_record(line)


def test_a_payload_can_be_taken_out() -> None:
    """The record still fits its hash; without its payload hash it does not."""
    assert check_record(canonical(record(payload=None)))["payload"] is None
    with pytest.raises(RecordError, match="does not fit its hash"):
        check_record(canonical(record(payload=None, payload_sha256="0" * 64)))


class Colour(Enum):
    """Something that JSON does not know."""

    RED = 1


def test_what_json_cannot_hold_is_written_as_text() -> None:
    """Nothing that a node hands over stops its record."""
    loop: list[Any] = []
    loop.append(loop)
    told = plain(
        {
            1: math.inf,
            "nan": math.nan,
            "path": Path("/tmp"),
            "enum": Colour.RED,
            "set": {1},
            "array": np.array([[1.0, math.nan]]),
            "number": np.int64(3),
            "float": np.float64(0.5),
            "yes": np.bool_(True),
            "long": 1 << 70,
            "tuple": (1, b"x"),
            "loop": loop,
        }
    )
    canonical(told)
    assert told["1"] is None
    assert told["nan"] is None
    assert told["path"] == "/tmp"
    assert told["enum"] == "Colour.RED"
    assert told["array"] == [[1.0, None]]
    assert (told["number"], told["float"], told["yes"]) == (3, 0.5, True)
    assert told["long"] == hex(1 << 70)
    assert told["tuple"] == [1, "b'x'"]


def test_every_payload_has_a_salt_of_its_own() -> None:
    """So that a payload that was taken out cannot be guessed by its hash."""
    assert salted({})["salt"] != salted({})["salt"]
    assert salted({"salt": SALT}) == {"salt": SALT}
    with pytest.raises(RecordError, match="salt"):
        make_record(0, "c", GENESIS, STAMP, "", "", "", {"salt": "short"})


def test_what_makes_no_record_is_told() -> None:
    """By field and value."""
    with pytest.raises(RecordError, match="prev is 'x'"):
        make_record(0, "c", "x", STAMP, "", "", "", {})
