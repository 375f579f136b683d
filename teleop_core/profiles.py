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
        command_silence: Since the last accepted operator command.
        video_age: Since the newest frame of either eye was captured.
        command_age: Oldest hand sample that may still become a setpoint [s], on the clock of the patient side.
    """

    name: str
    command_silence: Ladder
    video_age: Ladder
    command_age: float


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("lan", Ladder(0.06, 0.06, 1.0), Ladder(0.25, 0.4, 2.0), 0.15),
        Profile("national", Ladder(0.1, 0.1, 1.0), Ladder(0.3, 0.5, 2.0), 0.25),
        Profile("intercontinental", Ladder(0.15, 0.15, 1.0), Ladder(0.35, 0.6, 2.0), 0.4),
    )
}
