"""The definition of a message type with all it is made of, as MCAP's schema encoding `ros2msg` wants it, and its hash.

Read from the .msg files that every message package installs.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

SEPARATOR = "=" * 80
_BUILT_IN = frozenset(
    [
        "bool",
        "byte",
        "char",
        "float32",
        "float64",
        "int8",
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
        "string",
        "wstring",
    ]
)
_TYPE = re.compile(r"^\s*([A-Za-z][\w/]*)(?:<=\d+)?(?:\[[^\]]*\])?\s+[A-Za-z]")


class DefinitionError(RuntimeError):
    """The definition of a type is not installed; the text names it and says where it was looked for."""


def definition(interface: str) -> str:
    """Full text of a type, e.g. ``sensor_msgs/msg/JointState``, with the types it is made of.

    Raises:
        DefinitionError: one of them is not installed.
    """
    texts: dict[str, str] = {}
    _collect(interface, texts)
    main = texts.pop(interface)
    parts = [f"{SEPARATOR}\nMSG: {name.replace('/msg/', '/')}\n{text}" for name, text in texts.items()]
    return "\n".join([main, *parts])


def type_hash(interface: str) -> str:
    """Hash by which ROS tells versions of a type apart; empty where the package does not say."""
    try:
        described = json.loads(_read(interface, "json"))
        hashes = {row["type_name"]: row["hash_string"] for row in described["type_hashes"]}
        return str(hashes[interface])
    except (DefinitionError, ValueError, KeyError, TypeError):
        return ""


def _collect(interface: str, texts: dict[str, str]) -> None:
    if interface in texts:
        return
    texts[interface] = text = _read(interface, "msg")
    package = interface.split("/")[0]
    for line in text.splitlines():
        found = _TYPE.match(line)
        if found and found[1] not in _BUILT_IN:
            _collect(_full_name(found[1], package), texts)


def _full_name(name: str, package: str) -> str:
    if name == "Header":
        return "std_msgs/msg/Header"
    parts = name.split("/")
    return f"{parts[0] if len(parts) > 1 else package}/msg/{parts[-1]}"


def _read(interface: str, suffix: str) -> str:
    package, _, name = interface.split("/")
    prefixes = [Path(prefix) for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if prefix]
    places = [prefix / "share" / package / "msg" / f"{name}.{suffix}" for prefix in (*prefixes, Path(sys.prefix))]
    for place in places:
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise DefinitionError(f"{interface}: no definition at {', '.join(map(str, places))}; install {package}")
