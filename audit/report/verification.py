"""Whether the record is what was written, in the words of the page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verification:
    """The result of verifying a record.

    Attributes:
        verdict: "sound", "damaged" or "unknown": chooses colour and sign.
        title: A few words.
        sentences: What was checked, found and not found, first bad place first.
    """

    verdict: str
    title: str
    sentences: tuple[str, ...]
