"""telesurgery audit export: aligned series of a session as CSV and Parquet."""

from __future__ import annotations

import argparse
from pathlib import Path

from audit.bag_scan import BagError
from audit.export.columns import ExportError, columns, time_base
from audit.export.write import FORMATS, write_export
from audit.outcome import BAD_ARGUMENTS, DONE, EXIT_CODES, NOT_WRITTEN, misplaced, refuse
from audit.progress import Told
from audit.series.read import read_session
from audit.stops import stops

LONGEST = 1e11
"""Beyond what a time stamp of a bag can hold [s]."""
LOWEST_RATE, HIGHEST_RATE = 1.0, 1000.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.epilog = EXIT_CODES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of a recorded session")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write there (default: ./<session>.export)")
    parser.add_argument(
        "--rate", type=float, default=50.0, metavar="HZ", help="rows per second, 1 to 1000 (default: 50)"
    )
    parser.add_argument("--start", type=float, default=0.0, metavar="S", help="begin there [s after the first message]")
    parser.add_argument("--duration", type=float, metavar="S", help="so much of the series [s] (default: all)")
    parser.add_argument("--format", choices=(*FORMATS, "both"), default="both", help="of the series (default: both)")
    parser.add_argument(
        "--namespace", metavar="NAME", help="ROS namespace to read (default: the one with most messages)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Export a session.

    Returns:
        Exit code, see EXIT_CODES.
    """
    if not LOWEST_RATE <= arguments.rate <= HIGHEST_RATE:
        return refuse(f"--rate: {arguments.rate:g} is not within {LOWEST_RATE:g} to {HIGHEST_RATE:g} Hz", BAD_ARGUMENTS)
    for name in ("start", "duration"):
        value = getattr(arguments, name)
        if value is not None and not 0.0 <= value <= LONGEST:
            return refuse(f"--{name}: {value:g} is not within 0 to {LONGEST:g} s", BAD_ARGUMENTS)
    out = arguments.out or Path(f"{arguments.folder.resolve().name}.export")
    if wrong := misplaced(out):
        return refuse(wrong, BAD_ARGUMENTS)
    try:
        session = read_session(arguments.folder, arguments.namespace, Told(f"reading {arguments.folder.name}"))
        found = columns(session, time_base(session, arguments.rate, arguments.start, arguments.duration))
    except (BagError, ExportError) as error:
        return refuse(str(error), BAD_ARGUMENTS)
    formats = FORMATS if arguments.format == "both" else (arguments.format,)
    try:
        written = write_export(out, session, found, stops(session), arguments.rate, formats)
    except OSError as error:
        return refuse(f"{out}: cannot be written: {error.strerror or error}", NOT_WRITTEN)
    print(f"{len(found)} columns, {len(found[0].values)} rows: {', '.join(str(path) for path in written)}")
    for line in session.damage:
        print(f"not read: {line}")
    return DONE
