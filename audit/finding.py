"""What a verification found: the verdict, the first bad place, and what is known of completeness."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

ALTERED = "altered"
"""Something is not as it was recorded."""
UNFINISHED = "unfinished"
"""Behind this place nothing is vouched for: the record was cut off there, or its recorder was."""


@dataclass(frozen=True)
class Problem:
    """A place of a record that is not as it should be.

    Attributes:
        kind: ALTERED or UNFINISHED.
        file: Name relative to the folder.
        why: What is wrong, in words.
        line: Line of the file, from 1; None where it is no line.
        n: Number of the record; None where it is none.
        bytes: First byte and the one behind the last; None where it is not known better than by the file.
    """

    kind: str
    file: str
    why: str
    line: int | None = None
    n: int | None = None
    bytes: tuple[int, int] | None = None

    def __str__(self) -> str:
        """Place and reason in one line."""
        places = [self.file]
        if self.line is not None:
            places.append(f"line {self.line}")
        if self.n is not None:
            places.append(f"record {self.n}")
        if self.bytes is not None:
            places.append(f"bytes {self.bytes[0]} to {self.bytes[1]}")
        return f"{', '.join(places)}: {self.why}"


@dataclass
class Finding:
    """What a verification found.

    Attributes:
        records: Valid records, of all chains, up to the first problem of each.
        segments: Files of the audit log.
        bags: MCAP files.
        problems: In the order in which they count; the first is the first bad place.
        truncated: The end is missing: no signed end, or somebody outside saw more.
        gaps: What the record itself tells that it lost.
        messages: By topic: recorded, lost (by the publishers' numbers; exact for one publisher at a time), told (of
            these, in gaps), publishers (at once or one after the other).
        unsigned_tail_s: Time between the last checkpoint and the last record [s]; 0 for a session that was ended.
        key: Fingerprint of the key that is in the folder.
        vouched_by: Who outside the folder vouches for it; empty: nobody.
        redacted: What was taken out later: who, why, what, and who vouches for it.
        clock_steps: Where a wall clock jumped against the monotonic one.
        notes: What an auditor should know and is no problem.
    """

    records: int = 0
    segments: int = 0
    bags: int = 0
    problems: list[Problem] = field(default_factory=list)
    truncated: bool = False
    gaps: list[dict[str, Any]] = field(default_factory=list)
    messages: dict[str, dict[str, int]] = field(default_factory=dict)
    unsigned_tail_s: float = 0.0
    key: str = ""
    vouched_by: list[str] = field(default_factory=list)
    redacted: list[dict[str, Any]] = field(default_factory=list)
    clock_steps: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Everything is there, and as it was recorded."""
        return not self.problems

    @property
    def intact(self) -> bool:
        """What is there is as it was recorded; its end may be missing."""
        return all(problem.kind == UNFINISHED for problem in self.problems)

    def as_json(self) -> dict[str, Any]:
        """All of it, for JSON."""
        problems = [asdict(problem) for problem in self.problems]
        content = {key: value for key, value in asdict(self).items() if key != "problems"}
        return {
            "ok": self.ok,
            "intact": self.intact,
            "first_bad": problems[0] if problems else None,
            **content,
            "problems": problems,
        }

    def lines(self) -> list[str]:
        """All of it, for people, a few lines."""
        if self.ok:
            verdict = "ok: complete, and as it was recorded"
        elif self.intact:
            verdict = "not ok: what is there is as it was recorded, but the end is missing"
        else:
            verdict = "not ok: altered"
        said = [verdict]
        said += [f"  {problem.kind}: {problem}" for problem in self.problems]
        said.append(
            f"records {self.records}, segments {self.segments}, bags {self.bags}, key {self.key[:16] or 'none'}"
        )
        said.append(f"vouched for by {', '.join(self.vouched_by) or 'nobody outside this folder'}")
        lost = {topic: count for topic, count in self.messages.items() if count["lost"]}
        said.append(f"messages of {len(self.messages)} topics, lost on {len(lost)}")
        said += [f"  {topic}: {count['recorded']} recorded, {count['lost']} lost" for topic, count in lost.items()]
        said += [
            f"redacted by {item['who']} ({item['why']}): {item['what']}; {item['vouched_by']}" for item in self.redacted
        ]
        said += [
            f"clock step of {step['step_s']:.3f} s at record {step['n']} of {step['chain']}"
            for step in self.clock_steps
        ]
        return [printable(line) for line in said + self.notes]


def printable(text: str) -> str:
    """A text from a record for the terminal: what could move the cursor, or begin a line, is written out."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
