"""Who may publish, hear, ask and answer what: from the stream table and the node graph, as an SROS2 policy.

One enclave per process, each with its own topics and services by full name: no wildcard. What the stream table leaves
open, because several nodes speak or because it is no stream, stands in the tables below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from teleop_core.contract import ARM_SERVICES, ARMS, MASTER_SERVICES, MASTERS, STREAMS
from teleop_core.graph import SUITE, enclave

OBSERVER, OPERATE, STATE_PUBLISHER = "telesurgery", "telesurgery_operate", "robot_state_publisher"
"""Processes beside the nodes of the graph: the demo's observer, the short commands, ROS's publisher of transforms."""
SPEAKERS = {
    "protective_stop": ("driver", OPERATE),
    "state_command": ("local_team", OPERATE),
    "local_team_claim": (OPERATE,),
    "robot_description": ("driver", STATE_PUBLISHER),
}
"""Who publishes the streams that come from more than one process; diagnostics come from every node of the suite."""
HEARD_BY_OPERATE = ("safety_state", "feedback", "operating_state", "record_status", "servo_report")
"""The short commands hear less than the observer, for which the stream table speaks."""
SERVICES = {"safety/reset": ("safety_monitor", OPERATE)}
"""Service -> who answers, who asks."""
ANSWERS_FOR_ARMS, ANSWERS_FOR_MASTERS = "driver", "master_input"
"""Who answers the services of the arms, and of the masters; CRTK clients ask."""
RECORDERS = {"recorder": "robot", "console_recorder": "console"}
"""They hear every stream; each tells of its own site's record and asks the nodes for their parameters."""
ASKED_BY_RECORDERS = ("get_parameters", "list_parameters")
TRANSFORMS = {"tf": ("driver", STATE_PUBLISHER), "tf_static": (STATE_PUBLISHER,)}
"""Topics beside the stream table, whose names ROS fixes -> who publishes."""
OF_EVERY_NODE = ("/rosout", "/parameter_events")
"""What the client library of every node publishes."""
SERVICES_OF_EVERY_NODE = (
    "describe_parameters",
    "get_parameter_types",
    "get_parameters",
    "get_type_description",
    "list_parameters",
    "set_parameters",
    "set_parameters_atomically",
)
"""What the client library of every node answers, below the node's name; a node without them does not start."""

POLICY_VERSION = "0.2.0"
_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!--
  Access of every process of the suite, for SROS2: one enclave per process, every topic and service by its full name,
  everything else denied. It is what `telesurgery graph` prints with its option sros2, which a test repeats.

  Checked against the schema of SROS2's policies, and against what the nodes of a running session really open. NOT
  TESTED with security switched on: that needs a Fast DDS with its security plugins. Try it before you rely on it.

  make_keystore.sh beside this file makes keys and signed permissions from it. Tools such as RViz or other CRTK
  clients are not in it: give each an enclave of its own that may hear, and not more.
-->
"""


@dataclass(frozen=True)
class Access:
    """What one process may do; full names, sorted.

    Attributes:
        node: Name of the node.
        publish: Topics it publishes.
        subscribe: Topics it hears.
        reply: Services it answers.
        request: Services it asks.
    """

    node: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    reply: tuple[str, ...]
    request: tuple[str, ...]


def policy(namespace: str = "", arms: Sequence[str] = ARMS) -> list[Access]:
    """Access of every process, in the order of the graph.

    Args:
        namespace: Namespace of the session, with or without slashes; empty for none.
        arms: Arms of the cart.
    """
    suite = [*SUITE, OBSERVER, OPERATE]
    return [_access(node, suite, namespace, arms) for node in (*suite, STATE_PUBLISHER)]


def policy_xml(namespace: str = "") -> str:
    """The policy as a file for `ros2 security create_permission`."""
    root = ElementTree.Element("policy", version=POLICY_VERSION)
    enclaves = ElementTree.SubElement(root, "enclaves")
    for access in policy(namespace):
        profiles = ElementTree.SubElement(
            ElementTree.SubElement(enclaves, "enclave", path=enclave(access.node)), "profiles"
        )
        profile = ElementTree.SubElement(
            profiles, "profile", ns=_full_name("", namespace).rstrip("/") or "/", node=access.node
        )
        for kind, right, names in (
            ("topic", "publish", access.publish),
            ("topic", "subscribe", access.subscribe),
            ("service", "reply", access.reply),
            ("service", "request", access.request),
        ):
            if names:
                granted = ElementTree.SubElement(profile, f"{kind}s", {right: "ALLOW"})
                for name in names:
                    ElementTree.SubElement(granted, kind).text = name
    ElementTree.indent(root)
    return _HEAD + ElementTree.tostring(root, encoding="unicode") + "\n"


def _access(node: str, suite: Sequence[str], namespace: str, arms: Sequence[str]) -> Access:
    def full(names: Iterator[str]) -> tuple[str, ...]:
        return tuple(sorted({_full_name(name, namespace) for name in names}))

    return Access(
        node=node,
        publish=full(_published(node, suite, arms)),
        subscribe=full(_heard(node, arms)),
        reply=full(_answered(node, arms)),
        request=full(_requested(node)),
    )


def _published(node: str, suite: Sequence[str], arms: Sequence[str]) -> Iterator[str]:
    speakers = {**SPEAKERS, "diagnostics": tuple(suite)}
    if node in RECORDERS:
        yield STREAMS["record_status"].topic_for(site=RECORDERS[node])
    for name, row in STREAMS.items():
        if name != "record_status" and node in speakers.get(name, (row.source,)):
            yield from row.topics(arms)
    yield from (topic for topic, publishers in TRANSFORMS.items() if node in publishers)
    yield from OF_EVERY_NODE


def _heard(node: str, arms: Sequence[str]) -> Iterator[str]:
    for name, row in STREAMS.items():
        if node in row.sinks or (node in RECORDERS and row.recorded) or (node == OPERATE and name in HEARD_BY_OPERATE):
            yield from row.topics(arms)
    if node == STATE_PUBLISHER:
        yield from STREAMS["joint_states"].topics(arms)
        yield "/parameter_events"


def _answered(node: str, arms: Sequence[str]) -> Iterator[str]:
    if node == ANSWERS_FOR_ARMS:
        yield from (service.topic.format(arm=arm) for service in ARM_SERVICES.values() for arm in arms)
    if node == ANSWERS_FOR_MASTERS:
        yield from (service.topic.format(master=one) for service in MASTER_SERVICES.values() for one in MASTERS)
    yield from (service for service, (answerer, _) in SERVICES.items() if answerer == node)
    yield from (f"{node}/{service}" for service in SERVICES_OF_EVERY_NODE)


def _requested(node: str) -> Iterator[str]:
    yield from (service for service, (_, asker) in SERVICES.items() if asker == node)
    if node in RECORDERS:
        yield from (f"{asked}/{service}" for asked in SUITE if asked != node for service in ASKED_BY_RECORDERS)


def _full_name(name: str, namespace: str) -> str:
    if name.startswith("/"):
        return name
    return "/" + "/".join(part for part in (namespace.strip("/"), name) if part)
