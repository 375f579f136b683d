"""The fault campaign in simulated time: the real core, a robot that costs nothing, thousands of faults.

    python -m campaign.simulated --seed 1 --count 2100
    python -m campaign.simulated --only 1000042

Each injection copies a room in which everything works, at rest, at engagement, in motion, clutched or recovering, lets
one fault happen to it, watches, removes the fault, and lets people do what they are told until the arms move again.
What is drawn follows from the seed of its row alone.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from campaign.recorded_input import RecordedInput, recorded_input
from campaign.simulated_client_faults import CLIENT_FAULTS
from campaign.simulated_command_faults import COMMAND_FAULTS
from campaign.simulated_faults import MARGIN, FaultMaker, Injection, Outcome, Scene
from campaign.simulated_judge import Course, Judgement, judge
from campaign.simulated_observer import Record
from campaign.simulated_packet_faults import PACKET_FAULTS
from campaign.simulated_permit_faults import PERMIT_FAULTS
from campaign.simulated_room import ARMS, PHASES, Room, phases_of
from campaign.simulated_site_faults import SITE_FAULTS
from campaign.simulated_watch_faults import WATCH_FAULTS
from safety_monitor.recovery import ENGAGE
from teleop_core.graph import BUILT_IN_SURGEON
from teleop_ros.profile_files import find_profile

FAULTS: dict[str, FaultMaker] = {
    **COMMAND_FAULTS,
    **PACKET_FAULTS,
    **PERMIT_FAULTS,
    **WATCH_FAULTS,
    **SITE_FAULTS,
    **CLIENT_FAULTS,
}
PER_ROOM = 120
"""Injections in copies of one room."""
PROFILES = ("lan", "intercontinental", "national")
BEGINS_WITHIN = 0.03
"""A fault begins within this time after the phase does [s]."""
LOOK_AHEAD = 1.0
"""A fault may be drawn by what happens without it within this time [s]."""
RECOVERY_LIMIT = 8.0
"""Once the fault is removed the arms move again within this time [s]."""
INDEX_RANGE = 1_000_000
"""Seed of a row: seed of the campaign times this, plus its index."""

Row = dict[str, Any]


@dataclass
class _Base:
    """A room at one phase, and the same room in which no fault happens.

    Attributes:
        room: To be copied, never run.
        twin: Runs as far as somebody has looked.
    """

    room: Room
    twin: Room

    @property
    def undisturbed(self) -> Record:
        """What happens without a fault."""
        record: Record = self.twin.nodes["observer"].record
        return record


class SimulatedCampaign:
    """Injections of one campaign, in any order."""

    def __init__(self, seed: int, recording: RecordedInput) -> None:
        """Nothing happens yet.

        Args:
            seed: Of the campaign.
            recording: What the operator's hands do.
        """
        self._seed = seed
        self._recording = recording
        self._rooms: dict[int, dict[str, _Base]] = {}
        names = sorted(FAULTS)
        random.Random(f"{seed} order").shuffle(names)
        # Every fault once, then every fault once more in another phase, and so on.
        self.order = [
            (name, PHASES[(place + turn) % len(PHASES)])
            for turn in range(len(PHASES))
            for place, name in enumerate(names)
        ]

    def row(self, index: int) -> Row:
        """Result of one injection."""
        name, phase = self.order[index % len(self.order)]
        return self.inject(index, name, phase)

    def inject(self, index: int, name: str, phase: str) -> Row:
        """Inject a fault in a phase; what is drawn follows from the index."""
        base = self._base(index // PER_ROOM, phase)
        draw = random.Random(f"{self._seed} {index}")
        room = copy.deepcopy(base.room)
        room.run_until(room.now + draw.uniform(0.0, BEGINS_WITHIN))
        base.twin.run_until(max(base.twin.now, room.now + LOOK_AHEAD))
        injection = FAULTS[name](Scene(room, draw, phase, draw.choice(ARMS), base.undisturbed))
        course, record = _happen(room, injection, phase == "recovering", base.twin)
        found = judge(injection, record, base.undisturbed, course)
        unrecovered = _recovered(room, injection, phase)
        row = _row(name, phase, self._seed * INDEX_RANGE + index, injection, found, unrecovered)
        if row["undetected"] or row["unexplained"]:
            row["explanation"] += (
                f" [{room.profile.name}; told: {_summary(record, course)}; {'; '.join(room.failures[:2])}]"
            )
        return row

    def _base(self, number: int, phase: str) -> _Base:
        if number not in self._rooms:
            profile = find_profile(PROFILES[number % len(PROFILES)])
            rooms = phases_of(self._seed * 1000 + number, self._recording, profile)
            # One room at a time is kept, as each takes some megabytes.
            self._rooms = {number: {name: _Base(room, copy.deepcopy(room)) for name, room in rooms.items()}}
        return self._rooms[number][phase]


def run(
    seed: int, count: int, progress: Callable[[int, int], None], source: str = BUILT_IN_SURGEON, first: int = 0
) -> Iterator[Row]:
    """Results of a campaign, one after the other.

    Args:
        seed: Of the campaign.
        count: How many injections.
        progress: Called after each with how many are done and how many there are.
        source: Input of the operator's hands: "surgeon", a file of recorded hands, a recording (.jsonl), or the
            decision log of the kinematics of a live session (.log).
        first: Index of the first one, to go on where another run ended.
    """
    campaign = SimulatedCampaign(seed, recorded_input(source, seed))
    for index in range(first, count):
        yield campaign.row(index)
        progress(index + 1, count)


def _happen(room: Room, injection: Injection, held: bool, twin: Room) -> tuple[Course, Record]:
    begun = room.now + injection.strikes
    injection.start()
    ended = begun + injection.duration
    room.run_until(ended)
    injection.end()
    stops = injection.outcome is Outcome.STOP
    seen = max(begun + injection.threshold + MARGIN + 0.3, ended + 0.1) if stops else ended + 0.3
    room.run_until(seen)
    twin.run_until(max(twin.now, seen))
    releases = tuple(room.nodes["people"].releases)
    return Course(begun, ended, seen, releases, held), room.nodes["observer"].record


def _recovered(room: Room, injection: Injection, phase: str) -> str:
    """Let people do what they are told; why it does not lead back to moving arms, empty if it does."""
    told = room.nodes["people"].told
    waits = told is not None and told.granted and told.recovery in ((), (ENGAGE,))
    if waits and phase == "rest" and injection.outcome is not Outcome.STOP:
        return ""
    if room.works or room.until_works(RECOVERY_LIMIT):
        return ""
    told = room.nodes["people"].told
    state = f"{told.state.name}, alarms {', '.join(alarm[0] for alarm in told.alarms)}, steps {told.recovery}"
    return f"no motion {RECOVERY_LIMIT} s after the fault was removed: {state}"


def _row(name: str, phase: str, seed: int, injection: Injection, found: Judgement, unrecovered: str) -> Row:
    unexplained = "; ".join(text for text in (found.unexplained, unrecovered) if text)
    text = f"{injection.text}: {injection.outcome.value}"
    return {
        "fault": name,
        "phase": phase,
        "seed": seed,
        "live": False,
        "detect_ms": None if found.detect is None else round(found.detect * 1000.0, 3),
        "stop_ms": None if found.stop is None else round(found.stop * 1000.0, 3),
        "undetected": bool(found.undetected),
        "unexplained": bool(unexplained),
        "explanation": "; ".join(part for part in (text, found.undetected, unexplained) if part),
    }


def _summary(record: Record, course: Course) -> str:
    seen: dict[str, float] = {}
    for time, key in record.told:
        if time >= course.begun:
            seen.setdefault(key, time - course.begun)
    return ", ".join(f"{key} +{after * 1000.0:.0f} ms" for key, after in list(seen.items())[:12])


def main() -> int:
    """Run a campaign and print what it finds; 0 if nothing was undetected or unexplained."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=2100)
    parser.add_argument("--input", default=BUILT_IN_SURGEON, help="surgeon, or a file: see campaign.recorded_input")
    parser.add_argument("--only", type=int, help="repeat the injection of the row with this seed")
    arguments = parser.parse_args()
    if arguments.only is not None:
        seed, index = divmod(arguments.only, INDEX_RANGE)
        rows: Iterator[Row] = iter([SimulatedCampaign(seed, recorded_input(arguments.input, seed)).row(index)])
    else:
        rows = run(arguments.seed, arguments.count, _told_progress, arguments.input)
    bad = 0
    for row in rows:
        if row["undetected"] or row["unexplained"] or arguments.only is not None:
            bad += row["undetected"] or row["unexplained"]
            print(json.dumps(row), flush=True)
    return 1 if bad else 0


def _told_progress(done: int, count: int) -> None:
    if done % 50 == 0 or done == count:
        print(f"{done} of {count} injections", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
