"""Node parameters as frozen dataclasses: declared once with unit, range and meaning, read once, never changed.

    @dataclass(frozen=True)
    class DriverParameters:
        servo_rate: float = parameter(200.0, unit="Hz", low=50.0, high=1000.0, doc="rate of servo commands")

    parameters = declare(node, DriverParameters)

The same metadata makes the ROS descriptors, the defaults in config/teleop.yaml and the tables of the documentation.
A limit is read-only: nobody loosens it while a robot runs.
"""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

T = TypeVar("T")

_SIMULATED_TIME = "use_sim_time"
_WHY_NOT = f"parameter {_SIMULATED_TIME}: true is refused, the age of permits is told by the clock of this host alone"


class ParameterError(ValueError):
    """A parameter cannot be used; the text names it, its value and what is allowed."""


def parameter(
    default: Any,
    *,
    doc: str,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A field of a parameter dataclass.

    Args:
        default: Value where nothing is set; its type is the type of the parameter.
        doc: What it means.
        unit: SI unit, empty where there is none.
        low: Smallest allowed value.
        high: Largest allowed value.
        choices: Allowed texts; empty for any.
    """
    metadata = {"doc": doc, "unit": unit, "low": low, "high": high, "choices": choices}
    if isinstance(default, list):
        return dataclasses.field(default_factory=lambda: list(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def check(parameters: Any) -> None:
    """Refuse values outside their range or list; for ``__post_init__``.

    Raises:
        ParameterError: names the parameter, its value and what is allowed.
    """
    for item in dataclasses.fields(parameters):
        value = getattr(parameters, item.name)
        low, high = item.metadata["low"], item.metadata["high"]
        unit = f" {item.metadata['unit']}" if item.metadata["unit"] else ""
        if isinstance(value, float) and not -float("inf") < value < float("inf"):
            raise ParameterError(f"parameter {item.name}: {value} is not a finite number")
        if low is not None and not low <= value:
            raise ParameterError(f"parameter {item.name}: {value}{unit} is below {low}{unit}")
        if high is not None and not value <= high:
            raise ParameterError(f"parameter {item.name}: {value}{unit} is above {high}{unit}")
        choices = item.metadata["choices"]
        for chosen in value if isinstance(value, (list, tuple)) else [value]:
            if choices and chosen not in choices:
                raise ParameterError(f"parameter {item.name}: {chosen!r} is not one of {', '.join(choices)}")


def descriptor(item: dataclasses.Field[Any], default: Any) -> ParameterDescriptor:
    """ROS descriptor of one field: meaning with unit, range, read-only."""
    meta = item.metadata
    text = meta["doc"] + (f" [{meta['unit']}]" if meta["unit"] else "")
    description = ParameterDescriptor(name=item.name, description=text, read_only=True)
    if meta["choices"]:
        description.additional_constraints = "one of " + ", ".join(meta["choices"])
    if meta["low"] is not None and meta["high"] is not None:
        if isinstance(default, float):
            description.floating_point_range = [FloatingPointRange(from_value=meta["low"], to_value=meta["high"])]
        elif isinstance(default, int):
            description.integer_range = [IntegerRange(from_value=int(meta["low"]), to_value=int(meta["high"]))]
    return description


def defaults(kind: type[Any]) -> dict[str, Any]:
    """Default value of every field of a parameter dataclass."""
    found = {}
    for item in dataclasses.fields(kind):
        has_factory = item.default_factory is not dataclasses.MISSING
        found[item.name] = item.default_factory() if has_factory else item.default  # type: ignore[misc]
    return found


def declare(node: Node, kind: type[T]) -> T:
    """Declare every field as a ROS parameter, read it once, return the checked dataclass.

    Raises:
        ParameterError: a value of the wrong type, outside its range, or not one of its choices.
    """
    values = {}
    by_default = defaults(kind)
    for item in dataclasses.fields(kind):  # type: ignore[arg-type]
        default = by_default[item.name]
        try:
            declared = node.declare_parameter(item.name, default, descriptor(item, default))
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            raise ParameterError(f"parameter {item.name}: {error}") from error
        values[item.name] = list(declared.value) if declared.type_ == Parameter.Type.STRING_ARRAY else declared.value
    return kind(**values)


def refuse_simulated_time(node: Node) -> None:
    """Keep a node on the clock of its host, from its start to its end.

    On simulated time whoever publishes /clock says what is fresh: `ros2 bag play --clock` makes the permits of a
    recording permits of now, and a clock that never came makes every genuine one old.

    Raises:
        ParameterError: it was started on simulated time.
    """

    def judge(changes: list[Parameter]) -> SetParametersResult:
        asked = any(change.name == _SIMULATED_TIME and change.value for change in changes)
        return SetParametersResult(successful=not asked, reason=_WHY_NOT if asked else "")

    if node.get_parameter(_SIMULATED_TIME).value:
        raise ParameterError(_WHY_NOT)
    node.add_on_set_parameters_callback(judge)
