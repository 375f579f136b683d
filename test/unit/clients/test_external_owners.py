"""Whoever has an arm keeps it, the local team takes it at once, and the refused one is told."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest

from robot_driver.arbitration import Owner
from robot_driver.crtk.refusal import CommandRefusedError


def test_whoever_has_the_arm_keeps_it_and_the_newcomer_is_told(serve: Any) -> None:
    """A client is refused while teleoperation drives, and the other way round; after the lease the arm is free."""
    served = serve("PSM1")
    assert served.control.leases.ask(served.now, Owner.TELEOPERATION) is None
    with pytest.raises(CommandRefusedError, match="the teleoperation session"):
        served.control.move_jp(served.now, served.q)
    with pytest.raises(CommandRefusedError, match="the teleoperation session"):
        served.control.hold(served.now)
    served.run(0.3)
    served.control.servo_jp(served.now, served.q, served.now)
    refusal = served.control.leases.ask(served.now, Owner.TELEOPERATION)
    assert refusal is not None
    assert "an external client" in refusal.reason


def test_an_arm_that_is_still_on_its_way_to_where_its_client_sent_it_is_not_free(serve: Any) -> None:
    """One far target of an interpolation takes longer than the lease: it lasts until the arm stands, and 0.25 s."""
    served = serve("PSM1")
    for tick in range(3):
        served.control.interpolate_jp(served.now, 0.1 * tick, serve.near("PSM1", 0.9))
        served.run(0.1)
    served.run(0.3)
    assert served.q != served.path[-2], "the arm still moves"
    assert served.control.leases.owner(served.now) is Owner.EXTERNAL
    assert served.control.leases.ask(served.now, Owner.TELEOPERATION) is not None
    while served.q != served.path[-2]:
        served.run(0.005)
    served.run(0.3)
    assert served.control.leases.owner(served.now) is None


def test_the_local_team_takes_a_moving_arm_at_once(serve: Any) -> None:
    """The client's move ends in the same moment, is told, and nobody else moves the arm until it is released."""
    served = serve("PSM1")
    served.control.move_jp(served.now, serve.near("PSM1", 0.5))
    served.run(0.3)
    holds, stood = served.arm.holds, served.q
    served.control.claim(served.now, True)
    served.run(0.5)
    assert served.q == stood
    assert served.goals == [False]
    assert served.arm.holds > holds, "who drove the arm sees a hold"
    assert any("the local team has taken the arm" in text for text in served.told)
    with pytest.raises(CommandRefusedError, match="the local team"):
        served.control.move_jp(served.now, serve.near("PSM1"))
    assert served.control.leases.ask(served.now, Owner.TELEOPERATION) is not None
    served.control.local_move(served.now, serve.near("PSM1"))
    served.until_idle()
    assert served.q == pytest.approx(serve.near("PSM1"), abs=1e-9)
    served.run(2.0)
    assert served.control.leases.owner(served.now) is Owner.LOCAL_TEAM, "its claim has no end"
    served.control.claim(served.now, False)
    served.control.move_jp(served.now, serve.near("PSM1", 0.0))
    served.until_idle()
    assert served.goals[-1]


def test_a_move_of_the_local_team_is_a_claim(serve: Any) -> None:
    """It needs none before, wins at once, and lasts until it is released; a stranger cannot release it."""
    served = serve("PSM1")
    served.control.move_jp(served.now, serve.near("PSM1", 0.5))
    served.run(0.2)
    served.control.local_move(served.now, serve.near("PSM1", 0.1))
    served.until_idle()
    assert served.q == pytest.approx(serve.near("PSM1", 0.1), abs=1e-9)
    served.control.leases.release(Owner.EXTERNAL)
    assert served.control.leases.owner(served.now) is Owner.LOCAL_TEAM


def test_a_claim_that_is_let_go_while_the_arm_is_taken_elsewhere_is_over(serve: Any) -> None:
    """Else nobody would know how to give it back."""
    served, said = serve("PSM1"), "PSM1 at /robot1 belongs to somebody"
    served.control.claim(served.now, True)
    served.arm._backend.taken = lambda _arm: said
    served.run(0.02)
    served.control.claim(served.now, False)
    assert served.control.leases.owner(served.now) is Owner.ELSEWHERE
    said = ""
    served.run(0.02)
    assert served.control.leases.owner(served.now) is None


def test_a_claim_that_is_repeated_does_not_stop_the_local_team(serve: Any) -> None:
    """The command line says it until the driver shows it; a release without a claim is nothing."""
    served = serve("PSM1")
    served.control.claim(served.now, False)
    served.control.local_move(served.now, serve.near("PSM1", 0.3))
    served.run(0.1)
    holds = served.arm.holds
    served.control.claim(served.now, True)
    served.until_idle()
    assert served.arm.holds == holds
    assert served.goals == [True]


def test_barred_clients_are_refused_and_the_local_team_is_not(serve: Any) -> None:
    """With keys in force CRTK, which has no authentication, moves nothing."""
    served = serve("PSM1", barred="external clients are refused")
    with pytest.raises(CommandRefusedError, match="external clients are refused"):
        served.control.move_jp(served.now, served.q)
    served.control.local_move(served.now, serve.near("PSM1"))
    served.until_idle()
    assert served.goals == [True]


def test_a_jaw_that_has_arrived_does_not_free_the_arm_of_a_client_that_speaks(serve: Any) -> None:
    """A client that servoes arm and jaw keeps the arm; where the jaw is already is no end of a move."""
    served = serve("PSM1")
    for _ in range(5):
        served.control.servo_jp(served.now, served.q, served.now)
        served.control.servo_jaw(served.now, served.arm.jaw_setpoint)
        served.run(0.005)
        assert served.control.leases.ask(served.now, Owner.TELEOPERATION) is not None
    assert served.goals == []


def test_no_client_slows_the_local_team_down(serve: Any) -> None:
    """The ratio is of clients' moves; one that is barred does not set it either."""
    served = serve("PSM1")
    served.control.set_ratio(1e-3)
    served.control.local_move(served.now, serve.near("PSM1"))
    served.until_idle(5.0)
    assert served.goals == [True]
    with pytest.raises(CommandRefusedError, match="refused here"):
        serve("PSM1", barred="refused here").control.set_ratio(0.5)


def test_teleoperation_that_the_gate_refuses_does_not_keep_the_arm(serve: Any) -> None:
    """A stream of hands that are too old moves nothing, so a client gets the arm; one that moves it has it."""
    served = serve("PSM1")
    for _ in range(100):
        assert not served.control.teleoperate(served.now, served.q, served.now - 9.0)
        served.run(0.005)
    assert served.control.leases.owner(served.now) is None
    served.control.servo_jp(served.now, served.q, served.now)
    assert served.control.leases.owner(served.now) is Owner.EXTERNAL
    assert not served.control.teleoperate(served.now, served.q, served.now)
    served.run(0.3)
    assert served.control.teleoperate(served.now, served.q, served.now)
    assert served.control.leases.owner(served.now) is Owner.TELEOPERATION
    assert any("teleop/servo refused: PSM1 belongs to an external client" in text for text in served.told)


def test_refused_teleoperation_does_not_turn_the_jaw_of_a_client(serve: Any) -> None:
    """What is refused is refused whole: the jaw of an old command is not taken along by the next one."""
    served = serve("PSM1")
    before = served.arm.jaw_setpoint
    assert not served.control.teleoperate(served.now, served.q, served.now - 9.0, before + 0.5)
    served.control.servo_jp(served.now, served.q, served.now)
    served.run(0.005)
    assert served.arm.jaw_setpoint == before


@pytest.mark.parametrize("command", ["servo_jp", "servo_cv", "interpolate_jp", "jaw"])
def test_a_client_whose_stream_the_gate_refuses_does_not_keep_the_arm(serve: Any, command: str) -> None:
    """Without a permit nothing moves, so teleoperation finds the arm free when it is permitted again."""
    served = serve("PSM1")
    served.permitted = False
    served.run(0.3)
    for _ in range(100):
        with contextlib.suppress(CommandRefusedError):
            if command == "servo_jp":
                served.control.servo_jp(served.now, served.q, served.now)
            elif command == "servo_cv":
                served.control.servo_cv(served.now, np.array([0.01, 0.0, 0.0, 0.0, 0.0, 0.0]))
            elif command == "interpolate_jp":
                served.control.interpolate_jp(served.now, served.now, serve.near("PSM1"))
            else:
                served.control.servo_jaw(served.now, served.arm.jaw_setpoint + 0.2)
        served.run(0.005)
    assert served.control.leases.owner(served.now) is None
    assert served.arm.hold_reason is not None


def test_an_arm_that_is_taken_at_its_own_driver_holds_is_told_and_comes_back(serve: Any) -> None:
    """Its motion ends, nobody here moves it, not even the local team, whose claim counts afterwards; then it moves."""
    served = serve("PSM1")
    robot = served.arm._backend
    served.control.move_jp(served.now, serve.near("PSM1", 0.5))
    served.run(0.2)
    holds, stood, said = served.arm.holds, served.q, ""
    robot.taken = lambda _arm: said
    said = "PSM1 at /robot1 belongs to the local team"
    served.run(0.2)
    assert (served.q, served.goals) == (stood, [False])
    assert served.arm.holds > holds, "who drove the arm sees a hold"
    assert f"arm taken: {said}" in served.told
    assert served.control.leases.owner(served.now) is Owner.ELSEWHERE
    assert not served.control.teleoperate(served.now, served.q, served.now)
    with pytest.raises(CommandRefusedError, match="somebody else at its own driver"):
        served.control.servo_jp(served.now, served.q, served.now)
    served.control.local_move(served.now, serve.near("PSM1"))
    served.run(0.1)
    assert served.q == stood
    elsewhere = tuple(value + 0.01 for value in stood)
    robot.arms["PSM1"].setpoint = robot.arms["PSM1"].position = elsewhere
    said = ""
    served.run(0.005)
    assert served.control.leases.owner(served.now) is Owner.LOCAL_TEAM, "it asked for the arm and has not let go"
    served.control.claim(served.now, False)
    assert served.control.leases.owner(served.now) is None
    assert served.q == pytest.approx(elsewhere, abs=1e-9), "no leap back"
    assert served.control.teleoperate(served.now, served.q, served.now)
