"""The report: complete, self-contained, safe against what people wrote, and made of whatever there is."""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from audit.finding import ALTERED, UNFINISHED, Finding, Problem
from audit.redact import Selection, redact
from audit.report import command
from audit.report.head import read_head
from audit.report.log_events import MOST_EVENTS, read_log
from audit.report.page import render
from audit.report.verification import Verification, in_words
from audit.report.words import count, date_and_time, lasting, milliseconds, number, offset
from audit.series.model import AlarmSpan, Session
from audit.series.read import read_session
from teleop_core.audit_writer import AuditWriter

SOUND = Verification("sound", "Complete, and as it was recorded", ("Checked.",))
HEAD = {
    "format": 1,
    "session": "ab" * 16,
    "site": "robot",
    "case": "case <7> & co",
    "roles": {"operator": "trainee-07"},
    "started_utc_ns": 1_795_000_000_000_000_000,
    "versions": {"telesurgery": "0.1.0"},
}


class Page(HTMLParser):
    """What a browser would find: tags with attributes, and the text outside of scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._inside: list[str] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def folder(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded session with a head and an audit log."""
    there = tmp_path_factory.mktemp("page") / "session"
    shutil.copytree(recorded, there)
    (there / "session.json").write_text(json.dumps(HEAD))
    log = AuditWriter(there, "recorder", HEAD["session"])
    log.append("stop_request", {"reason": "<img src=x onerror=alert(2)>"}, actor="nurse")
    log.append("gap", {"topic": "/safety/state", "first": 301, "count": 2, "why": "lost on its way"})
    log.append("checkpoint", {"root": "00"})
    log.close()
    return there


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    return render(read_session(folder), SOUND)


def test_what_an_auditor_looks_for_is_there(html: str) -> None:
    page = Page(html)
    for words in (
        "case <7> & co", "trainee-07", "Complete, and as it was recorded", "telesurgery 0.1.0", "ab" * 16,
        "The permission to move was withdrawn twice: stop request (1), command silence (1).",
        "30.0 ms", "31.0 ms", "protective stop", "tool acceleration", "3.55 m/s^2", "path length",
        f"console session {0xF00D000000000001}", "5 messages of the recorded topics are missing", "/teleop/command",
        "lost on its way", "nurse",
    ):  # fmt: skip
        assert words in page.text, words
    assert len(page.of("img")) == 4, "a picture before and after each of two stops"


def test_what_people_wrote_stays_text(html: str) -> None:
    """Reasons, cases and audit records come from people: no tag of theirs is one, no dollar makes a formula."""
    page = Page(html)
    assert "<script>alert(1)</script>" in page.text
    assert "$x^2$" in page.text
    assert "<img src=x onerror=alert(2)>" in page.text
    assert [attributes.get("type") for attributes in page.of("script")] == ["application/json", None]
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_names_in_figures_and_points_stay_text(session: Session) -> None:
    """Whoever writes to the network can invent causes and arms."""
    cause = AlarmSpan("$A^2$ <i>", "<i>", 2, False, "", "", 1.0, 1.0, 2.0)
    arms = {"</script><i>": session.arms["PSM1"]}
    page = Page(render(replace(session, alarms=(cause,), arms=arms), SOUND))
    assert page.of("i") == []
    assert len(page.of("script")) == 2
    assert page.text.count("$a^2$ <i>") == 3, "twice in the timeline, once in the table"


def test_the_page_needs_nothing_from_anywhere(html: str) -> None:
    page = Page(html)
    for tag, attributes in page.tags:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, value)
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    addresses = set(re.findall(r"https?://[^\"' <)]+", html))
    assert addresses == set(), "not even the names of XML namespaces, so that nobody has to ask"
    policy = next(a["content"] for a in page.of("meta") if a.get("http-equiv") == "Content-Security-Policy")
    script = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)[-1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy is not None
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_it_can_be_read_without_seeing_it(html: str) -> None:
    """Pictures and figures have words, tables captions and headers, sections headings."""
    page = Page(html)
    assert all(attributes.get("alt") for attributes in page.of("img"))
    figures = page.of("svg")
    assert len(figures) == 8, "four figures, each for wide and for narrow pages"
    assert all(attributes.get("role") == "img" and attributes.get("aria-label") for attributes in figures)
    assert len(page.of("caption")) == len(page.of("table")) >= 9
    assert all(attributes.get("scope") in ("col", "row") for attributes in page.of("th"))
    assert page.of("html")[0]["lang"] == "en"
    identities = [attributes["id"] for _, attributes in page.tags if attributes.get("id")]
    assert len(identities) == len(set(identities)), "no id is there twice"
    for attributes in page.of("a"):
        assert (attributes["href"] or "").removeprefix("#") in identities


def test_the_points_of_the_paths_are_json_that_ends_no_script(html: str) -> None:
    found = re.search(r'<script type="application/json" id="points">(.*?)</script>', html, flags=re.DOTALL)
    assert found is not None
    points = json.loads(found[1])
    assert list(points) == ["PSM1"]
    assert len(points["PSM1"][0]) == 4


@pytest.mark.parametrize("missing", ["safety/", "teleop/", "PSM1", "endoscope"])
def test_a_page_is_made_of_whatever_there_is(tape: Any, tmp_path: Path, missing: str) -> None:
    folder = tape.write(tmp_path / "session", without=missing, until=6.5)
    page = Page(render(read_session(folder), SOUND))
    assert "whose session this is, is not known" in page.text
    assert "nan" not in page.text.lower().split()


def test_a_page_of_next_to_nothing(new_tape: Callable[[str], Any], tmp_path: Path) -> None:
    tape = new_tape("")
    tape.add(0.0, "/diagnostics", "std_msgs/msg/String", {"data": ""})
    page = Page(render(read_session(tape.write(tmp_path / "session")), SOUND))
    assert "neither safety states nor arms" in page.text


def test_damage_is_on_the_page(session: Session, html: str) -> None:
    page = Page(render(replace(session, damage=("bag_0.mcap: <cut> off",)), SOUND))
    assert "bag_0.mcap: <cut> off" in page.text
    assert "1 thing could not be read" in page.text
    assert "Every byte of the recorded files could be read" in Page(html).text


@pytest.mark.parametrize(
    ("finding", "verdict", "words"),
    [
        (
            Finding(records=9, segments=1, vouched_by=["the key a.pub"]),
            "sound",
            "from outside this folder by the key a.pub",
        ),
        (Finding(records=9, segments=1), "open", "Nobody outside this folder vouches"),
        (
            Finding(records=9, truncated=True, unsigned_tail_s=0.4, problems=[Problem(UNFINISHED, "r", "no end")]),
            "open",
            "no signed end; the last 0.40 s are not signed",
        ),
        (
            Finding(records=9, problems=[Problem(ALTERED, "recorder.000.audit.jsonl", "hash is wrong", line=8, n=7)]),
            "damaged",
            "First bad place: recorder.000.audit.jsonl, line 8, record 7: hash is wrong.",
        ),
        (Finding(), "damaged", "no audit log"),
    ],
)
def test_the_verification_in_words(finding: Finding, verdict: str, words: str) -> None:
    told = in_words(finding)
    assert told.verdict == verdict
    assert any(words in sentence for sentence in told.sentences), told.sentences


def test_many_problems_are_counted(session: Session) -> None:
    told = in_words(Finding(records=1, problems=[Problem(ALTERED, f"f{n}", "bad") for n in range(13)]))
    assert "And 3 further problems." in told.sentences


@pytest.mark.parametrize(
    "content", [b"", b"[1]", b"[" * 100_000, b"\xff\xfe", b'{"roles": 5, "versions": [1], "started_utc_ns": "x"}']
)
def test_a_bad_head_is_told_and_breaks_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "session.json").write_bytes(content)
    head = read_head(tmp_path)
    assert head.problem or head.started_utc_ns is None


def test_the_audit_log_in_words(folder: Path, tmp_path: Path) -> None:
    """Checkpoints are counted, not listed; salts are not shown; what is no record is counted."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    with next(copy.glob("recorder.*.jsonl")).open("ab") as file:
        file.write(b'{"this is": "no record"}\n')
    log = read_log(copy)
    assert log.counts == {"segment": 1, "stop_request": 1, "gap": 1, "checkpoint": 1}
    assert [event.type for event in log.events] == ["segment", "stop_request", "gap"]
    assert log.gaps == ("count: 2; first: 301; topic: /safety/state; why: lost on its way",)
    assert log.unreadable == 1
    assert not any("salt" in event.text for event in log.events)


@pytest.fixture
def little(new_tape: Callable[[str], Any], folder: Path, tmp_path: Path) -> Path:
    """Head and audit log of the session, and a bag of one message: a page of it is quickly drawn."""
    tape = new_tape("")
    tape.add(0.0, "/diagnostics", "std_msgs/msg/String", {"data": ""})
    there: Path = tape.write(tmp_path / "little")
    for path in folder.glob("*.json*"):
        shutil.copy(path, there)
    return there


def test_an_event_that_is_not_shown_is_told(little: Path) -> None:
    """Of many, those that an inquiry asks for first are shown, in order of time, and the page says how many are not."""
    assert "events shown" not in Page(render(read_session(little), SOUND)).text
    log = AuditWriter(little, "safety_monitor", HEAD["session"])
    for index in range(MOST_EVENTS):
        log.append("link", {"number": index})
    log.append("permit", {"granted": False})
    log.close()
    found = read_log(little)
    assert (len(found.events), found.listed) == (MOST_EVENTS, MOST_EVENTS + 5)
    assert {"stop_request", "gap", "permit"} <= {event.type for event in found.events}
    assert [event.utc_ns for event in found.events] == sorted(event.utc_ns for event in found.events)
    assert f"{MOST_EVENTS} of {MOST_EVENTS + 5} events shown" in Page(render(read_session(little), SOUND)).text


def test_the_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Written whole, the verdict told; bad arguments and full disks are one line and an exit code."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    out = tmp_path / "report.html"
    assert command.run(parser.parse_args([str(folder), "--out", str(out)])) == 0
    assert f"{out}: not as it was recorded" in capsys.readouterr().out, "the log has no signed checkpoint"
    assert "First bad place" in out.read_text()
    (tmp_path / "taken").mkdir()
    for arguments, code, words in (
        ([str(tmp_path / "none")], 2, "no such folder"),
        ([str(folder), "--key", str(tmp_path / "none.pem")], 2, "none.pem"),
        ([str(folder), "--namespace", "x"], 2, "--namespace x"),
        ([str(folder), "--out", str(tmp_path / "no" / "folder" / "x.html")], 4, "cannot be written"),
        ([str(folder), "--out", str(tmp_path / "taken")], 4, "cannot be written"),
    ):
        assert command.run(parser.parse_args(arguments)) == code
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "taken"}, "no half of a file is left"


def test_several_sessions_make_a_page_each(
    little: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `report records/*` does; what is no session is told, and the others are written."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    records = tmp_path / "records"
    for name in ("one", "two"):
        shutil.copytree(little, records / name)
    (records / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    given = [str(path) for path in sorted(records.iterdir())]
    assert command.run(parser.parse_args(given)) == 2
    said = capsys.readouterr()
    assert "empty: no bag/*.mcap" in said.err
    assert {path.name for path in tmp_path.glob("*.html")} == {"one.html", "two.html"}
    (tmp_path / "out").mkdir()
    assert command.run(parser.parse_args([*given[1:], "--out", "out"])) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"one.html", "two.html"}
    for arguments, words in (
        ([*given, "--out", "one.html"], "is no folder"),
        ([given[1], given[1]], "2 of the sessions would be written as one.html"),
        ([*given, "--root", "ab" * 8], "vouch for one session"),
    ):
        assert command.run(parser.parse_args(arguments)) == 2
        assert words in capsys.readouterr().err


def test_a_session_whose_bags_were_taken_out_has_a_page(little: Path, tmp_path: Path) -> None:
    """The audit log is left; nothing is said of what only the bag would have told."""
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    arguments = parser.parse_args([str(little), "--out", str(tmp_path / "page.html")])
    bags = [path.relative_to(little).as_posix() for path in little.glob("bag/*.mcap")]
    redact(little, Selection(files=bags), "data protection", "<b>asked</b>")
    assert command.run(arguments) == 0
    page = Page((tmp_path / "page.html").read_text())
    assert "bag/bag_0.mcap was taken out of the record by data protection: <b>asked</b>" in page.text
    assert "stop request" in page.text
    assert "The permission to move was never withdrawn" not in page.text
    assert "case <7> & co" in page.text
    for path in little.glob("redactions.*"):
        path.unlink()
    assert command.run(arguments) == 2, "a bag that is not there without a word"


def test_numbers_in_words() -> None:
    assert [number(value) for value in (0.0, 1234.5, 0.01234, -5.0, 12.345)] == [
        "0", "1\u202f234", "0.0123", "\u22125.00", "12.3"
    ]  # fmt: skip
    assert (number(None), number(float("nan")), milliseconds(None)) == ("\u2013",) * 3
    assert [lasting(value) for value in (0.421, 12.34, 61.0, 3700.0)] == ["0.42 s", "12.3 s", "1 min 1 s", "1 h 1 min"]
    assert (offset(16.4621), offset(3723.004)) == ("00:16.462", "1:02:03.004")
    assert date_and_time(1_795_000_000_000_000_000) == "18 November 2026, 11:06:40 UTC"
    assert (date_and_time(None), date_and_time(10**40)) == ("\u2013", "\u2013")
    assert [count(n, "stop") for n in (0, 1, 2)] == ["no stop", "1 stop", "2 stops"]


def test_the_gaps_of_a_bad_hour_do_not_fill_the_page(tmp_path: Path) -> None:
    """The first hundred, and how many there are."""
    writer = AuditWriter(tmp_path, "recorder", "ab" * 16)
    for topic in range(250):
        writer.append("gap", {"topic": f"/topic{topic}", "count": 1})
    writer.close()
    log = read_log(tmp_path)
    assert (len(log.gaps), log.counts["gap"]) == (100, 250)
    assert "/topic99" in log.gaps[-1]
