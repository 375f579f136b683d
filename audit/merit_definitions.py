"""The figures of merit in words: what each one is, its unit, how it is computed, where it is defined.

What a source does not give is a convention of this project, and is said to be one: grid, stretches, weights, speeds.
No figure has a limit that makes a surgeon good; the sources compared groups of people at tasks of their own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Definition:
    """What a figure is.

    Attributes:
        key: Field of `ArmMerit` or `Merit`, and key of the JSON.
        name: For people.
        unit: Of the figure; empty where it has none.
        scale: Factor from the SI value to the unit.
        text: How it is computed.
        source: Where it is defined; what is a convention of this project is behind "convention:".
        better: "less", "more", or empty where neither is better.
    """

    key: str
    name: str
    unit: str
    scale: float
    text: str
    source: str
    better: str = ""


_OURS = "convention: this project"
_EVA = "Oropesa et al., EVA, Surg Endosc 27(3):1029, 2013, doi 10.1007/s00464-012-2513-z"
_TIME = "Datta et al., J Am Coll Surg 193(5):479, 2001, doi 10.1016/s1072-7515(01)01041-9"
"""Measured time and number of movements, not path length."""
_SMOOTHNESS = "Balasubramanian et al., J NeuroEng Rehabil 12:112, 2015, doi 10.1186/s12984-015-0090-9"
_IDLE = "D'Angelo et al., Am J Surg 209(4):645, 2015, doi 10.1016/j.amjsurg.2014.12.013"
"""Idle is a lack of movement of both hands; the abstract gives no speed."""

ARM_DEFINITIONS = (
    Definition("following", "following", "s", 1.0, "time in which the instrument followed the hand", _OURS),
    Definition("path_length", "path length", "mm", 1e3, "distance covered by the tool tip while following: sum of the"
               " straight steps of the 50 Hz grid", f"{_EVA}; convention: grid, only while following", "less"),
    Definition("economy", "economy of motion", "", 1.0, "cube root of the volume of the box around the path, divided by"
               " the path length (economy of volume): 0 to 1, larger is more economical for the same space",
               f"{_EVA}, economy of volume; convention: only while following", "more"),
    Definition("mean_speed", "mean speed", "mm/s", 1e3, "path length divided by the time following",
               f"{_EVA}, average speed; convention: only while following"),
    Definition("peak_speed", "peak speed", "mm/s", 1e3, "99th percentile of the tip speed while following",
               _OURS),
    Definition("sparc", "smoothness, SPARC", "", 1.0, "spectral arc length of the speed profile up to 10 Hz, amplitude"
               " threshold 0.05, of each stretch of following of a second or more; mean weighted by duration."
               " Negative; nearer to 0 is smoother",
               f"{_SMOOTHNESS}, with the 10 Hz and 0.05 of its authors' program; convention: stretches, mean", "more"),
    Definition("ldlj", "smoothness, LDLJ", "", 1.0, "minus the natural logarithm of the integral of the squared jerk"
               " times duration cubed by peak speed squared; stretches and mean as above. Nearer to 0 is smoother",
               f"{_SMOOTHNESS}; convention: stretches, mean", "more"),
    Definition("idle", "idle", "%", 100.0, "share of the time following in which the tip is slower than 2 mm/s",
               f"{_IDLE}; convention: 2 mm/s, at the tip of one instrument, a share instead of periods", "less"),
)  # fmt: skip

SESSION_DEFINITIONS = (
    Definition("time", "time", "s", 1.0, "from the first to the last following of any instrument",
               f"{_TIME}; convention: from and to following", "less"),
    Definition("operating", "operating", "s", 1.0, "time in which motion was permitted", _OURS),
    Definition("clutches", "clutches", "", 1.0, "presses of the clutch pedal between the first and the last following",
               _OURS, "less"),
    Definition("path_length", "path length, all instruments", "mm", 1e3, "sum over the instruments",
               f"{_EVA}; convention: the sum", "less"),
    Definition("bimanual", "bimanual", "%", 100.0, "of the time in which any tool moved (2 mm/s or more), the share in"
               " which two or more did", _OURS, "more"),
    Definition("idle", "idle", "%", 100.0, "share of the time following in which no tool moved faster than 2 mm/s",
               f"{_IDLE}, of both hands; convention: 2 mm/s, at the tool tips, a share instead of periods", "less"),
)  # fmt: skip
