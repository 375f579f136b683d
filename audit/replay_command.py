"""telesurgery audit replay: plays a session into ROS, with the keys of a terminal or a script."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from audit.bag_reading import Bag, open_bag
from audit.outcome import BAD_ARGUMENTS, refuse
from audit.replay_clock import FASTEST, SLOWEST, Player, ReplayClock
from audit.replay_names import DEFAULT_NAMESPACE, replay_namespace
from audit.replay_plan import BagSource, Replayed, plan

HELP = """\
keys (in a terminal): space pause and resume, s step, left and right 5 s back and forth, up and down faster and
slower, q quit. From a script: services /replay/pause, /replay/resume, /replay/step (std_srvs/Trigger);
with --namespace /b they are /b/replay/pause and so on, without one (--namespace "") /recorded/replay/pause, so that
several replays in one domain do not hear each other's.

Every topic is played as <namespace>/<topic>/recorded, which no node of the suite listens to: a replay moves no arm,
whatever the namespace. /replay/status (or /b/replay/status) says once a second that it is one, and so does the row
"replay: node" of /diagnostics.

`ros2 bag play` of the same bag publishes under the recorded names, commands and permits included: it can move an arm.
Use it only in a ROS domain in which no robot is, never beside a live session.

exit codes: 0 played or quit, 1 the recording is damaged, 2 bad arguments, no recording, or no ROS
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = HELP
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the session, or of its bag")
    parser.add_argument("--rate", type=float, default=1.0, metavar="R", help="times as fast (default: 1)")
    parser.add_argument("--start", type=float, default=0.0, metavar="S", help="begin there [s after the first message]")
    parser.add_argument("--duration", type=float, metavar="S", help="play this much of the session [s] (default: all)")
    parser.add_argument(
        "--topics",
        action="append",
        default=[],
        metavar="NAME",
        help="only these; * and ? stand for others, again for more",
    )
    parser.add_argument("--exclude", action="append", default=[], metavar="NAME", help="all but these, again for more")
    parser.add_argument("--namespace", default=DEFAULT_NAMESPACE, metavar="NAME", help="where (default: /replay)")
    parser.add_argument("--paused", action="store_true", help="begin paused")
    parser.add_argument("--step", type=float, default=0.1, metavar="S", help="length of a step [s of the session]")
    parser.add_argument("--delay", type=float, default=1.0, metavar="S", help="wait for listeners before it begins [s]")
    parser.add_argument("--domain", type=int, metavar="N", help="ROS domain (default: ROS_DOMAIN_ID, else 0)")


def run(arguments: argparse.Namespace) -> int:
    """Play.

    Returns:
        0 if it was played or quit, 1 for a damaged recording, 2 for arguments that cannot be used.
    """
    try:
        _check(arguments)
        bag = open_bag(arguments.folder)
        replayed = _replayed(bag, arguments)
    except (OSError, ValueError) as error:
        return refuse(str(error), BAD_ARGUMENTS)
    if bag.broken:
        print(f"telesurgery: {', '.join(bag.broken)} broke off and is played as far as it goes", file=sys.stderr)
    try:
        loop = importlib.import_module("audit.replay_loop")  # the only part that needs ROS
    except ModuleNotFoundError as error:
        return refuse(
            f"a replay plays into ROS 2, and {error.name} is not installed here: use a machine with ROS; "
            "the other audit commands need none",
            BAD_ARGUMENTS,
        )
    return int(loop.play(replayed, arguments.delay, arguments.step, arguments.paused, arguments.domain))


def _check(arguments: argparse.Namespace) -> None:
    """Refuse numbers that make no replay.

    Raises:
        ValueError: names the option and the value.
    """
    if not SLOWEST <= arguments.rate <= FASTEST:
        raise ValueError(f"--rate: {arguments.rate} is not within {SLOWEST:g} and {FASTEST:g}")
    for name, low, high in (("start", 0.0, 1e7), ("duration", 0.0, 1e7), ("step", 0.001, 60.0), ("delay", 0.0, 60.0)):
        value = getattr(arguments, name)
        if value is not None and not low <= value <= high:
            raise ValueError(f"--{name}: {value} is not within {low:g} and {high:g} s")
    if arguments.domain is not None and not 0 <= arguments.domain <= 232:
        raise ValueError(f"--domain: {arguments.domain} is not within 0 and 232")


def _replayed(bag: Bag, arguments: argparse.Namespace) -> Replayed:
    namespace = replay_namespace(arguments.namespace)
    topics = plan(bag, namespace, arguments.topics, arguments.exclude)
    length = (bag.end - bag.start) * 1e-9
    if not arguments.start <= length:
        raise ValueError(f"--start: {arguments.start} is beyond the end: the recording is {length:.1f} s long")
    end = bag.end
    if arguments.duration is not None:
        end = min(end, bag.start + round((arguments.start + arguments.duration) * 1e9))
    clock = ReplayClock(bag.start, end, arguments.rate)
    clock.move_to(0.0, bag.start + round(arguments.start * 1e9))
    folder = arguments.folder.resolve()
    name = folder.parent.name if folder.name == "bag" else folder.name
    return Replayed(name, topics, Player(BagSource(bag, topics), clock), namespace)
