"""`python -m campaign.coverage`: do the tests run every line and every branch of the safety core? Fails below 100 %.

The files are those of core_files.py; the tests are their unit tests and the property tests. Figures: out/coverage.json.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from campaign.core_files import CORE_PARTS, ROOT, sources, unit_tests

REPORT = ROOT / "out" / "coverage.json"
_CONFIGURATION = """\
[run]
branch = true
data_file = {data}
source = {packages}
[report]
include = {files}
show_missing = true
"""


def main() -> int:
    """Run the tests and judge the coverage; returns pytest's exit code."""
    files = sources()
    packages = sorted({file.split("/", 1)[0] for file in files})
    with tempfile.TemporaryDirectory(prefix="coverage-") as folder:
        configuration = Path(folder) / "coverage.ini"
        configuration.write_text(
            _CONFIGURATION.format(data=Path(folder) / "data", packages=",".join(packages), files=",".join(files)),
            encoding="utf-8",
        )
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *unit_tests(CORE_PARTS)]
        command += ["test/property", "--cov", f"--cov-config={configuration}", "--cov-fail-under=100"]
        command += ["--cov-report=term-missing", f"--cov-report=json:{REPORT}"]
        REPORT.parent.mkdir(exist_ok=True)
        return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
