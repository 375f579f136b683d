"""The view of a replay is that of a live session, of the names under which a replay plays, and looks unlike it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from audit.replay_names import DEFAULT_NAMESPACE, replay_topic


def displays(path: Path) -> list[dict[str, Any]]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))["Visualization Manager"]["Displays"]  # type: ignore[no-any-return]


def topics(display: dict[str, Any]) -> Iterator[str]:
    for key in ("Topic", "Description Topic"):
        if key in display:
            yield display[key]["Value"]


def test_rviz_shows_a_replay_like_a_session(root: Path) -> None:
    """Same displays in the same order; every topic is the one that a replay plays; names and background say replay."""
    live, replayed = displays(root / "rviz/teleop.rviz"), displays(root / "rviz/replay.rviz")
    assert [each["Class"] for each in live] == [each["Class"] for each in replayed]
    found = 0
    for here, there in zip(live, replayed, strict=True):
        for topic, name in zip(topics(here), topics(there), strict=True):
            assert name == replay_topic(f"/{topic}", DEFAULT_NAMESPACE)
            assert there["Name"].startswith("REPLAY")
            found += 1
    assert found == 4
    texts = [(root / f"rviz/{name}.rviz").read_text(encoding="utf-8") for name in ("teleop", "replay")]
    colours = [next(line for line in text.splitlines() if "Background Color" in line) for text in texts]
    assert colours[0] != colours[1]
