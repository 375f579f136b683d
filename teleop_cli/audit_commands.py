"""telesurgery audit: what can be done with the record of a session, most of it on a machine without ROS."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import Any

from audit.outcome import BAD_ARGUMENTS, refuse

EXIT_CODES = """\
exit codes:
  0    done; verify, decisions: and all is well. report, export and scores tell of a damaged record in what they write
  1    verify: the record is bad; decisions: they differ, or cannot be made again; replay: the recording is damaged
  2    all: bad arguments, no folder of a session, it cannot be looked at, or something is not installed
  4    report, export, scores: an output could not be written; redact: not all could be taken out

Only replay needs ROS. For the others: pip install '.[audit]'
"""
COMMANDS = (
    ("verify", "check that a record is complete and unchanged, and who vouches for it", "audit.verify_command"),
    ("replay", "play a session into ROS; it moves no arm", "audit.replay_command"),
    ("decisions", "decide everything again from the recorded inputs, and compare", "teleop_cli.decisions_command"),
    ("report", "write one HTML file that tells what happened", "audit.report.command"),
    ("export", "write aligned series as CSV or Parquet", "audit.export.command"),
    ("scores", "compare the figures of merit of many sessions", "audit.scores.command"),
    ("redact", "take payloads out of a record that stays verifiable", "audit.redact_command"),
)
"""Name, what it does, module with `add_arguments(parser)` and `run(arguments)`: imported for this command alone."""


def add_arguments(parser: argparse.ArgumentParser, lazy: type[Any]) -> None:
    """Describe the commands.

    Args:
        parser: Of `telesurgery audit`.
        lazy: Class of a parser that is filled in when it is used.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXIT_CODES
    commands = parser.add_subparsers(dest="audit_command", required=True, metavar="COMMAND", parser_class=lazy)
    for name, text, module in COMMANDS:
        described = text[0].upper() + text[1:] + "."
        commands.add_parser(name, help=text, description=described, fill=_filler(module))


def _filler(module: str) -> Callable[[argparse.ArgumentParser], None]:
    def fill(parser: argparse.ArgumentParser) -> None:
        try:
            command = import_module(module)
        except ModuleNotFoundError as error:
            parser.error(f"{error.name} is not installed here: pip install 'telesurgery[audit]'")
        command.add_arguments(parser)
        parser.set_defaults(run=_guarded(command.run))

    return fill


def _guarded(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """The command; a path that cannot even be looked at, wherever it is, is told in one line."""

    def guarded(arguments: argparse.Namespace) -> int:
        try:
            return run(arguments)
        except BrokenPipeError:
            raise
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            return refuse(f"{place}cannot be read: {error.strerror or error}", BAD_ARGUMENTS)

    return guarded
