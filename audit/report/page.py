"""Puts the report together: what is read, computed and drawn, into one HTML file."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timezone
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from audit.merit import merit
from audit.report import curves, paths, tables
from audit.report.head import Head, read_head
from audit.report.log_events import read_log
from audit.report.stills import MOST_STOPS, stills
from audit.report.summary import SITES, key_figures, paragraph
from audit.report.svg import Drawing
from audit.report.timeline import draw_timeline
from audit.report.verification import Verification
from audit.report.words import NOTHING, date_and_time, lasting
from audit.series.model import Session
from audit.stops import stops


def render(session: Session, verification: Verification) -> str:
    """The whole page.

    Args:
        session: The session read.
        verification: Whether its record is what was written.
    """
    head = read_head(session.bag.folder)
    found, figures, log = stops(session), merit(session), read_log(session.bag.folder)
    script = _part("paths.js")
    points = paths.points_json(session)
    return template("report.html.j2").render(
        style=Markup(page_style()),
        script=Markup(script),
        script_hash=_hash(script),
        title=f"Record of case {head.case}" if head.case else "Record of a session",
        facts=facts(session, head),
        problem=head.problem,
        verification=verification,
        summary=paragraph(session, head, found, figures),
        key_figures=key_figures(session, found, figures),
        timeline=shown(draw_timeline(session, found)),
        stops=tables.stop_table(found),
        alarms=tables.alarm_table(session),
        stills=stills(session, found),
        most_stills=MOST_STOPS,
        latency=shown(
            curves.draw_panels(
                "latency", "Latency, age of the picture and commands over time; the table holds the percentiles.",
                curves.latency_panels(session), session, found,
            )
        ),
        error=shown(
            curves.draw_panels(
                "error", "Distance of measured and commanded tool tip over time; the table holds the percentiles.",
                curves.error_panels(session), session, found,
            )
        ),
        distribution=tables.distribution_table(session),
        paths=shown(paths.draw_paths(session)),
        points=Markup(points.replace("<", "\\u003c")),
        limits=tables.limit_table(session),
        control=tables.control_table(session),
        merit=tables.merit_tables(figures),
        definitions=tables.definitions(),
        gaps=tables.gap_table(session),
        told_gaps=log.gaps,
        damage=session.damage,
        topics=tables.topic_table(session),
        log=log,
        zero_ns=session.zero_ns,
        made=date_and_time(int(datetime.now(tz=timezone.utc).timestamp() * 1e9)),
    )  # fmt: skip


def page_style() -> str:
    """The style sheet of all pages."""
    return _part("style.css")


def template(name: str) -> Template:
    """A template of the report; everything put into it is escaped, since operators wrote some of it."""
    environment = Environment(
        loader=PackageLoader("audit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def facts(session: Session, head: Head) -> list[tuple[str, str]]:
    """(name, value) of the head of the page."""
    site = SITES.get(head.site, head.site)
    return [
        ("case", head.case or NOTHING),
        ("session", head.session or NOTHING),
        ("site", site.removeprefix("at ") or NOTHING),
        ("roles", ", ".join(_role(key, value) for key, value in head.roles.items()) or NOTHING),
        ("started", date_and_time(head.started_utc_ns or session.zero_ns)),
        ("recorded", lasting(session.duration)),
        ("security of messages", session.security or NOTHING),
        ("software", ", ".join(f"{name} {version}" for name, version in head.versions.items()) or NOTHING),
        ("folder", session.bag.folder.resolve().name),
        ("namespace", session.namespace or "/"),
    ]


def shown(drawn: Drawing | None) -> dict[str, Markup] | None:
    """A figure for the template: SVG that matplotlib wrote and escaped."""
    return None if drawn is None else {"wide": Markup(drawn.wide), "narrow": Markup(drawn.narrow)}


def _role(key: str, value: str) -> str:
    return value if key.isdigit() else f"{key}: {value}"


def _part(name: str) -> str:
    return (files("audit.report") / "templates" / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """Of the script, for the page's content security policy: no other script may run in it."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
