"""Judging what an arm offers: topics, types, quality of service."""

from __future__ import annotations

from collections import defaultdict

from conformance.features import ACCEPTED, MOTION_COMMANDS, PUBLISHED, REQUIRED, SERVICES, STREAMS, Client
from conformance.samples import Graph, State
from conformance.verdict import Verdict, judged, noted


def required_topics(graph: Graph) -> Verdict:
    """An arm says its state and its joints, and takes state commands and a motion."""
    faults = [f"{name} is missing" for name in REQUIRED if not graph.offers(name)]
    motions = [name for name in MOTION_COMMANDS if graph.accepted(name)]
    if not motions:
        faults.append("it takes no motion command")
    return judged(faults, f"{len(graph.endpoints)} endpoints, {len(motions)} motion commands")


def client_topics(graph: Graph, clients: tuple[Client, ...]) -> Verdict:
    """Whether known clients find all that they open. CRTK lets a server leave out what it does not support."""
    missing = [
        f"{client.name} misses {', '.join(absent)}"
        for client in clients
        if (absent := [name for name in client.topics if not graph.offers(name)])
    ]
    if missing:
        return noted("; ".join(missing))
    return Verdict(True, f"complete for {' and '.join(client.name for client in clients)}")


def types(graph: Graph) -> Verdict:
    """Every topic and service of a CRTK name has the type that CRTK gives it, in the right direction."""
    faults = []
    for end in graph.endpoints:
        table, other = (PUBLISHED, ACCEPTED) if end.publishes else (ACCEPTED, PUBLISHED)
        wanted = table.get(end.topic, other.get(end.topic, end.type))
        if end.type != wanted:
            faults.append(f"{end.topic} is a {end.type}, not a {wanted}")
    faults += [
        f"service {name} is a {kind}, not a {SERVICES[name]}"
        for name, kind in graph.services.items()
        if kind != SERVICES.get(name, kind)
    ]
    return judged(sorted(set(faults)), f"{len({end.topic for end in graph.endpoints})} topics")


def reliable_publishers(graph: Graph) -> Verdict:
    """Clients subscribe reliably; a best-effort publisher is left unconnected without a word."""
    published = [end for end in graph.endpoints if end.publishes and end.topic in PUBLISHED]
    faults = [
        f"{end.topic} does not reach a client ({'reliable' if end.reliable else 'best effort'})"
        for end in published
        if not end.reaches_client
    ]
    return judged(faults, f"{len(published)} publishers reach a client that subscribes reliably")


def command_subscriptions(graph: Graph) -> Verdict:
    """Clients publish commands volatile, state commands and configuration transient local."""
    taken = [end for end in graph.endpoints if not end.publishes and end.topic in ACCEPTED]
    faults = [f"{end.topic} does not hear a client" for end in taken if not end.reaches_client]
    faults += [
        f"{end.topic} does not hear a transient local publisher"
        for end in taken
        if end.reaches_client and not end.reaches_latched_client
    ]
    return judged(faults, f"{len(taken)} subscriptions hear volatile and transient local publishers")


def one_server(graph: Graph) -> Verdict:
    """Two publishers of a measured value are two robots under one name."""
    publishers: dict[str, list[str]] = defaultdict(list)
    for end in graph.endpoints:
        if end.publishes and end.topic in (*STREAMS, "operating_state"):
            publishers[end.topic].append(end.node)
    faults = [f"{topic} has {len(nodes)} publishers" for topic, nodes in publishers.items() if len(nodes) > 1]
    return judged(faults, "each topic has one publisher")


def state_is_known_late(latched: list[State], repeated: list[State], serves_state: bool) -> Verdict:
    """A client that comes late learns the state without commanding the arm.

    Args:
        latched: What a late subscription that asks for kept messages got.
        repeated: What an ordinary late subscription got within some seconds.
        serves_state: The service operating_state answered.
    """
    if latched:
        return Verdict(True, f"kept for those who come later: {latched[-1].state}")
    if repeated:
        return Verdict(True, f"repeated: {repeated[-1].state}")
    if serves_state:
        return Verdict(True, "the service operating_state answers")
    return Verdict(False, "operating_state is neither kept for late subscribers, nor repeated, nor served")
