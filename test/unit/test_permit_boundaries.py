"""The holder of a permit at the edge that the other tests leave open: the session that is none."""

from __future__ import annotations

from teleop_core.permit import PermitHolder


def test_session_0_never_begins() -> None:
    """After the lease of a session another one may begin, but not the number that means none."""
    holder = PermitHolder()
    assert holder.take(10.0, True, 5, 1, 0.1, 1.0)
    assert not holder.valid(10.2)
    assert not holder.take(10.2, True, 0, 1, 0.1, 1.0)
    assert not holder.valid(10.2)
    assert holder.permit_session == 5
    assert holder.take(10.3, True, 6, 1, 0.1, 1.0)
