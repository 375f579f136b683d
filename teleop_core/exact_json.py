"""Values of the core as JSON and back, without losing a bit or a type.

    None, bool, int, str, finite float    themselves
    float that is not finite              {"f": "nan" | "inf" | "-inf"}
    tuple                                 [...]
    list                                  {"l": [...]}
    dict                                  {"d": [[key, value], ...]}, in its order
    set, frozenset                        {"s": [...]}, {"z": [...]}, sorted by their text
    bytes                                 {"b": hexadecimal}
    member of an enum                     {"e": ["module:Class", name]}
    dataclass                             {"o": ["module:Class", [field, ...]]}
    numpy array or scalar                 {"a": [dtype, [shape], [value, ...]]}
    array of the standard library         {"r": [typecode, [value, ...]]}

A text names types, but never decides what is imported: only enums and dataclasses of the suite's own packages, or those
that the reader names, are made again.
"""

from __future__ import annotations

import importlib
import json
import math
from array import array
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from enum import Enum
from operator import attrgetter
from reprlib import repr as shown
from typing import Any

import numpy as np

SUITE_PACKAGES = (
    "teleop_core",
    "teleop_ros",
    "teleop_console",
    "robot_driver",
    "video_relay",
    "safety_monitor",
    "teleop_cli",
)
"""Packages whose enums and dataclasses may be read back."""
_ARRAY_KINDS = "fiub"

_Encoder = Callable[[Any], Any]


class ExactJsonError(ValueError):
    """A value that cannot be written, or a text that cannot be read; says which."""


def tree(value: Any) -> Any:
    """Value as what the json module writes: dict, list, str, int, finite float, bool, None.

    Raises:
        ExactJsonError: it holds something of a type that is not in the table above.
    """
    kind = type(value)
    encoder = _ENCODERS.get(kind)
    if encoder is None:
        encoder = _ENCODERS[kind] = _encoder_of(kind)
    return encoder(value)


def dumps(encoded: Any) -> str:
    """One line of JSON for what `tree` made; equal values give equal lines."""
    return _TO_TEXT(encoded)


class Reader:
    """Makes values from text again."""

    def __init__(self, types: Iterable[type] = ()) -> None:
        """`types`: enums and dataclasses that may be made besides those of the suite."""
        self._types = {_type_name(kind): kind for kind in types}

    def value(self, encoded: Any) -> Any:
        """Value of a decoded JSON text.

        Raises:
            ExactJsonError: the text holds no such value, or names a type that may not be made.
        """
        if not isinstance(encoded, (list, dict)):
            return encoded
        try:
            if isinstance(encoded, list):
                return tuple(map(self.value, encoded))
            ((tag, content),) = encoded.items()
            return _DECODERS[tag](self, content)
        except ExactJsonError:
            raise
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise ExactJsonError(f"not a value: {shown(encoded)[:80]} ({type(error).__name__}: {error})") from error

    def _type(self, name: str) -> Any:
        if name in self._types:
            return self._types[name]
        module_name, _, qualified = name.partition(":")
        if module_name.partition(".")[0] not in SUITE_PACKAGES:
            raise ExactJsonError(f"type {name} is not of the suite: name it to the reader")
        try:
            found: Any = importlib.import_module(module_name)
            for part in qualified.split("."):
                found = vars(found)[part]
        except (ImportError, KeyError, TypeError) as error:
            raise ExactJsonError(f"type {name} does not exist here") from error
        data_type = isinstance(found, type) and (issubclass(found, Enum) or is_dataclass(found))
        if not data_type or _type_name(found) != name:
            raise ExactJsonError(f"{name} is neither an enum nor a dataclass")
        self._types[name] = found
        return found

    def _member(self, content: Any) -> Any:
        kind, name = self._type(content[0]), content[1]
        if not issubclass(kind, Enum):
            raise ExactJsonError(f"{content[0]} is no enum")
        return kind[name]

    def _object(self, content: Any) -> Any:
        kind, values = self._type(content[0]), content[1]
        names = [item.name for item in fields(kind)] if is_dataclass(kind) else []
        if not names:
            raise ExactJsonError(f"{content[0]} is no dataclass with fields")
        if len(names) != len(values):
            raise ExactJsonError(f"{content[0]} has {len(names)} fields, the text has {len(values)}")
        # Not through the constructor: what was recorded may be something that it refuses.
        made: Any = object.__new__(kind)
        for name, value in zip(names, values, strict=True):
            object.__setattr__(made, name, self.value(value))
        return made

    def _array(self, content: Any) -> Any:
        dtype, shape, values = content
        kind = np.dtype(str(dtype))
        if kind.kind not in _ARRAY_KINDS:
            raise ExactJsonError(f"arrays of {dtype} are not read")
        made = np.array([self.value(value) for value in values], dtype=kind).reshape(shape)
        return made if shape else made[()]


def _type_name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _itself(value: Any) -> Any:
    return value


def _float(value: float) -> Any:
    return value if math.isfinite(value) else {"f": repr(value)}


def _tuple(value: tuple[Any, ...]) -> Any:
    return [tree(item) for item in value]


def _array_tree(value: Any) -> Any:
    if value.dtype.kind not in _ARRAY_KINDS:
        raise ExactJsonError(f"an array of {value.dtype} cannot be written")
    return {"a": [value.dtype.str, list(value.shape), [tree(item) for item in value.ravel().tolist()]]}


def _members(value: Any) -> list[Any]:
    return sorted((tree(item) for item in value), key=dumps)


def _encoder_of(kind: type) -> _Encoder:
    name = _type_name(kind)
    if issubclass(kind, Enum):
        return lambda value: {"e": [name, value.name]}
    if is_dataclass(kind):
        names = [item.name for item in fields(kind)]
        if len(names) < 2:  # attrgetter of one name gives the value itself
            return lambda value: {"o": [name, [tree(getattr(value, each)) for each in names]]}
        values = attrgetter(*names)
        return lambda value: {"o": [name, [tree(item) for item in values(value)]]}
    if issubclass(kind, (np.ndarray, np.generic)):
        return _array_tree
    raise ExactJsonError(f"a value of type {name} cannot be written")


_ENCODERS: dict[type, _Encoder] = {
    type(None): _itself,
    bool: _itself,
    int: _itself,
    str: _itself,
    float: _float,
    tuple: _tuple,
    list: lambda value: {"l": [tree(item) for item in value]},
    dict: lambda value: {"d": [[tree(key), tree(item)] for key, item in value.items()]},
    set: lambda value: {"s": _members(value)},
    frozenset: lambda value: {"z": _members(value)},
    bytes: lambda value: {"b": value.hex()},
    array: lambda value: {"r": [value.typecode, [tree(item) for item in value]]},
}
"""Encoder of each type seen so far."""
_DECODERS: dict[str, Callable[[Reader, Any], Any]] = {
    "f": lambda _reader, content: float(content),
    "l": lambda reader, content: [reader.value(item) for item in content],
    "d": lambda reader, content: {reader.value(key): reader.value(item) for key, item in content},
    "s": lambda reader, content: {reader.value(item) for item in content},
    "z": lambda reader, content: frozenset(reader.value(item) for item in content),
    "b": lambda _reader, content: bytes.fromhex(content),
    "e": Reader._member,
    "o": Reader._object,
    "a": Reader._array,
    "r": lambda reader, content: array(content[0], [reader.value(item) for item in content[1]]),
}
_TO_TEXT = json.JSONEncoder(allow_nan=False, separators=(",", ":"), check_circular=False).encode
