"""What the operator saw at each stop: the pictures just before and just after it."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from audit.report.words import milliseconds
from audit.series.model import Frame, Session
from audit.series.pictures import picture
from audit.stops import Stop

MOST_STOPS = 12
"""Stops with pictures: more of them would make the file too large to send."""
FARTHEST = 5.0
"""A picture further from the stop than this says nothing about it [s]."""
_KINDS = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))


@dataclass(frozen=True)
class Still:
    """One picture on the page.

    Attributes:
        source: data: address; empty if there is no picture.
        caption: When it was, and of which eye.
    """

    source: str
    caption: str


@dataclass(frozen=True)
class StopStills:
    """The pictures of one stop."""

    number: int
    before: Still
    after: Still


def stills(session: Session, stops: list[Stop]) -> list[StopStills]:
    """Pictures of the first MOST_STOPS stops; none if no picture was recorded."""
    eye = next(iter(session.frames), None)
    if eye is None:
        return []
    found = []
    for stop in stops[:MOST_STOPS]:
        before = [f for f in session.frames[eye] if stop.withdrawn - FARTHEST <= f.time <= stop.withdrawn]
        after = [f for f in session.frames[eye] if stop.withdrawn < f.time <= stop.withdrawn + FARTHEST]
        found.append(
            StopStills(
                stop.number,
                _still(session, eye, before[-1] if before else None, stop, "before"),
                _still(session, eye, after[0] if after else None, stop, "after"),
            )
        )
    return found


def _still(session: Session, eye: str, frame: Frame | None, stop: Stop, when: str) -> Still:
    if frame is None:
        return Still("", f"no picture within {FARTHEST:g} s {when} the stop")
    data = picture(session, frame, eye)
    kind = next((kind for start, kind in _KINDS if data.startswith(start)), "")
    if not kind:
        return Still("", f"the picture {when} the stop cannot be read")
    caption = f"{eye} eye, {milliseconds(abs(frame.time - stop.withdrawn))} {when} the stop"
    return Still(f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}", caption)
