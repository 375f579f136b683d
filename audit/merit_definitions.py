"""The figures of merit in words: what each one is, its unit, how it is computed, where it is defined."""

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
        source: Where it is defined.
        better: "less", "more", or empty where neither is better.
    """

    key: str
    name: str
    unit: str
    scale: float
    text: str
    source: str
    better: str = ""


ARM_DEFINITIONS = (
    Definition("following", "following", "s", 1.0, "time in which the instrument followed the hand", "this project"),
    Definition("path_length", "path length", "mm", 1e3, "distance covered by the tool tip while following: sum of the"
               " straight steps of the 50 Hz grid", "Datta et al., J Am Coll Surg 193:479, 2001", "less"),
    Definition("economy", "economy of motion", "", 1.0, "cube root of the volume of the box around the path, divided by"
               " the path length (economy of volume): 0 to 1, larger is more economical for the same space",
               "Oropesa et al., Surg Endosc 27:1029, 2013 (EVA)", "more"),
    Definition("mean_speed", "mean speed", "mm/s", 1e3, "path length divided by the time following",
               "Oropesa et al., Surg Endosc 27:1029, 2013"),
    Definition("peak_speed", "peak speed", "mm/s", 1e3, "99th percentile of the tip speed while following",
               "this project"),
    Definition("sparc", "smoothness, SPARC", "", 1.0, "spectral arc length of the speed profile up to 10 Hz, amplitude"
               " threshold 0.05, of each stretch of following of a second or more; mean weighted by duration."
               " Negative; nearer to 0 is smoother", "Balasubramanian et al., J NeuroEng Rehabil 12:112, 2015", "more"),
    Definition("ldlj", "smoothness, LDLJ", "", 1.0, "minus the natural logarithm of the integral of the squared jerk"
               " times duration cubed by peak speed squared; stretches and mean as above. Nearer to 0 is smoother",
               "Balasubramanian et al., J NeuroEng Rehabil 12:112, 2015", "more"),
    Definition("idle", "idle", "%", 100.0, "share of the time following in which the tip is slower than 2 mm/s",
               "after D'Angelo et al., Am J Surg 209(4):645, 2015", "less"),
)  # fmt: skip

SESSION_DEFINITIONS = (
    Definition("time", "time", "s", 1.0, "from the first to the last following of any instrument",
               "Datta et al., J Am Coll Surg 193:479, 2001", "less"),
    Definition("operating", "operating", "s", 1.0, "time in which motion was permitted", "this project"),
    Definition("clutches", "clutches", "", 1.0, "presses of the clutch pedal between the first and the last following",
               "count of the pedal, as on da Vinci systems", "less"),
    Definition("path_length", "path length, all instruments", "mm", 1e3, "sum over the instruments",
               "Datta et al., J Am Coll Surg 193:479, 2001", "less"),
    Definition("bimanual", "bimanual", "%", 100.0, "of the time in which any tool moved (2 mm/s or more), the share in"
               " which two or more did", "this project, after bimanual dexterity in Oropesa et al. 2013", "more"),
    Definition("idle", "idle", "%", 100.0, "share of the time following in which no tool moved faster than 2 mm/s",
               "after D'Angelo et al., Am J Surg 209(4):645, 2015", "less"),
)  # fmt: skip
