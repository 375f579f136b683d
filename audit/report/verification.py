"""Whether the record is what was written, in the words of the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audit.finding import Finding
from audit.progress import Told
from audit.report.words import count, lasting
from audit.verify import Anchors, verify

MOST_PROBLEMS = 10


@dataclass(frozen=True)
class Verification:
    """The result of verifying a record.

    Attributes:
        verdict: "sound", "open" or "damaged": chooses colour and sign.
        title: A few words.
        sentences: What was checked, found and not found, first bad place first.
    """

    verdict: str
    title: str
    sentences: tuple[str, ...]


def verification_of(folder: Path, anchors: Anchors) -> Verification:
    """Verify the record in a folder.

    Raises:
        KeyFileError: a trusted key cannot be read.
        OSError: the witness cannot be read.
    """
    return in_words(verify(folder, anchors, Told("verifying the bags")))


def in_words(finding: Finding) -> Verification:
    """What a verification found, for the head of the page."""
    if not finding.records:
        return Verification("damaged", "Cannot be verified", ("There is no audit log in this folder.",))
    sentences = [f"First bad place: {finding.problems[0]}."] if finding.problems else []
    further = finding.problems[1:MOST_PROBLEMS]
    sentences += [f"Also: {problem}." for problem in further]
    if len(finding.problems) > MOST_PROBLEMS:
        sentences.append(f"And {count(len(finding.problems) - MOST_PROBLEMS, 'further problem')}.")
    if finding.truncated:
        tail = f"; the last {lasting(finding.unsigned_tail_s)} are not signed" if finding.unsigned_tail_s > 0.0 else ""
        sentences.append(f"The record has no signed end{tail}.")
    sentences.append(
        f"Checked: {count(finding.records, 'record')} of the audit log in {count(finding.segments, 'file')},"
        f" {count(finding.bags, 'bag file')}, every signature and hash."
    )
    if finding.vouched_by:
        sentences.append(f"Vouched for from outside this folder by {', '.join(finding.vouched_by)}.")
    else:
        sentences.append(
            "Nobody outside this folder vouches for its key: who could write to the folder could have written all of it"
            " anew. A trusted public key, the other site's record, or a root noted at the console would settle it."
        )
    sentences += [
        f"Redacted by {item['who']} ({item['why']}): {item['what']}; {item['vouched_by']}." for item in finding.redacted
    ]
    sentences += [
        f"The clock jumped by {step['step_s']:.3f} s at record {step['n']} of {step['chain']}."
        for step in finding.clock_steps
    ]
    sentences += [f"{note.rstrip('.')}." for note in finding.notes]
    return Verification(*_verdict(finding), tuple(sentences))


def _verdict(finding: Finding) -> tuple[str, str]:
    if not finding.intact:
        return "damaged", "Not as it was recorded"
    if not finding.ok:
        return "open", "What is there is as it was recorded, but the end is missing"
    if not finding.vouched_by:
        return "open", "Complete and consistent, but vouched for by nobody outside this folder"
    return "sound", "Complete, and as it was recorded"
