"""What vouches for a record from outside its folder, on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from audit.verify import Anchors


def add_anchor_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument(
        "--key", type=Path, metavar="FILE", help="trusted public key that the record has to be signed with"
    )
    parser.add_argument(
        "--redactor", type=Path, metavar="FILE", action="append", default=[], help="public key of who may redact"
    )
    parser.add_argument("--witness", type=Path, metavar="DIR", help="record of the other site")
    parser.add_argument(
        "--root",
        type=_root,
        metavar="HEX",
        help="root of a checkpoint that was shown at the console; its first 16 digits, as a live status shows them, do",
    )


def _root(text: str) -> str:
    # An empty one would be taken for none, and the record for one that nobody was asked about.
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty")
    try:
        return Anchors(root=text.strip()).root
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def anchors_of(arguments: argparse.Namespace) -> Anchors:
    """What was given."""
    return Anchors(arguments.key, tuple(arguments.redactor), arguments.witness, arguments.root or "")
