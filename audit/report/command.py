"""telesurgery audit report: one HTML file about a session."""

from __future__ import annotations

import argparse
from pathlib import Path

from audit.anchors import add_anchor_arguments, anchors_of
from audit.outcome import BAD_ARGUMENTS, DONE, EXIT_CODES, NOT_WRITTEN, refuse, write_whole
from audit.report.page import render
from audit.report.verification import verification_of
from audit.series.bag import SessionError
from audit.series.read import read_session
from teleop_core.authentication import KeyFileError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.epilog = EXIT_CODES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of a recorded session")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write there (default: ./<session>.html)")
    parser.add_argument(
        "--namespace", metavar="NAME", help="ROS namespace to read (default: the one with most messages)"
    )
    add_anchor_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the report of a session; a record that was altered is reported as such, and read all the same.

    Returns:
        Exit code, see EXIT_CODES.
    """
    try:
        session = read_session(arguments.folder, arguments.namespace)
        verification = verification_of(arguments.folder, anchors_of(arguments))
    except (SessionError, KeyFileError) as error:
        return refuse(str(error), BAD_ARGUMENTS)
    except OSError as error:
        return refuse(f"{error.filename or arguments.folder}: cannot be read: {error.strerror or error}", BAD_ARGUMENTS)
    out = arguments.out or Path(f"{arguments.folder.resolve().name}.html")
    try:
        write_whole(out, render(session, verification).encode("utf-8", errors="replace"))
    except OSError as error:
        return refuse(f"{out}: cannot be written: {error.strerror or error}", NOT_WRITTEN)
    print(f"{out}: {verification.title[0].lower()}{verification.title[1:]}")
    for line in session.damage:
        print(f"not read: {line}")
    return DONE
