"""When state commands are answered: those that stop at once, others not before a new listener hears the arm."""

from __future__ import annotations

import pytest

from robot_driver.crtk.answers import CONNECTING, LONGEST, MOST_OWED, STOPPING, Answers


def test_nobody_new_is_answered_at_once() -> None:
    answers = Answers()
    answers.listeners(10.0, 3)
    assert answers.at_once(10.0 + CONNECTING, "enable")
    answers.listeners(20.0, 2)  # somebody left
    assert answers.at_once(20.0, "home")


def test_a_new_listener_is_answered_later_and_in_order() -> None:
    answers = Answers()
    answers.listeners(10.0, 3)
    assert not answers.at_once(10.01, "enable")
    assert not answers.at_once(10.02, "home")
    assert answers.due(10.0 + 0.9 * CONNECTING) == []
    answers.listeners(10.1, 4)
    assert answers.due(10.0 + CONNECTING) == []
    assert not answers.at_once(10.1 + CONNECTING, "enable")  # behind those that wait
    assert answers.due(10.1 + CONNECTING) == ["enable", "home", "enable"]
    assert answers.due(11.0) == []


def test_who_begins_to_listen_is_told_the_state_once() -> None:
    """Its command may have been lost; an answer to somebody is as good."""
    answers = Answers()
    answers.listeners(10.0, 1)
    assert answers.due(10.0 + 0.9 * CONNECTING) == []
    assert answers.due(10.0 + CONNECTING) == [""]
    answers.listeners(11.0, 1)
    assert answers.due(12.0) == []
    answers.listeners(12.0, 0)
    assert answers.due(13.0) == []
    answers.listeners(13.0, 1)
    assert not answers.at_once(13.0, "enable")
    assert answers.due(13.0 + CONNECTING) == ["enable"]
    assert answers.due(14.0) == []


@pytest.mark.parametrize("command", STOPPING)
def test_what_stops_the_arm_is_told_at_once(command: str) -> None:
    answers = Answers()
    answers.listeners(10.0, 3)
    assert not answers.at_once(10.0, "enable")
    assert answers.at_once(10.0, command)


def test_clients_that_come_and_go_put_nobody_off_for_ever() -> None:
    """A second at most; whoever came last is told the state when it can hear it."""
    answers, now = Answers(), 10.0
    answers.listeners(now, 1)
    assert not answers.at_once(now, "enable")
    told = []
    for turn in range(1, 15):
        now = 10.0 + 0.1 * turn
        answers.listeners(now, 1 + turn % 2)
        told += [(round(now - 10.0, 3), command) for command in answers.due(now)]
    assert told == [(LONGEST, "enable")]
    assert answers.due(now + CONNECTING) == [""]


def test_a_flood_of_commands_is_not_kept() -> None:
    answers = Answers()
    answers.listeners(10.0, 3)
    assert sum(not answers.at_once(10.0, "enable") for _ in range(1000)) == MOST_OWED
    assert len(answers.due(10.0 + CONNECTING)) == MOST_OWED
