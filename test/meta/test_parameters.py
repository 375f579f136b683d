"""config/teleop.yaml says what the nodes' parameters are; a node refuses what it cannot use."""

from __future__ import annotations

import dataclasses
import importlib
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("rclpy", reason="ROS is not installed here")

from teleop_ros.parameters import ParameterError, check, defaults, parameter


def parameter_classes(root: Path) -> dict[str, type[Any]]:
    """Node -> its parameter dataclass."""
    found = {}
    for line in (root / "manifest.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("node "):
            _, node, target = line.split()
            module = importlib.import_module(target.split(":")[0])
            kinds = [
                kind
                for name, kind in vars(module).items()
                if name.endswith("Parameters") and dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__
            ]
            assert len(kinds) == 1, f"{node} has {len(kinds)} parameter classes"
            found[node] = kinds[0]
    return found


def test_the_file_holds_every_parameter_with_its_default(root: Path) -> None:
    """Names and defaults in config/teleop.yaml and in the nodes are the same."""
    text = (root / "config" / "teleop.yaml").read_text(encoding="utf-8")
    file = {node.removeprefix("/**/"): values["ros__parameters"] for node, values in yaml.safe_load(text).items()}
    assert file == {node: defaults(kind) for node, kind in parameter_classes(root).items()}


def test_every_parameter_is_explained(root: Path) -> None:
    """Each has a text, each number a range with both ends, and the file repeats the text."""
    file = (root / "config" / "teleop.yaml").read_text(encoding="utf-8")
    for node, kind in parameter_classes(root).items():
        for item in dataclasses.fields(kind):
            assert item.metadata["doc"] in file, f"{node}.{item.name}"
            if item.type in ("float", "int") and item.name != "seed":
                assert item.metadata["low"] < item.metadata["high"], f"{node}.{item.name}"


def test_every_choice_can_be_written_on_a_command_line(root: Path) -> None:
    """ROS reads ``-p name:=value`` as YAML, where a bare ``on`` is a truth value and would end the node."""
    for node, kind in parameter_classes(root).items():
        for item in dataclasses.fields(kind):
            for choice in item.metadata["choices"]:
                assert yaml.safe_load(choice) == choice, f"{node}.{item.name}: {choice}"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 9.9, 101.0])
def test_a_number_out_of_range_is_refused_with_name_and_value(value: float) -> None:
    """Not a number, infinite, too small and too large are all refused."""

    @dataclasses.dataclass(frozen=True)
    class Parameters:
        rate: float = parameter(50.0, unit="Hz", low=10.0, high=100.0, doc="rate")

        def __post_init__(self) -> None:
            check(self)

    assert Parameters(rate=10.0).rate == 10.0
    with pytest.raises(ParameterError, match=f"rate: {value}"):
        Parameters(rate=value)


def test_no_node_hides_the_parameters_that_rclpy_keeps(root: Path) -> None:
    """A node that has an attribute of that name ends as soon as anybody asks for its parameters."""
    for line in (root / "manifest.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("node "):
            module = root / (line.split()[2].split(":")[0].replace(".", "/") + ".py")
            assert "self._parameters " not in module.read_text(encoding="utf-8"), module
