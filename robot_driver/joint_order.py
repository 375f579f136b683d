"""Joint values in the order of the kinematics, whatever order a client names them in."""

from __future__ import annotations

from collections.abc import Sequence


def in_order(names: Sequence[str], values: Sequence[float], wanted: Sequence[str]) -> Sequence[float] | None:
    """Values sorted as `wanted`.

    Args:
        names: Names that came with the values; none means that they are in order.
        values: Joint values [rad, m].
        wanted: Names in the order of the kinematics.

    Returns:
        The values in order; None where the names are not exactly the wanted ones or a value is missing.
    """
    if not names or list(names) == list(wanted):
        return values
    if len(names) != len(values) or sorted(names) != sorted(wanted):
        return None
    by_name = dict(zip(names, values, strict=True))
    return [by_name[name] for name in wanted]
