"""Which stream of the contract a recorded topic is, whatever namespace the session ran in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from teleop_core.contract import CAMERA_ARM, EYES, INSTRUMENT_ARMS, MASTERS, STREAMS

_PARTS = {"arm": (*INSTRUMENT_ARMS, CAMERA_ARM), "master": MASTERS, "eye": EYES}


def _pattern(topic: str) -> re.Pattern[str]:
    fixed = re.escape(topic.lstrip("/")).replace(r"\{", "{").replace(r"\}", "}")
    for part, names in _PARTS.items():
        fixed = fixed.replace(f"{{{part}}}", f"(?P<{part}>{'|'.join(names)})")
    return re.compile(rf"/?(?P<namespace>(?:[^/]+/)*?){fixed}")


_PATTERNS = [(name, _pattern(row.topic)) for name, row in STREAMS.items()]


@dataclass(frozen=True)
class StreamTopic:
    """A topic of the contract.

    Attributes:
        stream: Row of the contract.
        part: Arm, master or eye it belongs to; empty where it belongs to none.
        namespace: What stands before the relative topic, e.g. "/theatre2"; empty for none.
    """

    stream: str
    part: str
    namespace: str


@lru_cache(maxsize=1024)
def stream_of(topic: str) -> StreamTopic | None:
    """Stream of a full topic name; None for a topic that is not in the contract."""
    for name, pattern in _PATTERNS:
        found = pattern.fullmatch(topic)
        if found:
            groups = found.groupdict()
            part = next((groups[key] for key in _PARTS if groups.get(key)), "")
            namespace = groups["namespace"].strip("/")
            return StreamTopic(name, part, f"/{namespace}" if namespace else "")
    return None
