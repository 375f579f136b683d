"""telesurgery demo: the whole loop on this machine, from the hands to the simulated robot, under the watchdog."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teleop_cli.domain import NoFreeDomainError, claim, claim_free_domain, domain_from_environment
from teleop_cli.link_options import add_link_arguments, link_to_use
from teleop_cli.outputs import HandsError, OutputError, Outputs, hands_to_use
from teleop_cli.runner import PACKAGE, Runner, StartError, session_environment
from teleop_cli.say import say
from teleop_cli.stop import noted_signals
from teleop_core.contract import ARMS, DEFAULT_ARMS, instruments
from teleop_core.graph import BUILT_IN_SURGEON, CONSOLE, CONTROLS, ROBOT, SessionOptions, enclave, node_graph, site_of
from teleop_core.record_folder import RecordFolderError, records_root
from teleop_ros.new_record import new_record

if TYPE_CHECKING:
    from teleop_cli.recorder import SessionRecorder
    from teleop_cli.stop import Stop
    from teleop_cli.summary import Ending

CRASHED, BAD_ARGUMENTS, NOT_STARTED, NOT_WRITTEN = 1, 2, 3, 4
LARGEST_SEED = 2**63 - 1
"""A ROS parameter holds a 64-bit integer."""
PLAIN_WIDTH = 120
EXIT_CODES = """\
exit codes:
  0    healthy end: the duration is over, or Ctrl-C
  1    a node crashed, or the safety monitor ended in FAULT, PROTECTIVE_STOP or silence
  2    bad arguments; nothing was started
  3    start-up failed or was interrupted
  4    an output could not be written
  143  ended by SIGTERM
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of the demo."""
    parser.epilog = EXIT_CODES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--hands",
        default=BUILT_IN_SURGEON,
        metavar="FILE|surgeon|gamepad",
        help="recorded hands (JIGSAWS kinematics), the built-in surgeon (default), or a gamepad or 3D mouse",
    )
    parser.add_argument(
        "--duration", type=_seconds, metavar="S", help="measure for so long [s] (default: until Ctrl-C)"
    )
    parser.add_argument("--summary", type=Path, metavar="FILE", help="write the summary there, as JSON")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write summary, pictures and logs into this folder")
    parser.add_argument("--headless", action="store_true", help="no live screen, a line every few seconds instead")
    parser.add_argument(
        "--arms",
        nargs="+",
        default=list(DEFAULT_ARMS),
        choices=ARMS,
        metavar="ARM",
        help="arms of the session: those that the right hand (MTMR) and the left hand (MTML) drive, in this order, "
        "then a spare one; ECM for the camera arm (default: PSM1 PSM2)",
    )
    parser.add_argument(
        "--control",
        choices=CONTROLS,
        default=CONTROLS[0],
        help="who moves the arms: an operator at the console (default), or CRTK clients, with no console",
    )
    parser.add_argument("--seed", type=_seed, default=1, metavar="N", help="seed of the built-in surgeon (default: 1)")
    add_link_arguments(parser)
    parser.add_argument("--rate", type=float, default=200.0, metavar="HZ", help="operator commands, 50 to 500 Hz")
    record = parser.add_mutually_exclusive_group()
    record.add_argument(
        "--no-record", action="store_true", help="do not record the session; nothing can be proved later"
    )
    record.add_argument(
        "--records",
        type=Path,
        metavar="DIR",
        help="keep the session's record there (default: $TELESURGERY_RECORDS, or telesurgery/records in ~/.ros)",
    )
    parser.add_argument(
        "--console-records",
        type=Path,
        metavar="DIR",
        help="let the console's recorder run, too, and keep its record there, signed with its own key: each of the two "
        "records is the witness of the other (audit verify --witness)",
    )


def demo(arguments: argparse.Namespace) -> int:
    """Run the demo.

    Returns:
        Exit code, see EXIT_CODES.
    """
    try:
        options = _options(arguments)
        domain, holder = _choose_domain()
    except (HandsError, ValueError) as error:
        return _refuse(str(error), BAD_ARGUMENTS)
    except NoFreeDomainError as error:
        return _refuse(str(error), NOT_STARTED)
    with holder, noted_signals() as stop:
        outputs = Outputs(arguments.out, arguments.summary)
        code = _run(options, outputs, domain, stop, arguments)
        if not outputs.is_temporary:
            return code
        if code in (CRASHED, NOT_STARTED) and stop.signal is None:
            say(f"what the nodes said is kept in {outputs.folder}/log", sys.stderr)
        else:
            shutil.rmtree(outputs.folder, ignore_errors=True)
        return code


def _options(arguments: argparse.Namespace) -> SessionOptions:
    if len(set(arguments.arms)) != len(arguments.arms) or not instruments(arguments.arms):
        raise ValueError(f"--arms {' '.join(arguments.arms)}: give different arms, one of them a PSM")
    hands = hands_to_use(arguments.hands)
    profile, keys = link_to_use(arguments)
    _check_console_records(arguments, keys)
    try:
        return SessionOptions(
            profile=profile,
            keys=keys,
            hands=hands,
            arms=tuple(arguments.arms),
            command_rate=arguments.rate,
            seed=arguments.seed,
            record=not arguments.no_record,
            control=arguments.control,
        )
    except ValueError as error:
        raise ValueError(f"--rate: {error}") from error  # the other options have been seen to


def _check_console_records(arguments: argparse.Namespace, keys: str) -> None:
    """Two records signed with one key would not stand for two sites.

    Raises:
        ValueError: names the option and says what to do.
    """
    if arguments.console_records is None:
        return
    if arguments.no_record:
        raise ValueError("--console-records: there is nothing to witness with --no-record; leave out one of them")
    if keys:
        raise ValueError(
            "--console-records: with --keys both recorders would sign with the same record.key; leave out one of them"
        )
    robot_records = arguments.records or records_root()
    if arguments.console_records.resolve() == robot_records.resolve():
        raise ValueError(
            f"--console-records: the robot's records, and the key that signs them, are in {robot_records};"
            " give another folder"
        )


def _choose_domain() -> tuple[int, socket.socket]:
    wanted = domain_from_environment()
    if wanted is None:
        domain, holder, taken = claim_free_domain()
        if taken:
            say(f"in use: ROS domain {', '.join(map(str, taken))}; taking {domain}")
        return domain, holder
    claimed = claim(wanted)
    if claimed is None:
        raise NoFreeDomainError(f"another session runs in ROS domain {wanted}; stop it, or unset ROS_DOMAIN_ID")
    return wanted, claimed


def _run(options: SessionOptions, outputs: Outputs, domain: int, stop: Stop, arguments: argparse.Namespace) -> int:
    began = time.monotonic()
    try:
        outputs.prepare()
        if options.record:
            options = replace(options, record_folder=new_record(site_of(options.side), str(arguments.records or "")))
        if arguments.console_records is not None:
            folder = new_record(CONSOLE, str(arguments.console_records))
            options = replace(options, console_record_folder=folder)
    except (OutputError, RecordFolderError) as error:
        return _refuse(str(error), NOT_WRITTEN)
    os.environ.update(session_environment(domain))
    runner = Runner(node_graph(options), outputs.folder, os.environ)
    with _always_stopped(runner):
        try:
            runner.start()
            outputs.write_session(runner, domain)
        except (StartError, OSError) as error:
            return _refuse(f"start-up failed: {error}", NOT_STARTED)
        except OutputError as error:
            return _refuse(str(error), NOT_WRITTEN)
        say(f"ROS domain {domain}, session in {outputs.folder}")
        if options.record:
            for folder in filter(None, (options.record_folder, options.console_record_folder)):
                say(f"recording into {folder}")
        # The nodes load while this process does.
        from teleop_cli.recorder import SessionRecorder

        recorder = SessionRecorder(options.arms, created=began, console=options.control == "console")
        ending = _observe(runner, recorder, stop, arguments)
    folders = {ROBOT: options.record_folder, CONSOLE: options.console_record_folder}
    return _report(runner, recorder, ending, outputs, folders)


def _observe(runner: Runner, recorder: SessionRecorder, stop: Stop, arguments: argparse.Namespace) -> Ending:
    """Observe the session to its end and stop the nodes, whatever happens on the way."""
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    from teleop_cli.screen import Screen
    from teleop_cli.session import Session
    from teleop_cli.summary import Ending

    session = None
    own = ["--ros-args", "--enclave", enclave(PACKAGE), "--disable-external-lib-logs"]
    rclpy.init(args=own, signal_handler_options=SignalHandlerOptions.NO)
    try:
        with Screen(runner, recorder, plain=arguments.headless) as screen:
            session = Session(runner, recorder, stop, screen)
            ending = session.run(arguments.duration)
            screen.tell("stopping: the arms hold, then every node ends")
            session.stop_nodes()
    except Exception as error:  # the border of the session: the nodes are stopped and the summary written in any case
        ending = Ending(f"internal error, {type(error).__name__}: {error}", CRASHED)
        recorder.end(time.monotonic())
    finally:
        if session is not None:
            session.close()
        rclpy.try_shutdown()
    return ending


def _report(
    runner: Runner, recorder: SessionRecorder, ending: Ending, outputs: Outputs, records: Mapping[str, str]
) -> int:
    """Write the outputs, show the summary.

    Returns:
        Exit code of the command.
    """
    from rich.console import Console

    from teleop_cli.summary import Ending, summarise, write_json
    from teleop_cli.tables import summary_table

    now = time.monotonic()

    def make(*planned: Path) -> dict[str, Any]:
        code = NOT_WRITTEN if ending.code == 0 and outputs.problems else ending.code
        listed = [*outputs.written, *map(str, planned)]
        return summarise(
            recorder, Ending(ending.reason, code, ending.crashed), runner.cpu_shares(now), listed, now, records
        )

    if outputs.out is not None:
        from teleop_cli.pictures import PICTURES

        for name, draw in PICTURES.items():
            outputs.write(outputs.out / name, lambda path, draw=draw: draw(recorder, path))  # type: ignore[misc]
    for path in (outputs.out / "summary.json" if outputs.out else None, outputs.summary):
        if path is not None:
            outputs.write(path, lambda path: write_json(path, make(path)))
    summary = make()
    with contextlib.suppress(OSError):
        terminal = Console()
        Console(width=None if terminal.is_terminal else PLAIN_WIDTH).print(summary_table(summary))
    for problem in outputs.problems:
        say(problem, sys.stderr)
    return int(summary["exit"]["code"])


@contextlib.contextmanager
def _always_stopped(runner: Runner) -> Iterator[None]:
    try:
        yield
    finally:
        runner.stop()


def _seconds(text: str) -> float:
    with contextlib.suppress(ValueError):
        value = float(text)
        if 0.0 < value < math.inf:
            return value
    raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of seconds")


def _seed(text: str) -> int:
    with contextlib.suppress(ValueError):
        value = int(text)
        if 0 <= value <= LARGEST_SEED:
            return value
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {LARGEST_SEED}")


def _refuse(text: str, code: int) -> int:
    say(f"telesurgery: {text}", sys.stderr)
    return code
