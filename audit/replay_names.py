"""Under which names a recorded session is played: never those that a running node listens to.

A node of the suite listens to N/T: N is the namespace that it happens to run in, any at all, and T a topic of the
contract. So no namespace can keep a played command from a running robot; the name itself has to. Every played topic
carries the part `recorded` where no topic of the contract has it: at the end, or in front of the part by which
image_transport knows how a picture is packed.

    /teleop/command                        -> /replay/teleop/command/recorded
    /endoscope/left/image_raw/compressed   -> /replay/endoscope/left/image_raw/recorded/compressed

This holds for states and pictures too: a second speaker is a fault that the safety monitor latches, and an old picture
must not be taken for the patient.
"""

from __future__ import annotations

import re

MARK = "recorded"
TRANSPORTS = ("compressed", "compressedDepth", "theora", "zstd", "ffmpeg")
"""Last parts of names that image_transport gives a meaning."""
DEFAULT_NAMESPACE = "/replay"
_NAME = re.compile(r"(?:/[A-Za-z_][A-Za-z0-9_]*)+", re.ASCII)
_LONGEST = 200


class ReplayNameError(ValueError):
    """A name cannot be used; says which and why."""


def replay_namespace(text: str) -> str:
    """A namespace as ROS wants it.

    Args:
        text: What a person gave; empty or "/" for none.

    Returns:
        Empty, or parts that each begin with a slash.

    Raises:
        ReplayNameError: it is no namespace.
    """
    namespace = "/" + text.strip("/") if text.strip("/") else ""
    if namespace and not _is_name(namespace):
        raise ReplayNameError(f"namespace: {text!r} is not made of letters, digits and _ between slashes, e.g. /replay")
    return namespace


def replay_topic(topic: str, namespace: str) -> str:
    """Absolute name under which a recorded topic is played.

    Args:
        topic: As recorded, absolute.
        namespace: As `replay_namespace` returns it.

    Raises:
        ReplayNameError: the recorded name is none that ROS has.
    """
    if not _is_name(topic):
        raise ReplayNameError(f"topic {topic[:80]!r} in the recording is not the name of a topic")
    parts = topic.split("/")
    place = len(parts) - (parts[-1] in TRANSPORTS)
    return namespace + "/".join([*parts[:place], MARK, *parts[place:]])


def node_namespace(namespace: str) -> str:
    """Namespace of the node that plays, `replay`, whose services and status are below its name.

    Each namespace of topics has another one, so that two replays in one domain do not hear each other's pause. No topic
    of the contract has the part `replay`, so none of these names is one of a running node.

    Args:
        namespace: As `replay_namespace` returns it.

    Returns:
        As ROS wants it; the node of the default namespace is /replay.
    """
    return "/" if namespace == DEFAULT_NAMESPACE else namespace or f"/{MARK}"


def is_marked(name: str) -> bool:
    """Whether a name, as the middleware has it, is one that only a replay uses."""
    parts = name.split("/")
    return parts[-1] == MARK or (len(parts) > 1 and parts[-1] in TRANSPORTS and parts[-2] == MARK)


def _is_name(name: str) -> bool:
    return len(name) <= _LONGEST and _NAME.fullmatch(name) is not None
