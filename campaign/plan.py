"""Which fault is injected when: every fault in every one of its phases several times, then at random; from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from campaign.fault_table import Fault

EACH = 3
"""Every fault in every phase at least so often."""
AT_LEAST = 400


@dataclass(frozen=True)
class Planned:
    """One injection: its number in the plan, what, when."""

    number: int
    fault: str
    phase: str

    @property
    def key(self) -> tuple[int, str, str]:
        """What it is known by when a campaign is resumed."""
        return self.number, self.fault, self.phase


def make_plan(seed: int, faults: dict[str, Fault], each: int = EACH, at_least: int = AT_LEAST) -> list[Planned]:
    """The injections of a campaign, in order: each pass goes through all faults and phases in an order of its own.

    Faults that need other processes than the rest come last, so that the rig is built anew only once.
    """
    random = Random(seed)
    cells = [(name, phase) for name, row in faults.items() for phase in row.phases]
    chosen: list[tuple[str, str]] = []
    for _ in range(each):
        one_pass = list(cells)
        random.shuffle(one_pass)
        chosen += one_pass
    chosen += [random.choice(cells) for _ in range(max(0, at_least - len(chosen)))]
    chosen.sort(key=lambda cell: faults[cell[0]].rig)
    return [Planned(number, *cell) for number, cell in enumerate(chosen)]
