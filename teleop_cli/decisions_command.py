"""telesurgery audit decisions: decides a session again from its recorded inputs, and compares."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from audit.bag_reading import open_bag
from audit.bag_scan import BagError
from audit.outcome import BAD_ARGUMENTS, BAD_RECORD, CHECK_EXIT_CODES, DONE, is_session, no_session, refuse
from audit.reading import chains, lines
from safety_monitor.safety_log import CHAIN
from teleop_cli.decision_check import (
    SUPERVISOR,
    Comparison,
    Decisions,
    Told,
    compare_chain,
    compare_messages,
    supervisor_of,
    told_of_message,
)
from teleop_cli.say import say
from teleop_core.contract import STREAMS
from teleop_core.decision_replay import DecisionLogError, Replay, ReplayedCall, replay

LOG = "safety_monitor.decisions.jsonl"
TELL_EVERY = 2.0
"""[s]"""
HELP = f"""\
Three records of the same decisions are compared: the decision log (what the monitor knew at each step, and what it
decided), the permits that were published, as the bag has them, and the monitor's own chain of the audit log. That
nobody changed all three is shown by `verify`, with a key or a witness.

{CHECK_EXIT_CODES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = HELP
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the session")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Decide again, compare, tell.

    Returns:
        0 if every decision is reproduced, 1 if not, 2 if the folder is none of a session.
    """
    folder: Path = arguments.folder
    if not is_session(folder):
        return refuse(no_session(folder), BAD_ARGUMENTS)
    decisions, progress = Decisions(), _Progress()

    def take(call: ReplayedCall) -> None:
        decisions.take(call)
        progress.tell(call.line)

    error = ""
    found = Replay()
    try:
        found = replay(folder / LOG, {}, makers={SUPERVISOR: supervisor_of}, each=take)
    except (DecisionLogError, OSError) as damaged:
        error = f"{folder / LOG}: {damaged}"
    bag, chain = _bag(folder, decisions), _chain(folder, decisions)
    ok = not error and found.identical and not found.skipped and not bag.different and not chain.different
    if arguments.json:
        say(json.dumps(_as_json(ok, error, found, bag, chain), indent=1))
    else:
        _print(ok, error, found, bag, chain)
    return DONE if ok else BAD_RECORD


def _bag(folder: Path, decisions: Decisions) -> Comparison:
    """The published permits."""
    garbled: list[str] = []
    try:
        found = compare_messages(decisions.runs, _permits(folder, garbled))
    except (BagError, OSError) as error:
        found = Comparison()
        found.differs(str(error))
    for text in garbled:
        found.differs(text)
    return found


def _permits(folder: Path, garbled: list[str]) -> Iterator[tuple[int, int, Told]]:
    """Session, number and content of each permit; what is none is told in `garbled`."""
    from mcap.records import Schema
    from mcap_ros2.decoder import DecoderFactory

    bag = open_bag(folder)
    row = STREAMS["safety_state"]
    names = {name for name, topic in bag.topics.items() if topic.type == row.type and f"/{name}".endswith(row.topic)}
    if not names:
        raise BagError(f"{folder}: the bag holds no {row.topic}")
    factory = DecoderFactory()
    decoders = {
        name: factory.decoder_for("cdr", Schema(number, bag.topics[name].definition.encode(), "ros2msg", row.type))
        for number, name in enumerate(sorted(names), start=1)
    }
    for item in bag.since(0, names):
        decode = decoders[item.topic]
        try:
            message: Any = decode(item.data) if decode else None
            permit = int(message.session), int(message.permit_sequence), told_of_message(message)
        except Exception as error:  # rubbish can make the decoder raise anything
            why = f"{type(error).__name__}: {error}"
            garbled.append(f"the message of {item.topic} that arrived at {item.time} ns cannot be decoded: {why}")
            continue
        yield permit


def _chain(folder: Path, decisions: Decisions) -> Comparison:
    """The monitor's chain."""
    try:
        segments = [
            [line.record for line in lines(path) if line.record is not None] for path in chains(folder).get(CHAIN, [])
        ]
    except OSError as error:
        missing = Comparison()
        missing.differs(str(error))
        return missing
    return compare_chain(decisions.runs, segments)


class _Progress:
    """A line every few seconds, for a long session."""

    def __init__(self) -> None:
        self._next = time.monotonic() + TELL_EVERY

    def tell(self, line: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + TELL_EVERY
            say(f"telesurgery: {line} decisions ...", sys.stderr)


def _as_json(ok: bool, error: str, found: Replay, bag: Comparison, chain: Comparison) -> dict[str, Any]:
    return {
        "ok": ok,
        "error": error,
        "decisions": {**asdict(found), "skipped": dict(found.skipped), "identical": found.identical},
        "bag": asdict(bag),
        "audit_log": asdict(chain),
    }


def _print(ok: bool, error: str, found: Replay, bag: Comparison, chain: Comparison) -> None:
    if error:
        say(error)
    say(f"decisions   {found.compared} made again in {found.starts} starts, {found.different} differ")
    if found.first_difference:
        say(f"            first: {found.first_difference}")
    if found.altered:
        say(f"            {found.altered} lines were altered: {found.first_altered}")
    if found.truncated:
        say(f"            {found.truncated} lines broke off, as where a process is killed")
    for name, count in found.skipped.items():
        say(f"            {count} decisions of {name}, which is not known here, were not made again")
    for title, other in (("bag", bag), ("audit log", chain)):
        say(f"{title:<11} {other.compared} compared, {other.different} differ")
        if other.first_difference:
            say(f"            first: {other.first_difference}")
        for note, count in other.notes.items():
            say(f"            {count}: {note}")
    say("every decision is reproduced" if ok else "NOT REPRODUCED")
