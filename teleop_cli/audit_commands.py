"""telesurgery audit: what can be done with the record of a session, most of it on a machine without ROS."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import Any

EXIT_CODES = """\
exit codes of all of them:
  0    done, and all is well
  1    the record is bad, or decisions differ
  2    bad arguments, no folder of a session, or something is not installed
  4    an output could not be written

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
        parser.set_defaults(run=command.run)

    return fill
