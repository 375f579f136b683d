"""The manifest, the tree, setup.py and CMake agree."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA_FOLDERS = ("config", "launch", "rviz", "urdf")

SETUP_VIEW = """
from setuptools import Distribution
from distutils.core import run_setup
told = run_setup("setup.py", stop_after="init")
data = {(folder, file) for folder, files in told.data_files for file in files}
print(repr((sorted(told.packages), sorted(told.entry_points["console_scripts"]), sorted(data))))
"""

# Stands in for the commands that install, and prints what they are told.
CMAKE_VIEW = """
set(PROJECT_NAME telesurgery)
function(ament_python_install_package name)
  message("package|${name}")
endfunction()
function(configure_file source target)
  message("executable|${target}|${EXECUTABLE_MODULE}:${EXECUTABLE_FUNCTION}")
endfunction()
function(install)
  message("install|${ARGV}")
endfunction()
function(set_property)
endfunction()
macro(file)
  set(words ${ARGV})
  list(REMOVE_ITEM words CONFIGURE_DEPENDS)  # not allowed in a script
  _file(${words})
endmacro()
set(CMAKE_CURRENT_BINARY_DIR "build")
include("${CMAKE_CURRENT_SOURCE_DIR}/cmake/install_manifest.cmake")
install_manifest("${CMAKE_CURRENT_SOURCE_DIR}/manifest.txt")
"""


def rows(*kinds: str) -> list[list[str]]:
    """The fields of the manifest's rows of these kinds, the kind left out."""
    fields = [line.split() for line in (ROOT / "manifest.txt").read_text().splitlines()]
    return [row[1:] for row in fields if row and row[0] in kinds]


def wanted_data() -> set[tuple[str, str]]:
    """Folder below the prefix and file, for every data file of the manifest."""
    return {
        (f"share/telesurgery/{destination}".removesuffix("/."), str(path.relative_to(ROOT)))
        for pattern, destination in rows("data")
        for path in ROOT.glob(pattern)
    }


def test_manifest_lists_every_package() -> None:
    """The packages of the manifest are exactly the import packages at the top of the tree."""
    in_tree = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"campaign"}  # for development only
    assert {name for (name,) in rows("package")} == in_tree


@pytest.mark.parametrize(("name", "target"), rows("node", "script"))
def test_executable_has_its_function(name: str, target: str) -> None:
    """The module of an executable exists and defines its function without arguments."""
    module, function = target.split(":")
    tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text())
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function]
    assert len(found) == 1, f"{name}: {module} does not define {function}"
    arguments = found[0].args
    assert len(arguments.args) == len(arguments.defaults), f"{name}: {function} must be callable without arguments"


def test_names_are_unique() -> None:
    """No two executables share a name."""
    names = [name for name, _ in rows("node", "script")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in rows("data")])
def test_data_pattern_matches(pattern: str) -> None:
    """Every pattern of the manifest matches a file."""
    assert list(ROOT.glob(pattern))


def test_no_data_file_is_left_out() -> None:
    """Every file in the data folders is installed."""
    installed = {file for _, file in wanted_data()}
    in_tree = {
        str(path.relative_to(ROOT))
        for folder in DATA_FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert in_tree - installed == set()


def test_setup_installs_the_manifest() -> None:
    """Setup.py tells setuptools the packages, executables and data files of the manifest and no others."""
    command = [sys.executable, "-W", "ignore", "-c", SETUP_VIEW]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    packages, scripts, data = ast.literal_eval(output.strip().splitlines()[-1])
    assert {name.split(".")[0] for name in packages} == {name for (name,) in rows("package")}
    assert scripts == sorted(f"{name} = {target}" for name, target in rows("node", "script"))
    assert set(data) == wanted_data()


def test_cmake_installs_the_manifest(tmp_path: Path) -> None:
    """CMake is told the packages, executables and data files of the manifest and no others."""
    cmake = Path(sys.executable).with_name("cmake")
    script = tmp_path / "view.cmake"
    script.write_text(f'set(CMAKE_CURRENT_SOURCE_DIR "{ROOT}")\n{CMAKE_VIEW}')
    command = [str(cmake) if cmake.exists() else shutil.which("cmake") or "cmake", "-P", str(script)]
    output = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stderr
    told = [line.split("|") for line in output.splitlines() if "|" in line]

    assert [[name] for kind, name in (line for line in told if line[0] == "package")] == rows("package")
    executables = [[Path(line[1]).name, line[2]] for line in told if line[0] == "executable"]
    assert executables == rows("node", "script")
    installs = [line[1].split(";") for line in told if line[0] == "install"]
    programs = [(Path(words[1]).name, words[3]) for words in installs if words[0] == "PROGRAMS"]
    expected = [(name, "lib/telesurgery") for name, _ in rows("node", "script")]
    assert sorted(programs) == sorted(expected + [(name, "bin") for name, _ in rows("script")])
    files = {
        (words[-1], str(Path(file).relative_to(ROOT)))
        for words in installs
        if words[0] == "FILES"
        for file in words[1:-2]
    }
    package_xml = ("share/telesurgery", "package.xml")  # ament_package() installs this one
    assert files | {package_xml} == wanted_data()
