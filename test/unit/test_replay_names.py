"""No recorded topic is played under a name that a node of the suite may listen to, in whatever namespace it runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.replay_names import ReplayNameError, is_marked, node_namespace, replay_namespace, replay_topic
from teleop_core.contract import CAMERA_ARM, INSTRUMENT_ARMS, STREAMS

ALL_TOPICS = sorted(
    {topic.strip("/") for row in STREAMS.values() for topic in row.topics((*INSTRUMENT_ARMS, CAMERA_ARM))}
)
PART = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True) | st.sampled_from(
    [part for topic in ALL_TOPICS for part in topic.split("/")]
)
TOPIC = st.lists(PART, min_size=1, max_size=5).map("/".join) | st.sampled_from(ALL_TOPICS)
NAMESPACE = st.lists(PART, max_size=3).map("/".join)


def may_be_heard(name: str) -> bool:
    """Whether a node of the suite, in some namespace, listens to this name or publishes it."""
    return any(name == f"/{topic}" or name.endswith(f"/{topic}") for topic in ALL_TOPICS)


@pytest.mark.parametrize(
    "namespace", ["", "/", "replay", "/replay/", "or1/robot", "recorded", "PSM1", "endoscope/left"]
)
@pytest.mark.parametrize("topic", ALL_TOPICS)
def test_no_stream_of_the_contract_keeps_a_name_that_is_listened_to(topic: str, namespace: str) -> None:
    """Commands, permits, stops, states and pictures: for every stream and namespace, an empty one included."""
    assert may_be_heard(f"/{topic}")
    name = replay_topic(f"/{topic}", replay_namespace(namespace))
    assert not may_be_heard(name), name
    assert is_marked(name)
    assert not is_marked(f"/{topic}")


@given(TOPIC, NAMESPACE, NAMESPACE)
def test_no_recorded_name_and_no_namespace_leads_to_a_live_name(topic: str, recorded_in: str, namespace: str) -> None:
    """Whatever the file calls its topics and whatever namespace is asked for."""
    recorded = "/" + "/".join(part for part in (recorded_in, topic) if part)
    name = replay_topic(recorded, replay_namespace(namespace))
    assert is_marked(name)
    assert not may_be_heard(name)


def test_names_are_as_told() -> None:
    """The mark stands at the end; a packed picture keeps its last part, by which image tools know how it is packed."""
    assert replay_topic("/teleop/command", replay_namespace("replay")) == "/replay/teleop/command/recorded"
    picture = replay_topic("/endoscope/left/image_raw/compressed", "")
    assert picture == "/endoscope/left/image_raw/recorded/compressed"


@pytest.mark.parametrize("text", ["a b", "1a", "a//b", "~/x", "{ns}", "a/-b", "ä", "x" * 300, "a\nb"])
def test_names_that_ros_does_not_have_are_refused(text: str) -> None:
    """A namespace or a topic in a file that is no name is told with its text."""
    with pytest.raises(ReplayNameError, match="namespace: "):
        replay_namespace(text)
    with pytest.raises(ReplayNameError, match="in the recording"):
        replay_topic("/" + text, "")


def test_no_two_namespaces_share_a_node_and_no_node_is_one_of_the_contract() -> None:
    """Else one replay would pause another, or its status would be a second speaker of a live topic."""
    given = ["", "/replay", "/b", "/replay/replay", "/record/robot", "/or1/replay", "/recorded", "/PSM1"]
    names = [f"{node_namespace(replay_namespace(text)).rstrip('/')}/replay" for text in given if text != "/recorded"]
    assert len(set(names)) == len(names)
    assert names[:3] == ["/recorded/replay", "/replay", "/b/replay"]
    live = [f"/{topic}" for row in STREAMS.values() for topic in row.topics(INSTRUMENT_ARMS)]
    assert not [name for name in names for topic in live if f"{name}/status".endswith(topic)]
