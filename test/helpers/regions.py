"""Forbidden regions of every shape about the task, for tests that lead tools against them."""

from __future__ import annotations

from teleop_core.fixture_table import fixtures_from

ARMS = ("PSM1", "PSM2", "PSM3")
FIXTURES = fixtures_from(
    {
        "fixtures": [
            {"name": "ball", "shape": "sphere", "frame": "cart", "centre": [0.80, 0.0, 0.872], "radius": 0.008},
            {"name": "floor", "shape": "plane", "frame": "cart", "point": [0.0, 0.0, 0.86], "normal": [0, 0, 1]},
            {
                "name": "block",
                "shape": "box",
                "frame": "cart",
                "centre": [0.83, 0.05, 0.88],
                "size": [0.01, 0.01, 0.01],
            },
            {"name": "opening", "shape": "cone", "frame": "cart", "axis": [0.35, 0, -0.9], "half_angle": 60},
        ]
    }
)
REGIONS = {arm: [fixture.in_base(arm) for fixture in FIXTURES] for arm in ARMS}
