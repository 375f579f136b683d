"""Operating state of a CRTK device: which command leads from which state to which."""

from __future__ import annotations

from dataclasses import dataclass

DISABLED, ENABLED, PAUSED, FAULT = "DISABLED", "ENABLED", "PAUSED", "FAULT"

_TRANSITIONS = {
    (DISABLED, "enable"): ENABLED,
    (DISABLED, "disable"): DISABLED,
    (ENABLED, "enable"): ENABLED,
    (ENABLED, "disable"): DISABLED,
    (ENABLED, "pause"): PAUSED,
    (PAUSED, "disable"): DISABLED,
    (PAUSED, "pause"): PAUSED,
    (PAUSED, "resume"): ENABLED,
    (FAULT, "enable"): ENABLED,
    (FAULT, "disable"): DISABLED,
}
COMMANDS = ("enable", "disable", "pause", "resume", "home", "unhome")


@dataclass
class OperatingState:
    """State of one arm; starts disabled and not homed.

    Attributes:
        state: DISABLED, ENABLED, PAUSED or FAULT.
        is_homed: The joint positions are known.
        is_busy: A motion with an end (home, move) is under way.
    """

    state: str = DISABLED
    is_homed: bool = False
    is_busy: bool = False

    @property
    def ready(self) -> bool:
        """The arm may be driven."""
        return self.state == ENABLED and self.is_homed

    def command(self, name: str) -> str:
        """Carry out a state command.

        Returns:
            Empty if it was carried out, else why not, in words for the operator.
        """
        if name in ("home", "unhome"):
            if name == "home" and self.state != ENABLED:
                return f"cannot home while {self.state}: enable first"
            self.is_homed = name == "home"
            return ""
        if name not in COMMANDS:
            return f"unknown command {name!r}: use one of {', '.join(COMMANDS)}"
        following = _TRANSITIONS.get((self.state, name))
        if following is None:
            return f"cannot {name} while {self.state}"
        self.state = following
        return ""
