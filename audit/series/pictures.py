"""Pictures of a recorded session: found again by their place, handed out as the JPEG that was recorded."""

from __future__ import annotations

import contextlib

from audit.series.model import Frame, Session
from audit.series.topics import stream_of


def picture(session: Session, frame: Frame, eye: str) -> bytes:
    """The compressed picture of a frame; empty if it cannot be read any more.

    Args:
        session: The session it is of.
        frame: Which one.
        eye: left or right.
    """
    with contextlib.suppress(OSError, StopIteration):
        for entry in session.bag.at(frame.place):
            found = stream_of(entry.topic)
            same = abs((entry.time - session.zero_ns) * 1e-9 - frame.time) < 1e-6
            if found is not None and (found.stream, found.part) == ("image", eye) and same:
                message = session.bag.decode(entry)
                return bytes(message.data) if message is not None else b""
    return b""
