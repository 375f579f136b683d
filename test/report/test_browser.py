"""The pages in a real browser: headless Chromium, without network."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from audit.report.page import render
from audit.report.verification import Verification
from audit.series.model import Session

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="NOT CHECKED IN A BROWSER: no chromium; apt-get install chromium"
)
FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--enable-logging=stderr",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip


def browse(tmp_path: Path, page: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Open a page in a new browser of its own."""
    root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    command = [str(CHROMIUM), *FLAGS, *root, f"--user-data-dir={tmp_path / 'profile'}", *flags, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)


@pytest.fixture(scope="module")
def page(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("browser") / "report.html"
    path.write_text(render(session, Verification("sound", "As it was recorded", ("Checked.",))), encoding="utf-8")
    return path


def in_frame(page: Path, width: int, probe: str) -> Path:
    """A page that shows the report so wide [px], and writes down what the probe finds in it."""
    frame = page.with_name(f"frame{width}.html")
    frame.write_text(
        f'<iframe id="f" style="border:0;width:{width}px;height:3000px" srcdoc=""></iframe><pre id="found"></pre>'
        f"<script>const f=document.getElementById('f');f.onload=()=>setTimeout(()=>{{const d=f.contentDocument;"
        f"document.getElementById('found').textContent=({probe})(d,f.contentWindow)}},300);f.srcdoc="
        f"{_script_text(page.read_text(encoding='utf-8'))};</script>",
        encoding="utf-8",
    )
    return frame


def _script_text(text: str) -> str:
    import json

    return json.dumps(text).replace("<", "\\u003c")


def errors(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_no_errors_and_the_turnable_view_is_drawn(page: Path, tmp_path: Path) -> None:
    done = browse(tmp_path, page, "--virtual-time-budget=3000", "--dump-dom")
    assert errors(done) == []
    assert re.search(r'<div class="turn" id="turn">', done.stdout), "the script has shown it"
    assert re.search(r'<output id="reading" for="instant">12\.0 s</output>', done.stdout)


@pytest.mark.parametrize("width", [1400, 390])
def test_nothing_is_wider_than_the_page(page: Path, tmp_path: Path, width: int) -> None:
    """Wide tables scroll in their own box, or become cards; and of each figure one version is shown."""
    probe = (
        "(d,w)=>[d.documentElement.scrollWidth<=w.innerWidth,"
        "[...d.querySelectorAll('figure svg')].filter(s=>s.getBoundingClientRect().width>0).length,"
        "[...d.querySelectorAll('img')].every(i=>i.naturalWidth>0)].join(' ')"
    )
    done = browse(tmp_path, in_frame(page, width, probe), "--virtual-time-budget=4000", "--dump-dom")
    assert '<pre id="found">true 4 true</pre>' in done.stdout
    assert errors(done) == []


def test_the_view_turns_by_keyboard_and_follows_the_slider(page: Path, tmp_path: Path) -> None:
    probe = (
        "(d,w)=>{const c=d.getElementById('canvas'),s=d.getElementById('instant'),before=c.toDataURL();"
        "c.dispatchEvent(new w.KeyboardEvent('keydown',{key:'ArrowLeft'}));const turned=c.toDataURL();"
        "s.value=3;s.dispatchEvent(new w.Event('input'));"
        "return [before!==turned,turned!==c.toDataURL(),d.getElementById('reading').textContent].join(' ')}"
    )
    done = browse(tmp_path, in_frame(page, 1000, probe), "--virtual-time-budget=4000", "--dump-dom")
    assert '<pre id="found">true true 3.0 s</pre>' in done.stdout


def test_it_can_be_printed_and_seen(page: Path, tmp_path: Path) -> None:
    printed, seen = tmp_path / "report.pdf", tmp_path / "report.png"
    browse(tmp_path, page, f"--print-to-pdf={printed}")
    assert printed.read_bytes().startswith(b"%PDF")
    browse(tmp_path, page, "--window-size=1400,3000", f"--screenshot={seen}")
    assert struct.unpack(">II", seen.read_bytes()[16:24]) == (1400, 3000)
