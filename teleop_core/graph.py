"""The node graph, in one list: the launch file, the runner without ROS tools and the tests read it.

A session has two sites. ``side`` says which nodes this machine starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from teleop_core.contract import ARMS, DEFAULT_ARMS, SITES, instruments

ParameterValue = bool | int | float | str | list[str]

ROBOT, CONSOLE = SITES
SIDES = (ROBOT, CONSOLE, "both")
BUILT_IN_SURGEON = "surgeon"
CONTROLS = ("console", "crtk")
"""Who moves the arms: an operator at the console, or CRTK clients and the local team."""


def site_of(side: str) -> str:
    """Whose record a machine writes that starts these nodes: the robot's site where it is both."""
    return CONSOLE if side == CONSOLE else ROBOT


@dataclass(frozen=True)
class SessionOptions:
    """What a person chooses when starting a session.

    Attributes:
        side: Which site's nodes to start: robot, console or both.
        sim: Simulated endoscope, simulated local team, and, but for `remote`, a simulated robot; not hardware.
        remote: Namespace of another CRTK driver whose arms are driven; empty: simulated ones.
        control: Who moves the arms: console, or crtk (no console and no kinematics are started).
        profile: Limits of the link: the name of a profile, or the path of a file.
        hands: Input device: "surgeon" (built in), "gamepad", or a file of recorded hands.
        arms: Arms of the session: those that the right and the left hand drive, in this order, a spare one, the camera
            arm, in any place; an instrument arm at least.
        command_rate: Rate of operator commands [Hz].
        seed: Seed of the built-in surgeon.
        keys: Folder of the key files with which messages are signed and checked; empty: they are not.
        record: Record the session.
        record_folder: Folder of its record; empty: the recorder makes one where records are kept.
        console_record_folder: Folder of the record of the console, where one machine is both sites and the recorder of
            each runs; empty: only the robot's does.
    """

    side: str = "both"
    sim: bool = True
    remote: str = ""
    control: str = CONTROLS[0]
    profile: str = "lan"
    hands: str = BUILT_IN_SURGEON
    arms: tuple[str, ...] = DEFAULT_ARMS
    command_rate: float = 200.0
    seed: int = 1
    keys: str = ""
    record: bool = True
    record_folder: str = ""
    console_record_folder: str = ""

    def __post_init__(self) -> None:
        """Refuse what is not in the lists.

        Raises:
            ValueError: names the option and the value.
        """
        if self.side not in SIDES:
            raise ValueError(f"side: {self.side!r} is not one of {', '.join(SIDES)}")
        if not (self.sim or self.remote):
            raise ValueError("remote: '' with sim: false; name the namespace of the CRTK arms that are the robot")
        if self.control not in CONTROLS:
            raise ValueError(f"control: {self.control!r} is not one of {', '.join(CONTROLS)}")
        if not self.profile:
            raise ValueError("profile: '' is neither the name of a profile nor a file")
        if not 50.0 <= self.command_rate <= 500.0:
            raise ValueError(f"command_rate: {self.command_rate} is not within 50 to 500 Hz")
        if not instruments(self.arms):
            raise ValueError(f"arms: {self.arms} must hold at least one instrument arm")
        if len(set(self.arms)) != len(self.arms) or not set(self.arms) <= set(ARMS):
            raise ValueError(f"arms: {self.arms} must be different ones out of {', '.join(ARMS)}")


@dataclass(frozen=True)
class NodeSpec:
    """One process of the suite.

    Attributes:
        executable: Name of the executable.
        side: Site it runs at: robot or console.
        parameters: ROS parameters that differ from their defaults.
        holds_arm: Is stopped last, after everything that could still ask for motion.
        records: Is stopped after all others: what they do at their end is recorded.
        name: Name of the node, where it is not that of the executable.
    """

    executable: str
    side: str
    parameters: dict[str, ParameterValue] = field(default_factory=dict)
    holds_arm: bool = False
    records: bool = False
    name: str = ""

    @property
    def node(self) -> str:
        """Name of the node."""
        return self.name or self.executable


def enclave(node: str) -> str:
    """Security enclave of a node's process: what its keys and permissions are filed under, where DDS security is on."""
    return f"/telesurgery/{node}"


def node_graph(options: SessionOptions) -> list[NodeSpec]:
    """Nodes to start on this machine, in the order in which they are started: what takes longest to start comes first.

    Args:
        options: What the person chose.
    """
    arms = list(options.arms)
    guarded: dict[str, ParameterValue] = {"profile": options.profile, "key_folder": options.keys}
    nodes = [
        NodeSpec("video_relay", "robot", {"arms": arms, "source": "simulation" if options.sim else "camera"}),
        NodeSpec(
            "safety_monitor",
            "robot",
            {"arms": arms, "console": options.control == "console", **guarded, **_recorded(options)},
        ),
        *_recorders(options),
        NodeSpec(
            "driver",
            "robot",
            {"arms": arms, **_robot(options), "servo_rate": options.command_rate, **guarded},
            holds_arm=True,
        ),
    ]
    if options.control == "console":
        nodes += [
            NodeSpec("kinematics", "robot", {"arms": arms, "shared_clock": options.side == "both", **guarded}),
            NodeSpec(
                "master_input",
                "console",
                {
                    "device": options.hands,
                    "rate": options.command_rate,
                    "seed": options.seed,
                    "key_folder": options.keys,
                },
            ),
        ]
    if options.sim:
        nodes.append(NodeSpec("local_team", "robot", {"arms": arms}))
    return [node for node in nodes if options.side in ("both", node.side)]


def _robot(options: SessionOptions) -> dict[str, ParameterValue]:
    """Which robot the driver drives."""
    return {"backend": "crtk", "remote": options.remote} if options.remote else {"backend": "simulation"}


def _recorded(options: SessionOptions) -> dict[str, ParameterValue]:
    """What the safety monitor writes into the record by itself."""
    if not options.record:
        return {}
    folder = options.record_folder
    decisions = f"{folder}/safety_monitor.decisions.jsonl" if folder else ""
    return {"recorder": True, "record_folder": folder, "decision_log": decisions}


def _recorders(options: SessionOptions) -> list[NodeSpec]:
    """The recorder of this machine's site, or of both sites: what each signs the other records."""
    if not options.record:
        return []
    site = site_of(options.side)
    found = [_recorder(options, site, options.record_folder)]
    if options.side == "both" and options.console_record_folder:
        found.append(_recorder(options, CONSOLE, options.console_record_folder))
    return found


def _recorder(options: SessionOptions, site: str, folder: str) -> NodeSpec:
    """The recorder of one site; its name is its own, as both sites may be in one ROS domain."""
    parameters: dict[str, ParameterValue] = {
        "arms": list(options.arms),
        "site": site,
        "folder": folder,
        "profile": options.profile,
        "key_folder": options.keys,
    }
    name = "recorder" if site == ROBOT else "console_recorder"
    return NodeSpec("recorder", site, parameters, name=name, records=True)


def _names_of_all_sites() -> Iterator[str]:
    for side in ("both", CONSOLE):
        yield from (spec.node for spec in node_graph(SessionOptions(side=side)))


SUITE = tuple(dict.fromkeys(_names_of_all_sites()))
"""Names of the nodes of both sites, wherever they run."""
