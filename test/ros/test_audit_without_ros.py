"""What reads a record needs no ROS: nothing but the standard library and what the extra `audit` installs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="a session is recorded first, with ROS")

pytestmark = pytest.mark.dds

# Runs the command line where every module of a distribution that the extra does not bring is as if it were not there.
ALONE = """
import sys
absent = set(sys.argv.pop(1).split(","))
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
for name in absent & set(sys.modules):
    del sys.modules[name]
from teleop_cli.main import main
sys.exit(main(sys.argv[1:]))
"""
ROS = {"rclpy", "telesurgery", "crtk_msgs", "std_msgs", "sensor_msgs", "geometry_msgs", "diagnostic_msgs"}


def absent_modules(root: Path) -> set[str]:
    """Modules that are installed here and that the extra does not bring."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    extra = re.search(r"^audit = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert extra
    there: set[str] = set()
    wanted = re.findall(r'"([A-Za-z0-9-]+)', extra[1])
    while wanted:
        name = wanted.pop().lower()
        if name not in there:
            there.add(name)
            needs = [need for need in metadata.requires(name) or () if "extra ==" not in need]
            wanted += [re.match(r"[A-Za-z0-9_.-]+", need)[0].replace("_", "-") for need in needs if _installed(need)]  # type: ignore[index]
    modules = metadata.packages_distributions()
    brought = {
        module for module, names in modules.items() if {name.lower().replace("_", "-") for name in names} & there
    }
    assert {"mcap", "numpy", "cryptography"} <= brought
    own = {path.parent.name for path in root.glob("*/__init__.py")}
    return {module for module in {*modules, *ROS} if module not in brought | own and not module.startswith("_")}


def _installed(need: str) -> bool:
    name = re.match(r"[A-Za-z0-9_.-]+", need)
    try:
        return name is not None and bool(metadata.version(name[0]))
    except metadata.PackageNotFoundError:
        return False


def test_every_command_but_replay_runs_without_ros(root: Path, record_session: Any, tmp_path: Path) -> None:
    """On a recorded session: verify, decisions, report, export, scores, redact; replay says what is missing."""
    folder = tmp_path / "session"
    record_session(folder)
    absent = absent_modules(root)
    assert ROS | {"psutil", "rich", "pybullet", "cv2"} <= absent

    def run(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-c", ALONE, ",".join(sorted(absent)), *arguments],
            cwd=tmp_path, env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, (arguments, done.stdout[-2000:], done.stderr[-2000:])
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    verified = json.loads(run("audit", "verify", str(folder), "--json"))
    assert verified["ok"], verified
    assert verified["messages"]["/teleop/command"]["recorded"] > 100
    assert json.loads(run("audit", "decisions", str(folder), "--json"))["ok"]
    run("audit", "report", str(folder), "--out", "report.html")
    assert (tmp_path / "report.html").stat().st_size > 10_000
    run("audit", "export", str(folder), "--out", "table.csv")
    run("audit", "scores", str(folder))
    assert "rclpy is not installed here" in run("audit", "replay", str(folder), code=2)
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    run("audit", "redact", str(copy), "--who", "data protection", "--why", "test", "--type", "stop_request")
    assert json.loads(run("audit", "verify", str(copy), "--json"))["ok"]
    for command in ("verify", "decisions", "report", "export", "scores", "replay"):
        nowhere = run("audit", command, str(tmp_path / "nowhere"), code=2)
        assert len(nowhere.strip().splitlines()) == 1, nowhere


def test_what_is_not_installed_is_told(root: Path, tmp_path: Path) -> None:
    """Exit code 2 and one line that says what to install."""
    done = subprocess.run(
        [sys.executable, "-c", ALONE, "cryptography", "audit", "verify", str(tmp_path)],
        cwd=tmp_path, env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "cryptography is not installed here: pip install" in done.stderr
    assert len(done.stderr.splitlines()) == 1
