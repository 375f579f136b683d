"""What takes long says how far it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit import progress
from audit.verify import verify


def test_only_what_takes_long_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every two seconds a line, apart from the output; nothing before."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    told = progress.Told("reading x")
    for done in range(20):
        now[0] += 0.25
        told(done, 20)
    told(0, 0)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == ["telesurgery: reading x: 35 % ...", "telesurgery: reading x: 75 % ..."]


def test_a_verification_says_how_many_bags_it_has_read(make_record_folder: Callable[..., Any], tmp_path: Path) -> None:
    """One after the other, of all."""
    seen: list[tuple[int, int]] = []
    assert verify(make_record_folder(tmp_path / "record").folder, progress=lambda *so_far: seen.append(so_far)).ok
    assert seen == [(number, len(seen)) for number in range(len(seen))]
    assert len(seen) >= 2
