"""The telesurgery command."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from teleop_cli.say import say

INTERRUPTED = 130


class OneLineParser(argparse.ArgumentParser):
    """Tells what is wrong with the arguments in one line, and where the help is."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.exit(2, f"telesurgery: {message.removeprefix('argument ')} ({self.prog} --help lists the options)\n")


class LazyParser(OneLineParser):
    """Parser of a subcommand that is described only when it is used: what the others need may not be installed."""

    def __init__(self, fill: Callable[[argparse.ArgumentParser], None], **words: Any) -> None:
        """`fill` adds the arguments."""
        super().__init__(**words)
        self._fill: Callable[[argparse.ArgumentParser], None] | None = fill

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Add the arguments first."""
        fill, self._fill = self._fill, None
        if fill is not None:
            fill(self)
        return super().parse_known_args(args, namespace)


def parser() -> argparse.ArgumentParser:
    """The command line of all subcommands."""
    from teleop_cli import audit_commands, graph_table, keys, operate

    top = OneLineParser(
        prog="telesurgery",
        description="Teleoperated surgical robotics. Research software, not a medical device.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_parser_of_a_command)

    def add(name: str, text: str, **words: Any) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = commands.add_parser(
            name, help=text, description=text[0].upper() + text[1:] + ".", **words
        )
        return made

    add("demo", "operate the simulated robot on this machine", fill=_fill_demo)
    operate.add_commands(add)
    added = add("keys", "make the keys for one session of surgery")
    keys.add_arguments(added)
    added.set_defaults(run=keys.keys)
    added = add("graph", "print the nodes and the streams between them")
    graph_table.add_arguments(added)
    added.set_defaults(run=graph_table.graph)
    add("conformance", "check any CRTK arm on the network for conformance", fill=_fill_conformance)
    audit_commands.add_arguments(add("audit", "verify, read and replay the record of a session"), LazyParser)
    return top


def _parser_of_a_command(**words: Any) -> argparse.ArgumentParser:
    return LazyParser(**words) if "fill" in words else OneLineParser(**words)


def _fill_demo(parser: argparse.ArgumentParser) -> None:
    from teleop_cli import demo

    demo.add_arguments(parser)
    parser.set_defaults(run=demo.demo)


def _fill_conformance(parser: argparse.ArgumentParser) -> None:
    from teleop_cli import conformance_command

    conformance_command.add_arguments(parser)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        Exit code; see the help of each subcommand.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no arrow shows a question mark
    try:
        chosen = parser().parse_args(arguments)
        return int(chosen.run(chosen))
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone; nothing is left to say
        return 1
    except KeyboardInterrupt:
        say("telesurgery: interrupted", sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
