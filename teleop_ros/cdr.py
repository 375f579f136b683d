"""Reading and writing messages as they are on the wire, many times as fast as the client library does.

rclpy turns a received message into a message of C, and that into objects of Python with a check in every setter. A
packet with two hands spends most of its time in a node there. Here a reader is compiled once for each message type. It
takes the bytes apart by `struct` and gives tuples with the names of the message's fields. A writer does the reverse.

The encoding is the plain CDR of DDS (OMG DDSI-RTPS 2.5, section 10; OMG CORBA 3.3 part 2, section 9.3): every number
lies at a multiple of its size from the beginning, texts have their length with the final zero before them, lists their
count. A test compares with rclpy for every message of the contract.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections import namedtuple
from collections.abc import Callable
from struct import Struct, error, unpack_from
from typing import Any

from rclpy.serialization import deserialize_message

PLAIN_LITTLE_ENDIAN = b"\x00\x01\x00\x00"
"""What stands before the content where it is encoded as here: what ROS sends on today's machines."""

_NUMBERS = {
    "boolean": "?",
    "octet": "c",
    "char": "B",
    "uint8": "B",
    "int8": "b",
    "uint16": "H",
    "int16": "h",
    "uint32": "I",
    "int32": "i",
    "uint64": "Q",
    "int64": "q",
    "float": "f",
    "double": "d",
}
_LIST = re.compile(r"(?:sequence<(?P<sequence>[^,]+)(?:, (?P<bound>\d+))?>|(?P<array>[^\[]+)\[(?P<size>\d+)\])$")
_UINT32 = Struct("<I")
_PADDING = tuple(b"\0" * (-place % 4) for place in range(4))


class MessageError(ValueError):
    """The bytes are no message of the type; the text says which type."""


def reader(message_class: type[Any]) -> Callable[[bytes], Any]:
    """Reader of a message type: serialized message -> named tuple (lists are tuples, lists of bytes are bytes).

    Args:
        message_class: Class of the message.

    Returns:
        A function that raises MessageError for bytes that are not one.
    """
    read = _reader(message_class)
    name = message_class.__name__

    def read_all(data: bytes) -> Any:
        if data[:4] != PLAIN_LITTLE_ENDIAN:
            try:
                return deserialize_message(data, message_class)  # of another machine: not fast, but right
            except Exception as problem:  # rclpy has a private one
                raise MessageError(f"{name}: {problem}") from problem
        try:
            message, end = read(data[4:], 0)
        except error as problem:
            raise MessageError(f"{name}: {problem}") from problem
        if end > len(data) - 4:
            raise MessageError(f"{name}: it ends after {len(data)} bytes")
        return message

    return read_all


def writer(message_class: type[Any]) -> Callable[[Any], bytes]:
    """Writer of a message type: message -> serialized message, which `publish` takes as it is.

    Raises (the function does): struct.error where a value does not fit its field.
    """
    write = _writer(message_class)

    def write_all(message: Any) -> bytes:
        out = bytearray()
        write(out, message)
        return PLAIN_LITTLE_ENDIAN + out

    return write_all


@functools.cache
def plain(message_class: type[Any]) -> Any:
    """Named tuple of a message type, as a reader gives it: for messages that are made to be written."""
    return namedtuple(message_class.__name__, message_class.get_fields_and_field_types())


class _Function:
    """A function in the making: its lines, the names it uses, and the run of numbers that is being collected.

    Numbers that follow each other are one `struct`, of which there are eight: one for each place modulo eight at which
    it may begin.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {
            "UINT32": _UINT32,
            "PADDING": _PADDING,
            "unpack_from": unpack_from,
            "TooMany": error,
        }
        self.run: list[tuple[str, str]] = []
        self._count = 0

    def name(self, value: Any = None) -> str:
        """A new name, for a value that is known now or for a variable."""
        self._count += 1
        made = f"_{self._count}"
        if value is not None:
            self.names[made] = value
        return made

    def add(self, *lines: str) -> None:
        self.lines += [f"    {line}" for line in lines]

    def made(self, head: str, last: str) -> Any:
        source = "\n".join((f"def function({head}):", *self.lines, f"    {last}"))
        exec(compile(source, "<message>", "exec"), self.names)
        return self.names["function"]


@functools.cache
def _reader(message_class: type[Any]) -> Callable[[bytes, int], tuple[Any, int]]:
    function = _Function()
    result = _read_message(function, message_class)
    _end_read_run(function)
    if not function.lines:
        function.add("at += 1")  # a message without fields is one byte, as C knows no empty structure
    made: Callable[[bytes, int], tuple[Any, int]] = function.made("data, at", f"return {result}, at")
    return made


def _read_message(function: _Function, message_class: type[Any]) -> str:
    """Lines that read a message; returns the expression that makes it of what they have read."""
    kinds = message_class.get_fields_and_field_types().values()
    made = function.name(plain(message_class))
    return f"{made}({', '.join(_read_field(function, kind) for kind in kinds)})"


def _read_field(function: _Function, kind: str) -> str:
    if kind in _NUMBERS:
        function.run.append((kind, made := function.name()))
        return made
    found = _LIST.match(kind)
    if found is None and not kind.startswith("string"):
        return _read_message(function, _class(kind))
    _end_read_run(function)
    if found is None:
        return _read_text(function)
    if found["array"]:
        return _read_list(function, found["array"], found["size"])
    count = function.name()
    function.add("at = at + 3 & -4", f"{count} = UINT32.unpack_from(data, at)[0]", "at += 4")
    if found["bound"]:
        function.add(f"if {count} > {found['bound']}: raise TooMany(f'a list of {{{count}}}')")
    return _read_list(function, found["sequence"], count)


def _read_text(function: _Function) -> str:
    text = function.name()
    function.add(
        "at = at + 3 & -4",
        "end = at + 4 + UINT32.unpack_from(data, at)[0]",
        f"{text} = data[at + 4:end - 1].decode(errors='replace')",
        "at = end",
    )
    return text


def _read_list(function: _Function, kind: str, count: str) -> str:
    values = function.name()
    if kind in ("uint8", "char"):
        function.add(f"{values} = data[at:at + {count}]", f"at += {count}")
    elif kind in _NUMBERS:
        size = Struct("<" + _NUMBERS[kind]).size
        function.add(
            f"at = at + {size - 1} & -{size} if {count} else at",
            f"{values} = unpack_from(f'<{{{count}}}{_NUMBERS[kind]}', data, at)",
            f"at += {size} * {count}",
        )
    else:
        read = function.name(_text_reader() if kind.startswith("string") else _reader(_class(kind)))
        one = function.name()
        function.add(
            f"{values} = []",
            f"for _ in range({count}):",
            f"    {one}, at = {read}(data, at)",
            f"    {values}.append({one})",
        )
        return f"tuple({values})"
    return values


@functools.cache
def _text_reader() -> Callable[[bytes, int], tuple[str, int]]:
    function = _Function()
    text = _read_text(function)
    made: Callable[[bytes, int], tuple[str, int]] = function.made("data, at", f"return {text}, at")
    return made


def _end_read_run(function: _Function) -> None:
    if function.run:
        layouts = function.name(_layouts([kind for kind, _ in function.run]))
        names = ", ".join(name for _, name in function.run)
        function.add(f"layout = {layouts}[at & 7]", f"{names}, = layout.unpack_from(data, at)", "at += layout.size")
        function.run.clear()


@functools.cache
def _writer(message_class: type[Any]) -> Callable[[bytearray, Any], None]:
    function = _Function()
    _write_message(function, message_class, "message")
    _end_write_run(function)
    if not function.lines:
        function.add("out += b'\\0'")
    made: Callable[[bytearray, Any], None] = function.made("out, message", "return")
    return made


def _write_message(function: _Function, message_class: type[Any], value: str) -> None:
    for field, kind in message_class.get_fields_and_field_types().items():
        _write_field(function, kind, f"{value}.{field}")


def _write_field(function: _Function, kind: str, value: str) -> None:
    if kind in _NUMBERS:
        function.run.append((kind, value))
        return
    found = _LIST.match(kind)
    if found is None and not kind.startswith("string"):
        _write_message(function, _class(kind), value)
        return
    _end_write_run(function)
    if found is None:
        _write_text(function, value)
        return
    items = function.name()
    function.add(f"{items} = {value}")
    if not found["array"]:
        function.add("out += PADDING[len(out) & 3]", f"out += UINT32.pack(len({items}))")
    _write_list(function, found["array"] or found["sequence"], items)


def _write_text(function: _Function, value: str) -> None:
    function.add(
        f"text = {value}.encode()",
        "out += PADDING[len(out) & 3] + UINT32.pack(len(text) + 1) + text + b'\\0'",
    )


def _write_list(function: _Function, kind: str, items: str) -> None:
    if kind in ("uint8", "char"):
        function.add(f"out += bytes({items})")
    elif kind in _NUMBERS:
        size = Struct("<" + _NUMBERS[kind]).size
        pack = function.name(_pack_numbers(_NUMBERS[kind], size))
        function.add(f"out += {pack}(len(out), {items})")
    elif kind.startswith("string"):
        function.add(f"for item in {items}:")
        function.add(
            "    text = item.encode()",
            "    out += PADDING[len(out) & 3] + UINT32.pack(len(text) + 1) + text + b'\\0'",
        )
    else:
        write = function.name(_writer(_class(kind)))
        function.add(f"for item in {items}:", f"    {write}(out, item)")


def _pack_numbers(letter: str, size: int) -> Callable[[int, Any], bytes]:
    @functools.cache
    def layout(padding: int, count: int) -> Struct:
        return Struct(f"<{padding}x{count}{letter}")

    def pack(place: int, items: Any) -> bytes:
        return layout(-place % size, len(items)).pack(*items) if len(items) else b""

    return pack


def _end_write_run(function: _Function) -> None:
    if function.run:
        layouts = function.name(_layouts([kind for kind, _ in function.run]))
        values = ", ".join(value for _, value in function.run)
        function.add(f"out += {layouts}[len(out) & 7].pack({values})")
        function.run.clear()


def _layouts(kinds: list[str]) -> tuple[Struct, ...]:
    """Layout of numbers that follow each other, for each place modulo eight at which they may begin."""
    return tuple(_layout(kinds, begin) for begin in range(8))


def _layout(kinds: list[str], begin: int) -> Struct:
    letters, place = "<", begin
    for kind in kinds:
        size = Struct("<" + _NUMBERS[kind]).size
        padding = -place % size
        letters += "x" * padding + _NUMBERS[kind]
        place += padding + size
    return Struct(letters)


@functools.cache
def _class(kind: str) -> type[Any]:
    package, _, name = kind.partition("/")
    found: type[Any] = getattr(importlib.import_module(f"{package}.msg"), name)
    return found
