"""The telesurgery command."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from typing import NoReturn

from teleop_cli.say import say

INTERRUPTED = 130


class OneLineParser(argparse.ArgumentParser):
    """Tells what is wrong with the arguments in one line, and where the help is."""

    def error(self, message: str) -> NoReturn:
        """End with exit code 2."""
        self.exit(2, f"telesurgery: {message.removeprefix('argument ')} ({self.prog} --help lists the options)\n")


def parser() -> argparse.ArgumentParser:
    """The command line of all subcommands."""
    from teleop_cli import demo, graph_table, keys, operate

    top = OneLineParser(
        prog="telesurgery",
        description="Teleoperated surgical robotics. Research software, not a medical device.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")

    added = add("demo", "operate the simulated robot on this machine")
    demo.add_arguments(added)
    added.set_defaults(run=demo.demo)
    operate.add_commands(add)
    added = add("keys", "make the keys for one session of surgery")
    keys.add_arguments(added)
    added.set_defaults(run=keys.keys)
    added = add("graph", "print the nodes and the streams between them")
    graph_table.add_arguments(added)
    added.set_defaults(run=graph_table.graph)
    return top


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
