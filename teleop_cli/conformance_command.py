"""telesurgery conformance: the CRTK conformance check of any arm on the network."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from conformance.check import Check, Kind
from conformance.checks import BY_NAME, CHECKS, LEAST_RATE
from conformance.report import Report, as_json, show
from conformance.run import check_arm, discover, not_allowed
from teleop_cli.operate import ANSWER_LIMIT, domains, with_place

if TYPE_CHECKING:
    from rclpy.node import Node

    from conformance.arm_node import ArmNode

PASSED, FAILED, USAGE = 0, 1, 2
PLAN = """\
{arms}: about {minutes:.0f} min of small motions near to where each arm is now:
  - state commands: enable, disable, pause, resume, also where they make no sense{unhome};
  - joints by up to 0.03 rad or 3 mm, once five times that; the tip by some millimetres; the jaw by 0.1 rad;
  - commands that make no sense (NaN, wrong sizes, a goal 10 m away): A ROBOT THAT DOES NOT CHECK MAY OBEY THEM.
    The arm is held at the first sign of it. Have a hand on the emergency stop, and nothing near the tool.
In the end each arm is where it was, in the state that it had. --no-motion only looks."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.epilog = "Exit code: 0 nothing failed, 1 a check failed, 2 wrong arguments or no such arm."
    parser.add_argument(
        "arms", nargs="*", metavar="ARM", help="its namespace: PSM1, /CRTK/psm1, ... (default: all found)"
    )
    parser.add_argument("--no-motion", action="store_true", help="only listen and ask services; command nothing")
    parser.add_argument("--yes", action="store_true", help="command and move without asking first")
    parser.add_argument(
        "--unhome", action="store_true", help="unhome the arm and home it again: a large motion on some robots"
    )
    parser.add_argument("--only", nargs="+", metavar="CHECK", default=(), help="make these checks only")
    parser.add_argument(
        "--min-rate", type=float, default=LEAST_RATE, metavar="HZ", help="least rate of streams (default: %(default)g)"
    )
    parser.add_argument(
        "--wait", type=float, default=10.0, metavar="S", help="look for an arm for so long (default: %(default)g s)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print JSON: arm, checks (name, ok, detail), passed, failed"
    )
    parser.add_argument("--list", action="store_true", help="print the table of checks and end")
    with_place(parser)
    parser.set_defaults(run=conformance)


def conformance(arguments: argparse.Namespace) -> int:
    """Check the arms.

    Returns:
        0 if nothing failed, 1 if a check failed, 2 for wrong arguments or where an arm is not found.
    """
    if arguments.list:
        return _list_checks()
    unknown = [name for name in arguments.only if name not in BY_NAME]
    if unknown:
        return _refused(f"there is no check {', '.join(unknown)}; --list shows them")
    for name, value in (("--min-rate", arguments.min_rate), ("--wait", arguments.wait)):
        if not 0.1 <= value <= 1000.0:
            return _refused(f"{name}: {value:g} is not between 0.1 and 1000")
    found = domains(arguments)
    if len(found) > 1:
        return _refused(f"sessions run in ROS domains {', '.join(map(str, found))}: choose one with --domain")
    chosen = [check for check in CHECKS if not arguments.only or check.name in arguments.only]
    return _in_domain(found[0], arguments, chosen)


def _in_domain(domain: int, arguments: argparse.Namespace, chosen: Sequence[Check]) -> int:
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    place = ["-r", f"__ns:=/{arguments.namespace.strip('/')}"] if arguments.namespace else []
    rclpy.init(
        args=["--ros-args", "--disable-external-lib-logs", *place],
        domain_id=domain,
        signal_handler_options=SignalHandlerOptions.NO,  # Ctrl-C must leave time to hold the arm
    )
    try:
        return _check_all(domain, arguments, chosen)
    finally:
        rclpy.try_shutdown()


def _check_all(domain: int, arguments: argparse.Namespace, chosen: Sequence[Check]) -> int:
    from conformance.arm_node import ArmNode

    arms = list(dict.fromkeys(arguments.arms)) or _all_arms(arguments.wait)
    if not arms:
        return _refused(f"no CRTK arm in ROS domain {domain} within {arguments.wait:g} s; {ADVICE}")
    commands = [check for check in chosen if check.kind is not Kind.LOOK]
    if commands and not arguments.no_motion and not arguments.yes and not _agreed(arms, arguments.unhome):
        return USAGE
    reports: list[Report] = []
    for name in arms:
        node = ArmNode(name)
        try:
            with _interrupts(node):
                graph = discover(node, arguments.wait)
                if graph is None:
                    return _refused(f"{name}: no such arm in ROS domain {domain} within {arguments.wait:g} s; {ADVICE}")
                allowed = [check for check in chosen if check.kind is Kind.LOOK] if arguments.no_motion else chosen
                tell = _progress(name, len(allowed))
                report = check_arm(node, graph, allowed, arguments.unhome, arguments.min_rate, tell)
            report.verdicts.update(not_allowed([check for check in chosen if check not in allowed]))
            reports.append(report)
        finally:
            node.destroy_node()
        if not arguments.json:
            show(report, Console())
    if arguments.json:
        print(json.dumps(as_json(reports), indent=1))
    return FAILED if any(report.failed for report in reports) else PASSED


ADVICE = (
    "`telesurgery demo` starts one here; for another: --domain or ROS_DOMAIN_ID, --namespace, "
    "ROS_AUTOMATIC_DISCOVERY_RANGE, a longer --wait"
)


def _all_arms(limit: float) -> list[str]:
    import time

    import rclpy

    from conformance.arm_node import arms_in

    node: Node = rclpy.create_node("telesurgery_conformance_search")
    end, found = time.monotonic() + limit, list[str]()
    try:
        while time.monotonic() < end:
            time.sleep(ANSWER_LIMIT / 3.0)
            newer = arms_in(node)
            if newer and newer == found:
                break
            found = newer
        return found
    finally:
        node.destroy_node()


@contextlib.contextmanager
def _interrupts(node: ArmNode) -> Iterator[None]:
    """Let SIGINT and SIGTERM end the check where it waits: raised in a call of rclpy they become a RuntimeError."""

    def note(_number: int, _frame: object) -> None:
        node.interrupted = True

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _agreed(arms: Sequence[str], unhome: bool) -> bool:
    extra = ", unhome and home (a large motion on some robots)" if unhome else "; home, where an arm is not homed"
    print(PLAN.format(arms=", ".join(arms), minutes=2.0 * len(arms), unhome=extra), file=sys.stderr)
    if not sys.stdin.isatty():
        _refused("nobody is there to agree to these motions: --yes, or --no-motion")
        return False
    print("Type yes to begin: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() == "yes":
        return True
    _refused("nothing was done")
    return False


def _progress(arm: str, count: int) -> Callable[[str], None]:
    """Tells which check is being made, on one line of a terminal."""
    done = 0

    def tell(name: str) -> None:
        nonlocal done
        done += 1
        if sys.stderr.isatty():
            print(f"\r\033[K{arm} {done}/{count} {name}", end="\r", file=sys.stderr, flush=True)

    return tell


def _list_checks() -> int:
    table = Table(show_lines=False)
    for title in ("check", "the contract says", "source", "how it is checked"):
        table.add_column(title, overflow="fold")
    for check in CHECKS:
        table.add_row(check.name, check.says, check.source, f"{check.how} ({check.kind.value})")
    Console().print(table)
    return PASSED


def _refused(text: str) -> int:
    print(f"telesurgery: {text}", file=sys.stderr)
    return USAGE
