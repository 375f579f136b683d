"""Time limits that depend on the link: one row per profile.

A profile changes when a late packet or frame counts as lost; it never changes what may move how fast.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ladder:
    """Ages at which something late has an effect, all [s], rising.

    Attributes:
        degrade: Motion slows.
        hold: Arms hold; the operator re-engages when the cause is gone.
        pause: Arms hold until the operator acts.
    """

    degrade: float
    hold: float
    pause: float

    def __post_init__(self) -> None:
        """Refuse a ladder that does not rise.

        Raises:
            ValueError: names the three values.
        """
        if not 0.0 < self.degrade <= self.hold <= self.pause < float("inf"):
            raise ValueError(f"ladder must rise: degrade {self.degrade}, hold {self.hold}, pause {self.pause}")


@dataclass(frozen=True)
class Profile:
    """Limits of one kind of link.

    Attributes:
        name: lan, national or intercontinental.
        command_hold: Silence of the operator's commands that holds the arms [s].
        command_pause: Silence that needs the operator to go on [s].
        video_age: Since the newest frame of either eye was captured.
        command_age: Oldest hand sample that may still become a setpoint [s], on the clock of the patient side.
    """

    name: str
    command_hold: float
    command_pause: float
    video_age: Ladder
    command_age: float

    def __post_init__(self) -> None:
        """Refuse limits that do not rise.

        Raises:
            ValueError: names the profile and the values.
        """
        if not 0.0 < self.command_hold <= self.command_pause < float("inf"):
            raise ValueError(f"profile {self.name}: hold {self.command_hold}, pause {self.command_pause} must rise")
        if not 0.0 < self.command_age < float("inf"):
            raise ValueError(f"profile {self.name}: command_age {self.command_age} must be positive")


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("lan", 0.06, 1.0, Ladder(0.25, 0.4, 2.0), 0.15),
        Profile("national", 0.1, 1.0, Ladder(0.3, 0.5, 2.0), 0.25),
        Profile("intercontinental", 0.15, 1.0, Ladder(0.35, 0.6, 2.0), 0.4),
    )
}
