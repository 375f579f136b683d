"""What waits for the disk, what is skipped, and what is found missing."""

from __future__ import annotations

import pytest

from audit.bulk_queue import LATEST, BulkQueue, Sample
from audit.gaps import GapBook, SequenceWatch
from audit.video_ceiling import VideoCeiling


def sample(size: int, sequence: int = 1) -> Sample:
    return Sample(0, 0, 0, sequence, bytes(size))


def test_messages_come_out_as_they_went_in() -> None:
    """In their order, once."""
    queue = BulkQueue(1000)
    given = [sample(10, number) for number in range(1, 6)]
    assert all(queue.put(item, is_video=number % 2 == 0) for number, item in enumerate(given))
    assert queue.take() == given
    assert queue.take() == []


@pytest.mark.parametrize(("stamp", "kept"), [(-1, 0), (5, 5), (2**63, LATEST), (2**64, LATEST)])
def test_a_stamp_that_a_bag_cannot_hold_is_brought_to_one_that_it_can(stamp: int, kept: int) -> None:
    """The clock of a sender can be anywhere, that of this computer too."""
    info = {"received_timestamp": stamp, "source_timestamp": stamp, "publication_sequence_number": 7}
    assert Sample.arrived(3, b"x", info) == Sample(3, kept, kept, 7, b"x")


def test_pictures_are_given_up_first() -> None:
    """Half of the room is for pictures; the rest of the messages may fill all of it."""
    queue = BulkQueue(1000)
    assert queue.put(sample(500), is_video=True)
    assert not queue.put(sample(1), is_video=True)
    assert queue.put(sample(500), is_video=False)
    assert not queue.put(sample(1), is_video=False)
    assert sum(len(item.data) for item in queue.take()) == 1000
    assert queue.put(sample(1), is_video=True)


def test_video_beyond_the_ceiling_is_skipped() -> None:
    """What a second brings can come at once; then as the ceiling allows, and a clock that goes back adds nothing."""
    ceiling = VideoCeiling(1000.0, now=5.0)
    assert ceiling.admits(5.0, 900)
    assert not ceiling.admits(5.0, 200)
    assert ceiling.admits(5.1, 199)
    assert not ceiling.admits(4.0, 100)
    assert not ceiling.admits(5.1, 100)
    assert ceiling.admits(100.0, 1000)
    assert not ceiling.admits(100.0, 1)


def test_a_ceiling_of_nothing_records_no_picture() -> None:
    """Zero is a choice: no video."""
    assert not VideoCeiling(0.0, now=0.0).admits(1000.0, 1)


def test_missing_numbers_of_a_publisher_are_found() -> None:
    """First missing one and how many; what came before the first message is not missing."""
    watch = SequenceWatch()
    assert [watch.see(number) for number in (5, 6, 9, 10)] == [None, None, (7, 2), None]


def test_a_publisher_that_starts_again_leaves_no_gap() -> None:
    """It counts from 1, and goes on from there."""
    watch = SequenceWatch()
    assert [watch.see(number) for number in (500, 501, 1, 2, 4)] == [None, None, None, None, (3, 1)]


def test_publishers_of_one_topic_do_not_disturb_each_other() -> None:
    """Two that speak in turn have no gaps, and one of each that is lost is found."""
    watch = SequenceWatch()
    assert not any(watch.see(number) for pair in zip(range(900, 950), range(1, 51), strict=True) for number in pair)
    assert [watch.see(951), watch.see(52)] == [(950, 1), (51, 1)]


def test_many_publishers_are_not_remembered_for_ever() -> None:
    """Numbers that fall again and again stay bounded."""
    watch = SequenceWatch()
    for number in range(1000, 0, -1):
        assert watch.see(number) is None
    assert len(watch._last) <= 8


def test_what_is_lost_is_gathered_and_told_once() -> None:
    """One gap for each topic and reason; the total counts at once."""
    book = GapBook()
    book.lost(10.0, "/a", 7, 2, "late")
    book.lost(10.5, "/a", 20, 1, "late")
    book.lost(10.6, "/b", 1, 1, "late")
    assert book.total == 4
    assert book.due(10.9) == []
    assert book.due(11.0) == [{"topic": "/a", "first": 7, "last": 20, "count": 3, "why": "late"}]
    assert book.due(11.1, after=0.0) == [{"topic": "/b", "first": 1, "last": 1, "count": 1, "why": "late"}]
    assert book.due(99.0) == []
    assert book.by_topic() == {"/a": 3, "/b": 1}


@pytest.mark.parametrize("why", ["slow", "full"])
def test_reasons_are_told_apart(why: str) -> None:
    """A gap has one reason."""
    book = GapBook()
    book.lost(0.0, "/a", 1, 1, why)
    book.lost(0.0, "/a", 2, 1, "other")
    assert sorted(gap["why"] for gap in book.due(5.0)) == sorted([why, "other"])
