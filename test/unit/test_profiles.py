"""Profiles: the shipped files say what they should, and no file that is not right in every field is taken."""

from __future__ import annotations

import copy
import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from teleop_core.profiles import (
    LARGEST_FILE,
    PROFILE_NAMES,
    Ladder,
    Profile,
    ProfileError,
    TrackingLadder,
    parse_profile,
    read_profile,
)

LAN: dict[str, Any] = {
    "name": "lan",
    "command_hold": 0.06,
    "command_pause": 1.0,
    "video_age": {"degrade": 0.25, "hold": 0.4, "pause": 2.0},
    "command_age": 0.15,
    "round_trip": {"degrade": 0.15, "hold": 0.4, "pause": 0.8},
    "round_trip_pause_after": 2.0,
    "jitter_degrade": 0.03,
    "jitter_hold": 0.08,
    "loss_degrade": 0.02,
    "loss_hold": 0.2,
    "tracking": {"degrade": 0.002, "hold": 0.005, "fault": 0.015},
    "required_security": "none",
    "recorder_required": False,
}
LADDERS = ("video_age", "round_trip", "tracking")
NUMBERS = [
    *((name,) for name, value in LAN.items() if isinstance(value, float)),
    *((ladder, step) for ladder in LADDERS for step in LAN[ladder]),
]
FIELDS = [(name,) for name in LAN] + [path for path in NUMBERS if len(path) == 2]
RUBBISH = [None, True, "0.1", "60 ms", "", [], [0.1], {}, {"degrade": 0.1}, math.nan, math.inf, -math.inf, -1.0, 0, 1e9]
HUGE = 10**5000


def changed(path: tuple[str, ...], value: object) -> dict[str, Any]:
    """The profile lan with one field changed."""
    mapping = copy.deepcopy(LAN)
    owner = mapping if len(path) == 1 else mapping[path[0]]
    owner[path[-1]] = value
    return mapping


def without(path: tuple[str, ...]) -> dict[str, Any]:
    """The profile lan without one field."""
    mapping = copy.deepcopy(LAN)
    owner = mapping if len(path) == 1 else mapping[path[0]]
    del owner[path[-1]]
    return mapping


def assert_sound(profile: Profile) -> None:
    """What holds for every profile that is taken."""
    for item in dataclasses.fields(profile):
        value = getattr(profile, item.name)
        steps = dataclasses.astuple(value) if dataclasses.is_dataclass(value) else (value,)
        for number in steps:
            if item.name not in ("name", "required_security", "recorder_required"):
                assert type(number) in (int, float)
                assert 0.0 < number < 100.0
        assert list(steps) == sorted(steps)
    assert profile.command_hold <= min(0.5, profile.command_pause)
    assert profile.jitter_degrade <= profile.jitter_hold
    assert profile.loss_degrade <= profile.loss_hold < 1.0
    assert profile.required_security in ("none", "mac")
    assert type(profile.recorder_required) is bool
    assert profile.name


@pytest.fixture
def shipped(root: Path) -> dict[str, Profile]:
    """The profiles of the suite, by name."""
    return {name: read_profile(root / "config" / "profiles" / f"{name}.yaml") for name in PROFILE_NAMES}


def test_the_files_are_those_that_are_named(root: Path, shipped: dict[str, Profile]) -> None:
    """There is one file for each name and no other, and each says its own name."""
    assert {path.name for path in (root / "config" / "profiles").iterdir()} == {f"{name}.yaml" for name in shipped}
    assert {name: profile.name for name, profile in shipped.items()} == {name: name for name in PROFILE_NAMES}


def test_lan_has_the_limits_of_the_cause_table(shipped: dict[str, Profile]) -> None:
    """The numbers of lan, one by one."""
    assert shipped["lan"] == Profile(
        name="lan",
        command_hold=0.06,
        command_pause=1.0,
        video_age=Ladder(0.25, 0.4, 2.0),
        command_age=0.15,
        round_trip=Ladder(0.15, 0.4, 0.8),
        round_trip_pause_after=2.0,
        jitter_degrade=0.03,
        jitter_hold=0.08,
        loss_degrade=0.02,
        loss_hold=0.2,
        tracking=TrackingLadder(0.002, 0.005, 0.015),
        required_security="none",
        recorder_required=False,
    )


def test_longer_links_are_given_more_time_but_never_much(shipped: dict[str, Profile]) -> None:
    """From lan to intercontinental every limit rises or stays; silence never counts later than 0.15 s."""
    lan, national, intercontinental = (shipped[name] for name in ("lan", "national", "intercontinental"))
    for nearer, farther in ((lan, national), (national, intercontinental)):
        assert nearer.command_hold <= farther.command_hold <= 0.15
        assert nearer.command_age <= farther.command_age
        for ladder in ("video_age", "round_trip"):
            for step in ("degrade", "hold", "pause"):
                assert getattr(getattr(nearer, ladder), step) <= getattr(getattr(farther, ladder), step)
        assert nearer.tracking == farther.tracking


def test_a_patient_gets_the_tightest_limits_signed_and_recorded(shipped: dict[str, Profile]) -> None:
    """Clinical is lan with security and a recorder required, and nothing else differs."""
    expected = dataclasses.replace(shipped["lan"], name="clinical", required_security="mac", recorder_required=True)
    assert shipped["clinical"] == expected


def test_what_is_read_is_what_is_written(root: Path, tmp_path: Path) -> None:
    """A file and the mapping it holds give the same profile."""
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(LAN))
    assert read_profile(path) == parse_profile(LAN, "here") == read_profile(root / "config" / "profiles" / "lan.yaml")


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_a_missing_field_is_named(path: tuple[str, ...]) -> None:
    """No field has a default: a file without it is refused with its name."""
    with pytest.raises(ProfileError, match=rf"^file: {'.'.join(path)}: missing$"):
        parse_profile(without(path), "file")


@pytest.mark.parametrize("owner", [(), ("video_age",), ("tracking",)])
@pytest.mark.parametrize("key", ["comand_hold", "", 7, None, True, ("a", "b"), "a\nb"])
def test_an_unknown_field_is_named(owner: tuple[str, ...], key: object) -> None:
    """A misspelt or senseless field is refused with its name and value, in one line."""
    mapping = copy.deepcopy(LAN)
    (mapping[owner[0]] if owner else mapping)[key] = 0.1
    with pytest.raises(ProfileError, match=r"unknown field with value 0\.1$") as refused:
        parse_profile(mapping, "file")
    assert str(refused.value).startswith("file: " + "".join(f"{name}." for name in owner))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("path", NUMBERS, ids=".".join)
@pytest.mark.parametrize("value", [*RUBBISH, HUGE], ids=lambda value: "huge" if value is HUGE else repr(value))
def test_what_is_no_usable_number_is_named_with_its_value(path: tuple[str, ...], value: object) -> None:
    """Not a number, infinite, truth values, texts, lists, zero, negative, huge: refused with field and value."""
    with pytest.raises(ProfileError) as refused:
        parse_profile(changed(path, value), "file")
    text = str(refused.value)
    assert text.startswith(f"file: {'.'.join(path)}: ")
    assert ("too many digits" if value is HUGE else repr(value)) in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (("video_age", "hold"), 0.2, "video_age.hold: 0.2 is below degrade: 0.25"),
        (("round_trip", "pause"), 0.3, "round_trip.pause: 0.3 is below hold: 0.4"),
        (("tracking", "fault"), 0.004, "tracking.fault: 0.004 is below hold: 0.005"),
        (("command_pause",), 0.05, "command_pause: 0.05 is below command_hold: 0.06"),
        (("jitter_hold",), 0.01, "jitter_hold: 0.01 is below jitter_degrade: 0.03"),
        (("loss_hold",), 0.01, "loss_hold: 0.01 is below loss_degrade: 0.02"),
        (("required_security",), "dds", "required_security: 'dds' is not one of none, mac"),
        (("required_security",), ["mac"], "required_security: ['mac'] is not one of none, mac"),
        (("recorder_required",), "no", "recorder_required: 'no' is neither true nor false"),
        (("recorder_required",), 1, "recorder_required: 1 is neither true nor false"),
        (("name",), "", "name: ''"),
        (("name",), "a\nb", r"name: 'a\nb'"),
        (("name",), "x" * 65, "name: 'xxx"),
        (("video_age",), [0.1, 0.2, 0.3], "video_age: [0.1, 0.2, 0.3] is not a mapping"),
        (("tracking",), None, "tracking: None is not a mapping"),
    ],
)
def test_what_contradicts_itself_is_refused_with_both_values(path: tuple[str, ...], value: object, text: str) -> None:
    """Limits that fall, words that mean nothing, ladders that are none: the error says which and what."""
    with pytest.raises(ProfileError) as refused:
        parse_profile(changed(path, value), "file")
    assert str(refused.value).startswith(f"file: {text}")
    assert "\n" not in str(refused.value)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)


@given(path=st.sampled_from(FIELDS), value=ANYTHING | st.floats(0.0001, 3.0))
def test_a_changed_field_is_either_sound_or_named(path: tuple[str, ...], value: object) -> None:
    """Whatever is put in place of one field: the profile keeps every rule, or the error names that field."""
    try:
        profile = parse_profile(changed(path, value), "file")
    except ProfileError as error:
        first = str(error).removeprefix("file: ")
        assert path[0] in first
        assert "\n" not in first
    else:
        assert_sound(profile)


@given(ANYTHING)
def test_anything_at_all_is_parsed_or_refused_in_one_line(value: object) -> None:
    """No content makes anything but a profile or a ProfileError."""
    with pytest.raises(ProfileError, match=r"^file: .+$"):
        parse_profile(value, "file")


@given(st.data())
def test_ladders_in_any_order_are_refused_unless_they_rise(data: st.DataObject) -> None:
    """Three times within their range make a ladder exactly when they rise."""
    steps = data.draw(st.lists(st.floats(0.001, 30.0), min_size=3, max_size=3))
    if steps == sorted(steps):
        assert dataclasses.astuple(Ladder(*steps)) == tuple(steps)
    else:
        with pytest.raises(ValueError, match="the limits must rise"):
            Ladder(*steps)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "None is not a mapping"),
        (b"- 1\n", "is not a mapping"),
        (b"name: lan\ncommand_hold: 0.06\ncommand_hold: 0.5\n", "line 3: command_hold: stands twice, again with '0.5'"),
        (b"video_age: {hold: 1.0, hold: 2.0}\n", "line 1: hold: stands twice"),
        (b"video_age: {hold: 1.0\n", "line 2: "),
        (b"a: !!python/object/apply:os.system [true]\n", "could not determine a constructor"),
        (b"a: &a [*a]\n", "line 1: alias *a: write it out"),
        (b"a: &a {hold: 1.0}\nvideo_age:\n  <<: *a\n", "line 3: alias *a: write it out"),
        (b"? [a]\n: 1\n", "unhashable"),
        (b"a: 2001-99-99\n", "month must be"),
        (b"a: 0b_\n", "invalid literal"),
        (b"\xff\xfe\xff", "truncated data"),
        (b"a: \xff\n", "invalid start byte"),
        (b"a: \x07\n", "unacceptable character"),
        (b"[" * 5000, ""),
        (b"#" * (LARGEST_FILE + 1), "larger than"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_in_one_line(tmp_path: Path, content: bytes, text: str) -> None:
    """Empty, broken, doubled, dangerous or endless: the error names the file and says why."""
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(ProfileError) as refused:
        read_profile(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert text in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) > len(f"{path}: ")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Missing, or a folder: the error names it."""
    for path, why in ((tmp_path / "none.yaml", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(ProfileError, match=why) as refused:
            read_profile(path)
        assert str(path) in str(refused.value)
