"""telesurgery audit report: one HTML file about a session."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from audit.anchors import add_anchor_arguments, anchors_of
from audit.bag_scan import BagError
from audit.outcome import BAD_ARGUMENTS, DONE, EXIT_CODES, NOT_WRITTEN, misplaced, refuse, write_whole
from audit.progress import Told
from audit.report.page import render
from audit.report.taken_out import session_without_bags
from audit.report.verification import verification_of
from audit.series.model import Session
from audit.series.read import read_session
from teleop_core.authentication import KeyFileError

HELP = f"""\
A record that was altered makes a page, too: the page says so first, and so does the line that is printed, but the exit
code is 0; `verify` is the command whose exit code tells. Of several sessions the highest exit code counts.

{EXIT_CODES}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.epilog = HELP
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "folders", type=Path, nargs="+", metavar="DIR", help="folders of recorded sessions, one page each"
    )
    parser.add_argument(
        "--out", type=Path, metavar="PATH",
        help="write this file, or into this folder if there are several sessions (default: ./<session>.html)",
    )  # fmt: skip
    parser.add_argument(
        "--namespace", metavar="NAME", help="ROS namespace to read (default: the one with most messages)"
    )
    add_anchor_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the report of each session; a record that was altered is reported as such, and read all the same.

    Returns:
        Exit code, see EXIT_CODES.
    """
    pages = [f"{folder.resolve().name}.html" for folder in arguments.folders]
    if len(pages) == 1:
        return _report(arguments.folders[0], arguments.out or Path(pages[0]), arguments)
    if wrong := _wrong_of_several(arguments, pages):
        return refuse(wrong, BAD_ARGUMENTS)
    into: Path = arguments.out or Path()
    return max(_report(folder, into / page, arguments) for folder, page in zip(arguments.folders, pages, strict=True))


def _wrong_of_several(arguments: argparse.Namespace, pages: list[str]) -> str:
    """Why several sessions cannot be reported in this way; empty if they can."""
    if arguments.witness or arguments.root:
        return "--witness and --root vouch for one session: give one DIR"
    page, times = Counter(pages).most_common(1)[0]
    if times > 1:
        return f"{times} of the sessions would be written as {page}: give one DIR, and --out FILE"
    if arguments.out and not arguments.out.is_dir():
        return f"--out: {arguments.out} is no folder; make it first: {len(pages)} sessions make {len(pages)} pages"
    return ""


def _report(folder: Path, out: Path, arguments: argparse.Namespace) -> int:
    if wrong := misplaced(out):
        return refuse(wrong, BAD_ARGUMENTS)
    try:
        session = _session(folder, arguments.namespace)
        verification = verification_of(folder, anchors_of(arguments))
    except (BagError, KeyFileError) as error:
        return refuse(str(error), BAD_ARGUMENTS)
    except OSError as error:
        return refuse(f"{error.filename or folder}: cannot be read: {error.strerror or error}", BAD_ARGUMENTS)
    try:
        write_whole(out, render(session, verification).encode("utf-8", errors="replace"))
    except OSError as error:
        return refuse(f"{out}: cannot be written: {error.strerror or error}", NOT_WRITTEN)
    print(f"{out}: {verification.title[0].lower()}{verification.title[1:]}")
    for line in session.damage:
        print(f"not read: {line}")
    return DONE


def _session(folder: Path, namespace: str | None) -> Session:
    try:
        return read_session(folder, namespace, Told(f"reading {folder.name}"))
    except BagError:
        left = session_without_bags(folder)
        if left is None:
            raise
        return left
