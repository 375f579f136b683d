"""telesurgery stop, reset, arm, status: short commands to a session that runs, here or elsewhere on the network."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from teleop_cli.domain import claimed_domains, domain_from_environment
from teleop_core.authentication import Authenticator, KeyFileError, load_key
from teleop_core.contract import ARMS
from teleop_core.graph import enclave
from teleop_ros.shared_files import loopback_environment

if TYPE_CHECKING:
    from teleop_cli.operate_node import OperateNode

ANSWER_LIMIT = 3.0
"""Wait for an answer for so long [s]."""
HOMING_LIMIT = 20.0
CLAIM_EVERY = 0.3
"""A claim is sent again until the driver shows it [s]."""


def add_commands(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Describe the commands.

    Args:
        add: Makes the parser of a subcommand from its name and its text.
    """
    parser = with_place(
        add("stop", "protective stop: the arms hold until a local reset; exit code 1 if nobody answers")
    )
    parser.add_argument("--reason", default="asked for on the command line", help="why, in words for the operator")
    parser.add_argument(
        "--keys", default="", metavar="FOLDER", help="sign the request with the key of the session (default: unsigned)"
    )
    parser.set_defaults(run=stop)
    with_place(add("reset", "local reset after a fault or a protective stop")).set_defaults(run=reset)
    parser = with_place(
        add("arm", "change the operating state of arms (CRTK state_command), or take them for the local team")
    )
    parser.add_argument(
        "verb",
        choices=(*WISHED_STATE, *CLAIMS),
        help="what to do; take: nobody but the local team moves the arm until it is released",
    )
    parser.add_argument("arms", nargs="+", choices=ARMS, metavar="ARM", help="PSM1, PSM2, ...")
    parser.set_defaults(run=arm)
    with_place(add("status", "print the present states once")).set_defaults(run=status)


WISHED_STATE = {"enable": "ENABLED", "disable": "DISABLED", "home": "ENABLED", "pause": "PAUSED", "resume": "ENABLED"}
"""State an arm is in after the command was carried out; after home it is homed too."""

CLAIMS = {"take": True, "release": False}
"""The local team takes an arm from whoever has it, or lets it go."""


def stop(arguments: argparse.Namespace) -> int:
    """Ask for a protective stop until the safety monitor shows it, in every session of this machine.

    Returns:
        0 if every session stopped, 1 if nobody answered in one.
    """
    return max([_in_domain(domain, arguments, _stop_one) for domain in domains(arguments)])


def reset(arguments: argparse.Namespace) -> int:
    """Ask the safety monitor for a reset and print its answer."""
    return _in_one_domain(arguments, _reset_one)


def arm(arguments: argparse.Namespace) -> int:
    """Command arms and print what became of it."""
    return _in_one_domain(arguments, _arm_one)


def status(arguments: argparse.Namespace) -> int:
    """Print the present states."""
    return _in_one_domain(arguments, _status_one)


def _stop_one(node: OperateNode, arguments: argparse.Namespace) -> int:
    key = _stop_key(arguments.keys)

    def stopped() -> bool:
        if node.safety_state == "PROTECTIVE_STOP":
            return True
        node.request_stop(arguments.reason, key)
        return False

    if not _until(node, stopped, ANSWER_LIMIT):
        heard = f"the safety monitor stays in {node.safety_state}" if node.safety_state else "no safety monitor answers"
        if node.security == "mac":
            heard += "; this session checks keys: give the folder of its own with --keys"
        return _failed(f"{heard}; the request was repeated for {ANSWER_LIMIT:g} s. Use the emergency stop.")
    print("PROTECTIVE_STOP: the arms hold; `telesurgery reset` clears it once the cause is gone")
    return 0


def _stop_key(folder: str) -> Authenticator:
    """Key of stop requests. One that cannot be used is told and does without: an unsigned stop holds the arms too."""
    try:
        return Authenticator(load_key(folder, "stop") if folder else None, "stop")
    except KeyFileError as error:
        _failed(f"{error}; asking without a signature, which holds the arms only as long as it is repeated")
        return Authenticator(None, "stop")


def _reset_one(node: OperateNode, _arguments: argparse.Namespace) -> int:
    if not _until(node, node.reset_is_offered, ANSWER_LIMIT):
        return _failed("no safety monitor answers")
    answer = node.request_reset()
    if not _until(node, answer.done, ANSWER_LIMIT):
        return _failed("the safety monitor does not answer")
    result = answer.result()
    print(result.message)
    if result.success:
        print("nothing moves until the operator engages again: deadman down, then the clutch pressed and released")
    return 0 if result.success else 1


def _arm_one(node: OperateNode, arguments: argparse.Namespace) -> int:
    limit = HOMING_LIMIT if arguments.verb == "home" else ANSWER_LIMIT
    failed = 0
    for name in arguments.arms:
        node.watch_arm(name)
        if not _until(node, lambda name=name: node.arm_listens(name), ANSWER_LIMIT):  # type: ignore[misc]
            failed = _failed(f"{name}: no driver answers")
            continue
        if arguments.verb in CLAIMS:
            failed = max(failed, _claim_one(node, name, CLAIMS[arguments.verb]))
            continue
        events = node.arm_events(name)
        node.command_arm(name, arguments.verb)

        def done(name: str = name, events: int = events) -> bool:
            answered = node.arm_events(name) > events
            return answered and not node.arms[name].is_busy

        answered = _until(node, done, limit)
        state = node.arms[name]
        carried_out = state.state == WISHED_STATE[arguments.verb] and (state.is_homed or arguments.verb != "home")
        text = f"{name}: {state.state}, {'homed' if state.is_homed else 'not homed'}"
        if answered and carried_out:
            print(text)
        else:
            failed = _failed(f"{text}; {arguments.verb} was {'refused' if answered else 'not answered'}")
    return failed


def _claim_one(node: OperateNode, name: str, taken: bool) -> int:
    """Take an arm or let it go, until the driver's report shows it."""

    def shown() -> bool:
        node.claim_arm(name, taken)
        _until(node, lambda: node.taken.get(name) is taken, CLAIM_EVERY)
        return node.taken.get(name) is taken

    if not _until(node, shown, ANSWER_LIMIT):
        return _failed(f"{name}: the driver does not show that it was {'taken' if taken else 'released'}")
    print(f"{name}: {'the local team has it; nobody else moves it until it is released' if taken else 'released'}")
    return 0


def _status_one(node: OperateNode, _arguments: argparse.Namespace) -> int:
    for name in ARMS:
        node.watch_arm(name)
    _until(node, lambda: bool(node.safety_state and node.feedback), ANSWER_LIMIT)
    _until(node, lambda: False, 0.3)  # latched states of the arms
    if not node.safety_state and not node.feedback:
        return _failed("nothing runs here: neither a safety state nor a feedback arrives")
    print(f"safety  {node.safety_state or 'no message'}")
    for alarm in node.alarms:
        print(f"        {alarm}")
    if not node.arms:
        print("arms    no message")
    for name, state in sorted(node.arms.items()):
        following = node.feedback.get(name, "no teleoperation")
        print(f"{name}    {state.state}, {'homed' if state.is_homed else 'not homed'}, {following}")
    if not node.records:
        print("record  no message")
    for site, told in sorted(node.records.items()):
        print(f"record  at the {site}: {told}")
    return 0


def with_place(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the arguments that say where a session is."""
    parser.add_argument(
        "--domain", type=int, metavar="N", help="ROS domain (default: ROS_DOMAIN_ID, else the session of this machine)"
    )
    parser.add_argument("--namespace", default="", metavar="NAME", help="namespace of the session (default: none)")
    return parser


def domains(arguments: argparse.Namespace) -> list[int]:
    """ROS domains in which to look: the one asked for, else those of the sessions of this machine, else 0."""
    chosen = arguments.domain if arguments.domain is not None else domain_from_environment()
    running = claimed_domains()
    if chosen in running or (chosen is None and running):
        for name, value in loopback_environment().items():
            os.environ.setdefault(name, value)
    return [chosen] if chosen is not None else running or [0]


def _in_one_domain(arguments: argparse.Namespace, act: Callable[[OperateNode, argparse.Namespace], int]) -> int:
    found = domains(arguments)
    if len(found) > 1:
        return _failed(f"sessions run in ROS domains {', '.join(map(str, found))}: choose one with --domain")
    return _in_domain(found[0], arguments, act)


def _in_domain(
    domain: int, arguments: argparse.Namespace, act: Callable[[OperateNode, argparse.Namespace], int]
) -> int:
    import rclpy

    from teleop_cli.operate_node import OperateNode

    ros_arguments = ["--ros-args", "--disable-external-lib-logs"]
    if arguments.namespace:
        ros_arguments += ["-r", f"__ns:=/{arguments.namespace.strip('/')}"]
    # Under SROS2 a stop has to get through too: the short commands have an enclave of their own.
    ros_arguments += ["--enclave", enclave("telesurgery_operate")]
    rclpy.init(args=ros_arguments, domain_id=domain)
    node = OperateNode()
    try:
        return act(node, arguments)
    except KeyboardInterrupt:
        return _failed("interrupted")
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


def _until(node: OperateNode, condition: Callable[[], bool], limit: float) -> bool:
    """Serve the node until the condition holds, at most `limit` [s]; whether it does."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        node.serve(0.05)
    return True


def _failed(text: str) -> int:
    print(f"telesurgery: {text}", file=sys.stderr)
    return 1
