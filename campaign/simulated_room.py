"""An operating room in simulated time: every node, wired as the real ones are, and the phases a fault can fall into."""

from __future__ import annotations

import copy
import random

from campaign.recorded_input import RecordedInput
from campaign.simulated_clients import SimulatedClient
from campaign.simulated_monitor import SimulatedMonitor, draw_session
from campaign.simulated_observer import SimulatedObserver, moving
from campaign.simulated_patient import SimulatedDriver, SimulatedKinematics
from campaign.simulated_people import PlayedHands, SimulatedConsole, SimulatedEndoscope, SimulatedLink, SimulatedPeople
from campaign.simulated_robot import SimulatedRobot
from campaign.simulated_world import Route, SimulatedNode, World
from safety_monitor.recovery import ENGAGE
from teleop_console.watched_device import WatchedDevice
from teleop_core.contract import EYES
from teleop_core.profiles import Profile
from teleop_core.signals import SafetyLevel

ARMS = ("PSM1", "PSM2")
GUEST = "PSM3"
"""An arm that no hand moves: a client may have it."""
ALL_ARMS = (*ARMS, GUEST)
PHASES = ("rest", "engagement", "motion", "clutched", "recovering")
HOP, HOP_JITTER = 0.0003, 0.0003
"""From node to node on the patient side [s]."""
LINK_DELAY = {"lan": 0.001, "national": 0.015, "intercontinental": 0.075}
"""One way between the sites [s]."""
LINK_JITTER = {"lan": 0.0003, "national": 0.001, "intercontinental": 0.003}
MOTION_SCALE = 0.2
WARM_UP_LIMIT = 12.0


class RoomError(RuntimeError):
    """The fault-free room does not come to work; says what it waits for."""


class Room(World):
    """All nodes; messages are signed.

    Attributes:
        profile: Limits of the link.
    """

    def __init__(self, seed: int, recording: RecordedInput, profile: Profile) -> None:
        """Start everything."""
        super().__init__(seed)
        self.profile = profile
        draw = random.Random(f"{seed} room")
        self._sessions = random.Random(f"{seed} monitor")
        self.robot = SimulatedRobot(ALL_ARMS)
        self._wire()
        self.add(SimulatedObserver(self, self.robot))
        self.add(SimulatedPeople(self))
        self.add(SimulatedConsole(self, recording, draw.uniform(0.0, 2.0 * recording.duration), MOTION_SCALE))
        self.add(SimulatedEndoscope(self))
        self.add(SimulatedLink(self))
        self.add(SimulatedKinematics(self, ARMS, profile))
        self.add(SimulatedMonitor(self, ALL_ARMS, profile, draw_session(self._sessions)))
        self.add(SimulatedDriver(self, ALL_ARMS, profile, self.robot))
        self.add(SimulatedClient(self))
        self.nodes["driver"].publish_states()

    def restart(self, name: str) -> None:
        """A dead node is started again, as a fresh process."""
        made: SimulatedNode
        if name == "kinematics":
            made = SimulatedKinematics(self, ARMS, self.profile)
        elif name == "driver":
            made = SimulatedDriver(self, ALL_ARMS, self.profile, self.robot)
        else:
            made = SimulatedMonitor(self, ALL_ARMS, self.profile, draw_session(self._sessions))
        self.nodes[name] = made  # its timers run on in the queue
        if not self.nodes["driver"].dead:
            self.nodes["driver"].publish_states()

    def play(self, recording: RecordedInput, begin: float) -> None:
        """Let the hands play another recording, from `begin` [s] of it."""
        self.nodes["console"].device = WatchedDevice(PlayedHands(recording, begin - self.now))

    @property
    def told_state(self) -> SafetyLevel | None:
        """State on the screens."""
        told = self.nodes["people"].told
        return None if told is None else told.state

    @property
    def moves(self) -> bool:
        """An arm has moved during each of the last few samples."""
        samples = self.nodes["observer"].record.samples[-6:]
        return len(samples) == 6 and all(map(moving, samples, samples[1:]))

    @property
    def works(self) -> bool:
        """Motion is permitted, nothing is left to do, and an arm moves."""
        told = self.nodes["people"].told
        return told is not None and told.granted and not told.recovery and self.moves

    def until_works(self, limit: float) -> bool:
        """Let people do what they are told until everything works; False after `limit` [s]."""
        people = self.nodes["people"]
        people.obey, end = True, self.now + limit
        while self.now < end and not (self.works and not self.nodes["console"].clutch):
            self.run_until(self.now + 0.01)
        people.obey = False
        return self.works

    def _wire(self) -> None:
        def hop(node: str, method: str) -> Route:
            return Route(node, method, HOP, HOP_JITTER)

        def link(node: str, method: str) -> Route:
            name = self.profile.name
            return Route(node, method, LINK_DELAY.get(name, 0.001), LINK_JITTER.get(name, 0.0003))

        def screen(method: str) -> Route:
            return Route("observer", method, 0.0, 0.0)

        self.route("teleop/command", link("kinematics", "on_command"), link("monitor", "on_command"))
        self.route(
            "teleop/feedback",
            hop("monitor", "on_feedback"),
            link("console", "on_feedback"),
            screen("on_feedback"),
        )
        self.route(
            "safety/state",
            hop("driver", "on_safety_state"),
            hop("kinematics", "on_safety_state"),
            screen("on_safety_state"),
            link("people", "on_safety_state"),
            hop("client", "on_safety_state"),
        )
        self.route("safety/protective_stop", hop("driver", "on_protective_stop"), hop("monitor", "on_protective_stop"))
        self.route("link/status", hop("monitor", "on_link_status"))
        self.route("teleop/servo", hop("driver", "on_teleop_servo"))
        self.route("client", hop("driver", "on_client"))
        for arm in ALL_ARMS:
            listeners = ("kinematics", "monitor") if arm in ARMS else ("monitor",)

            def to_listeners(method: str, listeners: tuple[str, ...] = listeners) -> list[Route]:
                return [hop(node, method) for node in listeners]

            self.route(f"{arm}/setpoint_js", *to_listeners("on_arm_setpoint"))
            self.route(f"{arm}/measured_js", hop("monitor", "on_arm_measured"))
            self.route(f"{arm}/operating_state", *to_listeners("on_arm_state"))
            self.route(f"{arm}/servo_report", *to_listeners("on_arm_report"), screen("on_arm_report"))
            self.route(f"{arm}/warning", screen("on_arm_text"))
        for eye in EYES:
            self.route(f"image {eye}", Route("monitor", "on_arm_image", 0.03, 0.002))


def phases_of(seed: int, recording: RecordedInput, profile: Profile) -> dict[str, Room]:
    """The same room at each phase, ready to be copied.

    Raises:
        RoomError: the room does not come to work.
    """
    room = Room(seed, recording, profile)
    people = room.nodes["people"]
    people.obey = True
    while not (
        room.told_state is SafetyLevel.OPERATING and people.told.recovery == (ENGAGE,) and not people.told.alarms
    ):
        if room.now > WARM_UP_LIMIT:
            raise RoomError(f"not operating after {WARM_UP_LIMIT} s: {people.told}")
        people.obey = room.told_state is not SafetyLevel.OPERATING
        room.run_until(room.now + 0.01)
    people.obey = False
    room.run_until(room.now + 0.05)
    rest = _emptied(room)
    phases = {"rest": rest}

    room = phases["engagement"] = copy.deepcopy(rest)
    room.nodes["people"].pedal(True)
    room.run_until(room.now + 0.06)
    room.at(room.now + 0.12, "people", "pedal", (False,))

    room = copy.deepcopy(rest)
    if not room.until_works(WARM_UP_LIMIT):
        raise RoomError(f"no motion after {WARM_UP_LIMIT} s: {room.nodes['people'].told}")
    motion = phases["motion"] = _emptied(room)

    room = phases["clutched"] = copy.deepcopy(motion)
    room.nodes["people"].pedal(True)
    room.run_until(room.now + 0.08)
    room.at(room.now + 0.2, "people", "pedal", (False,))

    room = phases["recovering"] = copy.deepcopy(motion)
    console = room.nodes["console"]
    console.silent = True
    room.run_until(room.now + profile.command_hold + 0.05)
    console.silent = False
    room.run_until(room.now + 0.12)
    room.nodes["people"].pedal(True)
    room.at(room.now + 0.45, "people", "pedal", (False,))
    for phase in phases.values():
        _emptied(phase)
    return phases


def _emptied(room: Room) -> Room:
    """The room, with the observer's memory of what lies behind emptied."""
    record = room.nodes["observer"].record
    del record.samples[:-6], record.told[:], record.active[:-1]
    return room
