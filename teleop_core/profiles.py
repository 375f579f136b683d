"""Time limits that depend on the link, and what a link must have: one file per profile, checked field by field.

A profile changes when a late packet or frame counts as lost; it never changes what may move how fast. The files are in
config/profiles. A file that cannot be used is refused as a whole: no field has a default.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import yaml

from teleop_core.authentication import SECURITY_LEVELS

PROFILE_NAMES = ("lan", "national", "intercontinental", "clinical")
"""Profiles that the suite brings along."""
LONGEST_NAME = 64
LARGEST_FILE = 65536
"""More bytes than any profile has."""


class ProfileError(ValueError):
    """A profile cannot be used; one line that names file, field and value."""


@dataclass(frozen=True)
class Range:
    """Range beyond which no link justifies a number.

    Attributes:
        low: Smallest value.
        high: Largest value.
        unit: SI unit, empty where there is none.
    """

    low: float
    high: float
    unit: str = ""


@dataclass(frozen=True)
class Ladder:
    """Ages at which something late has an effect, all [s], rising.

    Attributes:
        degrade: Motion slows.
        hold: Arms hold; the operator re-engages when the cause is gone.
        pause: Arms hold until the operator acts.
    """

    degrade: Annotated[float, Range(0.001, 30.0, "s")]
    hold: Annotated[float, Range(0.001, 30.0, "s")]
    pause: Annotated[float, Range(0.001, 30.0, "s")]

    def __post_init__(self) -> None:
        """Refuse a ladder that does not rise.

        Raises:
            ValueError: names the field and the values.
        """
        _check_numbers(self)
        _check_rising(self, "degrade", "hold", "pause")


@dataclass(frozen=True)
class TrackingLadder:
    """Distances of measured and commanded tool tip that have an effect, all [m], rising.

    Attributes:
        degrade: Motion slows.
        hold: Arms hold; the operator re-engages when the cause is gone.
        fault: Arms hold until a local reset.
    """

    degrade: Annotated[float, Range(0.0001, 0.05, "m")]
    hold: Annotated[float, Range(0.0001, 0.05, "m")]
    fault: Annotated[float, Range(0.0001, 0.05, "m")]

    def __post_init__(self) -> None:
        """Refuse a ladder that does not rise.

        Raises:
            ValueError: names the field and the values.
        """
        _check_numbers(self)
        _check_rising(self, "degrade", "hold", "fault")


@dataclass(frozen=True)
class Profile:
    """Limits of one kind of link.

    Attributes:
        name: What people call it.
        command_hold: Silence of the operator's commands that holds the arms [s].
        command_pause: Silence that needs the operator to go on [s].
        video_age: Since the newest frame of either eye was captured.
        command_age: Oldest hand sample that may still become a setpoint [s], on the clock of the patient side.
        round_trip: 95th percentile over 1 s of command to feedback and back.
        round_trip_pause_after: The round trip is beyond its pause for so long before the arms pause [s].
        jitter_degrade: Variation of the round trip over 1 s that slows the motion [s].
        jitter_hold: Variation that holds the arms [s].
        loss_degrade: Share of packets lost over 1 s that slows the motion.
        loss_hold: Share that holds the arms.
        tracking: Distance of measured and commanded tool tip.
        required_security: Lowest level of security with which a node may start: none or mac.
        recorder_required: The arms may move only while the session is recorded.
    """

    name: str
    command_hold: Annotated[float, Range(0.02, 0.5, "s")]
    command_pause: Annotated[float, Range(0.02, 10.0, "s")]
    video_age: Ladder
    command_age: Annotated[float, Range(0.02, 1.0, "s")]
    round_trip: Ladder
    round_trip_pause_after: Annotated[float, Range(0.1, 30.0, "s")]
    jitter_degrade: Annotated[float, Range(0.001, 1.0, "s")]
    jitter_hold: Annotated[float, Range(0.001, 1.0, "s")]
    loss_degrade: Annotated[float, Range(0.0001, 0.9)]
    loss_hold: Annotated[float, Range(0.0001, 0.9)]
    tracking: TrackingLadder
    required_security: str
    recorder_required: bool

    def __post_init__(self) -> None:
        """Refuse limits that do not rise, numbers that no link justifies, and words that mean nothing.

        Raises:
            ValueError: names the field and the value.
        """
        if not (isinstance(self.name, str) and self.name.isprintable() and 1 <= len(self.name) <= LONGEST_NAME):
            raise ValueError(f"name: {self.name!r} is not a name of 1 to {LONGEST_NAME} printable characters")
        _check_numbers(self)
        for lower, upper in (
            ("command_hold", "command_pause"),
            ("jitter_degrade", "jitter_hold"),
            ("loss_degrade", "loss_hold"),
        ):
            _check_rising(self, lower, upper)
        if self.required_security not in SECURITY_LEVELS:
            raise ValueError(
                f"required_security: {self.required_security!r} is not one of {', '.join(SECURITY_LEVELS)}"
            )
        if not isinstance(self.recorder_required, bool):
            raise ValueError(f"recorder_required: {self.recorder_required!r} is neither true nor false")


_LADDERS: dict[str, type[Ladder] | type[TrackingLadder]] = {
    "video_age": Ladder,
    "round_trip": Ladder,
    "tracking": TrackingLadder,
}


def parse_profile(mapping: object, source: str) -> Profile:
    """Make a profile from what a file holds.

    Args:
        mapping: Value by field name; the ladders are mappings themselves. Every field, and no others.
        source: Where it comes from, for errors.

    Raises:
        ProfileError: one line that names source, field and value.
    """
    try:
        values = _values_of(mapping, Profile, "")
        for name, kind in _LADDERS.items():
            values[name] = _ladder(values[name], kind, name)
        return Profile(**values)
    except ValueError as error:
        raise ProfileError(f"{source}: {error}") from error


def read_profile(path: Path) -> Profile:
    """Read a profile from a YAML file.

    Raises:
        ProfileError: one line that names file, field and value.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror or error}") from error
    if len(content) > LARGEST_FILE:
        raise ProfileError(f"{path}: larger than {LARGEST_FILE} bytes, so it is no profile")
    try:
        mapping = yaml.load(content, _PlainLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ProfileError(f"{path}: {_one_line(error)}") from error
    return parse_profile(mapping, str(path))


class _PlainLoader(yaml.SafeLoader):
    """Refuses what the standard loader takes in silence: a key that stands twice, and aliases, which can be endless."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            alias = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.constructor.ConstructorError(
                None, None, f"alias *{alias.anchor}: write it out", alias.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, value in node.value:
            text = str(key.value)
            if text in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{text}: stands twice, again with {value.value!r}", key.start_mark
                )
            seen.add(text)
        return super().construct_mapping(node, deep)


def _values_of(mapping: object, kind: type[Any], within: str) -> dict[str, Any]:
    """The mapping, if it holds exactly the fields of this kind."""
    where = f"{within}: " if within else ""
    if not isinstance(mapping, Mapping):
        raise ValueError(f"{where}{_shown(mapping)} is not a mapping of field to value")
    names = [item.name for item in fields(kind)]
    for key, value in mapping.items():
        if key not in names:
            raise ValueError(f"{_path(within, key)}: unknown field with value {_shown(value)}")
    for name in names:
        if name not in mapping:
            raise ValueError(f"{_path(within, name)}: missing")
    return dict(mapping)


def _ladder(value: object, kind: type[Ladder] | type[TrackingLadder], name: str) -> Ladder | TrackingLadder:
    """One ladder; errors name its fields in full."""
    steps = _values_of(value, kind, name)
    try:
        return kind(**steps)
    except ValueError as error:
        raise ValueError(f"{name}.{error}") from error


def _check_numbers(owner: Any) -> None:
    """Refuse what is not a number within its range."""
    for name, hint in get_type_hints(type(owner), include_extras=True).items():
        for allowed in getattr(hint, "__metadata__", ()):
            _check_number(name, getattr(owner, name), allowed)


def _check_number(name: str, value: object, allowed: Range) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name}: {_shown(value)} is not a number")
    if not allowed.low <= value <= allowed.high:
        raise ValueError(
            f"{name}: {_shown(value)} is not within {allowed.low} to {allowed.high} {allowed.unit}".strip()
        )


def _check_rising(owner: Any, *names: str) -> None:
    """Refuse steps of which a later one is smaller."""
    for before, after in itertools.pairwise(names):
        lower, upper = getattr(owner, before), getattr(owner, after)
        if not lower <= upper:
            raise ValueError(f"{after}: {upper} is below {before}: {lower}; the limits must rise")


def _path(within: str, key: object) -> str:
    name = key if isinstance(key, str) and key.isprintable() else repr(key)
    return f"{within}.{name}" if within else str(name)


def _shown(value: object) -> str:
    """The value in one line that is not too long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer with thousands of digits
        text = "a number with too many digits"
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}..."


def _one_line(error: Exception) -> str:
    """What is wrong with the text of a file, and where."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem or error.context}"
    return " ".join(str(error).split()) or type(error).__name__
