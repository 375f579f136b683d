"""Faults of those who may own an arm: CRTK clients that know no manners or vanish, and the local team, which wins.

An arm of the session belongs to it while it moves; the guest arm is nobody's, so a client can have it meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from campaign.simulated_clients import Speech
from campaign.simulated_faults import FaultMaker, Injection, Outcome, Scene, nothing
from campaign.simulated_room import GUEST
from robot_driver.arbitration import Owner
from teleop_core.arm_model import arm_model
from teleop_core.se3 import Pose

HOP = 0.005
"""One hop of the middleware, its jitter and a servo period, generously [s]."""
CREEP, PACE, AWAY = 0.0005, 0.1, 0.3
"""Step from the setpoint [rad], speed of a joint [rad/s], goal of a move [rad]."""
FLOOD = 10
"""Messages in each servo period of a client that knows no measure: 2,000 a second."""
SPEAKS_BEFORE = 0.6
"""A client moves its arm for so long before something happens to it [s]."""
PERMITTED_AFTER = 0.6
"""In phase "recovering" motion is permitted again after this long [s]."""
STOPS_AFTER = {"servo_jp": HOP, "servo_cv": 0.1 + 0.15, "interpolate_jp": 0.4}
"""Silence that stops the arm, and its braking, by command [s]."""
TELEOPERATION = f"belongs to {Owner.TELEOPERATION.value}"
LOCAL_TEAM = f"belongs to {Owner.LOCAL_TEAM.value}"


def _moved(q: tuple[float, ...], way: float) -> tuple[float, ...]:
    return (q[0] + way, *q[1:])


MOTIONS: dict[str, Callable[[tuple[float, ...], tuple[float, ...], float], Any]] = {
    "servo_jp": lambda q, _start, _since: _moved(q, CREEP),
    "servo_cv": lambda _q, _start, _since: (0.01, 0.0, 0.0, 0.0, 0.0, 0.0),
    "interpolate_jp": lambda _q, start, since: _moved(start, PACE * since),
    "move_jp": lambda _q, start, _since: _moved(start, AWAY),
}
"""How a client moves an arm, by command."""
STREAMS = tuple(STOPS_AFTER)


def _far(q: tuple[float, ...]) -> Pose:
    here = arm_model(GUEST).forward(q)
    return Pose(here.position + 10.0, here.quaternion)


RUBBISH: dict[str, tuple[str, Callable[[tuple[float, ...]], Any]]] = {
    "nan": ("servo_jp", lambda q: (math.nan, *q[1:])),
    "infinite": ("servo_jp", lambda q: (*q[:5], -math.inf)),
    "leap": ("servo_jp", lambda q: _moved(q, 0.5)),
    "short": ("servo_jp", lambda q: q[:2]),
    "empty": ("servo_jp", lambda _q: ()),
    "long": ("servo_jp", lambda q: (*q, 0.0)),
    "nan in a move": ("move_jp", lambda q: (math.nan, *q[1:])),
    "short move": ("move_jp", lambda q: q[:5]),
    "nan in an interpolation": ("interpolate_jp", lambda q: (*q[:2], math.nan, *q[3:])),
    "nan in a twist": ("servo_cv", lambda _q: (0.0, math.nan, 0.0, 0.0, 0.0, 0.0)),
    "no unit quaternion": ("servo_cp", lambda q: Pose(arm_model(GUEST).forward(q).position, _far(q).quaternion * 2.0)),
    "outside the room": ("servo_cp", _far),
}
"""What is refused, by name: the command, and its value from the setpoint."""


def client_wants_session_arm(scene: Scene) -> Injection:
    """A client wants an arm that the session moves; one that the session leaves alone it may have."""
    verb, times = scene.random.choice(tuple(MOTIONS)), scene.random.choice((1, FLOOD))
    client, taken = scene.room.nodes["client"], scene.phase == "motion"
    return Injection(
        lambda: client.speak(Speech(scene.arm, verb, MOTIONS[verb], times, waits=False)),
        client.fall_silent,
        scene.random.uniform(0.1, 0.4),
        Outcome.REFUSED if taken else Outcome.BOUNDED,
        0.0,
        (f"told {verb} refused: {scene.arm} {TELEOPERATION}",) if taken else (),
        f"{times} {verb} for {scene.arm} in each period",
        arms=() if taken else (scene.arm,),
    )


def client_rubbish(scene: Scene) -> Injection:
    """A client of a free arm sends what is no command, once in each servo period or ten times."""
    name, times = scene.random.choice(tuple(RUBBISH)), scene.random.choice((1, FLOOD))
    verb, value = RUBBISH[name]
    client = scene.room.nodes["client"]
    return Injection(
        lambda: client.speak(Speech(GUEST, verb, lambda q, _start, _since: value(q), times, waits=False)),
        client.fall_silent,
        scene.random.uniform(0.1, 0.4),
        Outcome.REFUSED,
        0.0,
        (f"told {verb} refused",),
        f"{verb}, {name}, {times} times in each period",
    )


def client_old_stamps(scene: Scene) -> Injection:
    """The clock of a client of a free arm is wrong, so that its commands come old, or from the future."""
    age = scene.room.profile.command_age * scene.duration(1.5, 100.0) * scene.random.choice((-1.0, 1.0))
    client = scene.room.nodes["client"]
    speech = Speech(GUEST, "servo_jp", MOTIONS["servo_jp"], clock=-age, waits=False)
    return Injection(
        lambda: client.speak(speech),
        client.fall_silent,
        scene.random.uniform(0.1, 0.4),
        Outcome.REFUSED,
        0.0,
        ("told servo_jp refused",),
        f"commands {age:.2f} s old",
    )


def client_flood(scene: Scene) -> Injection:
    """A client that has an arm sends ten times as much as is used: that arm moves within limits, the others as ever."""
    verb = scene.random.choice(STREAMS)
    client = scene.room.nodes["client"]
    return Injection(
        lambda: client.speak(Speech(GUEST, verb, MOTIONS[verb], FLOOD)),
        client.fall_silent,
        scene.random.uniform(0.2, 0.5),
        Outcome.BOUNDED,
        0.0,
        (),
        f"{FLOOD} {verb} in each period",
        arms=(GUEST,),
    )


def _strikes(scene: Scene) -> float:
    return SPEAKS_BEFORE + (PERMITTED_AFTER if scene.phase == "recovering" else 0.0)


def client_lost(scene: Scene) -> Injection:
    """A client is killed while it moves an arm with a stream: silence is a stop."""
    verb, client, strikes = scene.random.choice(STREAMS), scene.room.nodes["client"], _strikes(scene)

    def start() -> None:
        client.speak(Speech(GUEST, verb, MOTIONS[verb]))
        scene.later(strikes, client.fall_silent)

    return Injection(
        start,
        nothing,
        0.1,
        Outcome.STOP,
        STOPS_AFTER[verb],
        ("gate no commands",),
        f"client lost in {verb}",
        arms=(GUEST,),
        strikes=strikes,
    )


def client_lost_in_move(scene: Scene) -> Injection:
    """A client is killed in the middle of a move, which ends at its goal, and not beyond."""
    client, strikes = scene.room.nodes["client"], _strikes(scene)
    speech = Speech(GUEST, "move_jp", MOTIONS["move_jp"], once=True)

    def start() -> None:
        scene.later(strikes - 0.1, lambda: client.speak(speech))

    return Injection(
        start,
        nothing,
        0.1,
        Outcome.STOP,
        1.0,
        ("gate no commands",),
        "client lost in move_jp",
        arms=(GUEST,),
        strikes=strikes,
    )


def _claim(scene: Scene, arm: str, taken: bool) -> Callable[[], None]:
    return lambda: scene.room.at(scene.room.now, "driver", "on_claim", (arm, taken))


def local_team_takes(scene: Scene) -> Injection:
    """The local team takes an arm of the session: it stands whatever the hands do, and the others go on."""
    return Injection(
        _claim(scene, scene.arm, True),
        _claim(scene, scene.arm, False),
        scene.random.uniform(0.1, 0.4),
        Outcome.STOP,
        HOP,
        (f"limit the arm {LOCAL_TEAM}", f"told teleop/servo refused: {scene.arm} {LOCAL_TEAM}"),
        f"the local team takes {scene.arm}",
        arms=(scene.arm,),
    )


def local_team_takes_from_client(scene: Scene) -> Injection:
    """The local team takes an arm from a client that moves it and goes on speaking."""
    verb, client, strikes = scene.random.choice(tuple(MOTIONS)), scene.room.nodes["client"], _strikes(scene)

    def start() -> None:
        begins = strikes - 0.1 if verb == "move_jp" else 0.0  # in the middle of it
        scene.later(begins, lambda: client.speak(Speech(GUEST, verb, MOTIONS[verb])))
        scene.later(strikes, _claim(scene, GUEST, True))

    def end() -> None:
        client.fall_silent()
        scene.later(0.02, _claim(scene, GUEST, False))

    return Injection(
        start,
        end,
        scene.random.uniform(0.1, 0.4),
        Outcome.STOP,
        HOP,
        (f"told {verb} ended: the local team has taken", f"told {verb} refused: {GUEST} {LOCAL_TEAM}"),
        f"the local team takes {GUEST} from a client, {verb}",
        arms=(GUEST,),
        strikes=strikes,
    )


def client_wants_local_teams_arm(scene: Scene) -> Injection:
    """A client wants an arm that the local team has."""
    verb, client = scene.random.choice(STREAMS), scene.room.nodes["client"]

    def start() -> None:
        _claim(scene, GUEST, True)()
        scene.later(HOP, lambda: client.speak(Speech(GUEST, verb, MOTIONS[verb], waits=False)))

    def end() -> None:
        client.fall_silent()
        scene.later(0.02, _claim(scene, GUEST, False))

    return Injection(
        start,
        end,
        scene.random.uniform(0.1, 0.4),
        Outcome.REFUSED,
        HOP,
        (f"told {verb} refused: {GUEST} {LOCAL_TEAM}",),
        f"{verb} for {GUEST}, which the local team has",
    )


CLIENT_FAULTS: dict[str, FaultMaker] = {
    maker.__name__: maker
    for maker in (
        client_wants_session_arm,
        client_rubbish,
        client_old_stamps,
        client_flood,
        client_lost,
        client_lost_in_move,
        local_team_takes,
        local_team_takes_from_client,
        client_wants_local_teams_arm,
    )
}
"""Name -> what draws it."""
