"""Operating state of a CRTK device, as the arms and the masters have it."""

from teleop_core.operating_state import COMMANDS, DISABLED, ENABLED, FAULT, PAUSED, OperatingState

__all__ = ["COMMANDS", "DISABLED", "ENABLED", "FAULT", "PAUSED", "OperatingState"]
