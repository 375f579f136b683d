"""What the nodes say to each other in simulated time: the fields of the real messages that the core reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

from teleop_core.signals import SafetyLevel, TeleopState


@dataclass(frozen=True)
class Permit:
    """SafetyState.

    Attributes:
        stamp: Wall clock of the patient side [s].
        authentic: Its hash fits.
        alarms: (id, level, latched) of each alarm, worst first.
    """

    stamp: float
    session: int
    sequence: int
    granted: bool
    lease: float
    ratio: float
    authentic: bool = True
    state: SafetyLevel = SafetyLevel.SELF_TEST
    alarms: tuple[tuple[str, int, bool], ...] = ()
    recovery: tuple[str, ...] = ()


@dataclass(frozen=True)
class ArmTold:
    """ArmFeedback: state and limit reasons of one pair."""

    name: str
    state: TeleopState
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Feedback:
    """TeleopFeedback; `refused` counts by name of the reason."""

    stamp: float
    session: int
    last_sequence: int
    command_stamp: float
    command_hold: float
    refused: dict[str, int]
    arms: tuple[ArmTold, ...]


@dataclass(frozen=True)
class Joints:
    """JointState: stamp [s] and positions [rad, m]."""

    stamp: float
    position: tuple[float, ...]

    @property
    def header(self) -> SimpleNamespace:
        """As the real message has it."""
        return SimpleNamespace(stamp=self.stamp)


@dataclass(frozen=True)
class Report:
    """ServoReport, the fields that somebody acts on."""

    permitted: bool
    holding: bool
    hold_reason: str
    holds: int
    permit_session: int
    permit_sequence: int
    permits_refused: int
    unauthenticated: int
    limit_reasons: list[str] = field(default_factory=list)
    limit_seconds: list[float] = field(default_factory=list)
    owner: str = ""
