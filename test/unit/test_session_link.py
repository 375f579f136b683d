"""Profile and keys of a session: found by name or path, refused in one line before anything starts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from teleop_cli.main import main
from teleop_core.authentication import KEY_PURPOSES
from teleop_core.graph import SessionOptions, enclave, node_graph
from teleop_core.profiles import PROFILE_NAMES, ProfileError, read_profile
from teleop_ros.profile_files import check_security, find_profile, session_link

GUARDED = {"safety_monitor", "driver", "kinematics"}
SIGNING = {*GUARDED, "master_input"}


@pytest.fixture
def profiles(root: Path) -> Path:
    """Folder of the shipped profiles."""
    return root / "config" / "profiles"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder with a key for every purpose."""
    folder = tmp_path / "keys"
    folder.mkdir()
    for number, purpose in enumerate(KEY_PURPOSES, start=1):
        path = folder / f"{purpose}.key"
        path.write_text(f"{number:02x}" * 32 + "\n")
        path.chmod(0o600)
    return folder


def refused(capfd: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line with which the demo refuses these arguments; nothing else is said, nothing is started."""
    assert main(["demo", *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    return line


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_a_profile_is_found_by_name_and_by_path(profiles: Path, name: str) -> None:
    """Both ways give the same profile."""
    assert find_profile(name) == find_profile(str(profiles / f"{name}.yaml")) == read_profile(profiles / f"{name}.yaml")


def test_a_name_wins_over_a_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file called lan in the present folder does not stand in for the profile."""
    monkeypatch.chdir(tmp_path)
    Path("lan").write_text("name: moon\n")
    assert find_profile("lan").name == "lan"


@pytest.mark.parametrize("name", ["moon", "", "config", "../lan", "lan.yaml"])
def test_what_is_neither_name_nor_file_is_refused(name: str) -> None:
    """The error repeats what was asked for and lists the names."""
    with pytest.raises(ProfileError, match="neither one of lan, national, intercontinental, clinical nor a file") as no:
        find_profile(name)
    assert repr(name) in str(no.value)


def test_only_a_profile_that_requires_security_refuses_to_go_without() -> None:
    """Clinical without keys is refused with both levels; with keys it is not, and no other profile ever is."""
    for name in PROFILE_NAMES:
        check_security(find_profile(name), "mac")
        if name != "clinical":
            check_security(find_profile(name), "none")
    with pytest.raises(ProfileError, match="clinical: required_security: mac, but the level in force is none"):
        check_security(find_profile("clinical"), "none")


def test_nodes_get_paths_that_hold_from_any_folder(profiles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names stay names, paths become absolute, no keys stay no keys."""
    monkeypatch.chdir(profiles)
    assert session_link("lan", "") == ("lan", "")
    assert session_link("national.yaml", "keys") == (str(profiles / "national.yaml"), str(profiles / "keys"))


def test_a_node_refuses_with_the_name_of_the_parameter() -> None:
    """Both refusals are those of a parameter, in one line."""
    pytest.importorskip("rclpy", reason="ROS is not installed here")
    from teleop_ros.parameters import ParameterError
    from teleop_ros.profiles import profile, require_security

    assert profile("lan").name == "lan"
    require_security(profile("clinical"), "mac")
    with pytest.raises(ParameterError, match=r"^parameter profile: 'moon' is neither"):
        profile("moon")
    with pytest.raises(ParameterError, match=r"^parameter profile: clinical: required_security: mac"):
        require_security(profile("clinical"), "none")


def test_every_node_that_decides_gets_profile_and_keys() -> None:
    """The profile goes to the three nodes with limits, the keys to these and to the console, nothing to the others."""
    nodes = {spec.executable: spec.parameters for spec in node_graph(SessionOptions(profile="/p.yaml", keys="/k"))}
    recorder = nodes.pop("recorder")
    assert (recorder["profile"], recorder["key_folder"]) == (
        "/p.yaml",
        "/k",
    )  # it records the one, signs with the other
    assert {node for node, parameters in nodes.items() if parameters.get("profile") == "/p.yaml"} == GUARDED
    assert {node for node, parameters in nodes.items() if parameters.get("key_folder") == "/k"} == SIGNING
    assert not {node for node in nodes.keys() - SIGNING if {"profile", "key_folder"} & nodes[node].keys()}


def test_without_keys_the_nodes_are_told_so() -> None:
    """The key folder is empty, not left out: a parameter file elsewhere cannot slip one in."""
    nodes = {spec.executable: spec.parameters for spec in node_graph(SessionOptions())}
    assert {nodes[node]["key_folder"] for node in SIGNING} == {""}


def test_an_empty_profile_is_refused() -> None:
    """The options name field and value."""
    with pytest.raises(ValueError, match="profile: ''"):
        SessionOptions(profile="")


def test_every_node_has_an_enclave_of_its_own() -> None:
    """No two processes share keys and permissions."""
    paths = [enclave(spec.executable) for spec in node_graph(SessionOptions())]
    assert len(set(paths)) == len(paths)
    assert all(path.startswith("/telesurgery/") for path in paths)


def test_the_demo_refuses_a_bad_profile_before_anything_starts(
    profiles: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and one line with file, field and value."""
    path = tmp_path / "mine.yaml"
    path.write_text((profiles / "lan.yaml").read_text().replace("command_hold: 0.06", "command_hold: .nan"))
    line = refused(capfd, "--profile", str(path))
    assert line == f"telesurgery: --profile: {path}: command_hold: nan is not within 0.02 to 0.5 s"
    assert "'moon' is neither" in refused(capfd, "--profile", "moon")


def test_the_demo_refuses_a_patient_without_keys(capfd: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and one line that names field, both levels and what to do."""
    line = refused(capfd, "--profile", "clinical")
    assert "clinical: required_security: mac, but the level in force is none" in line
    assert "telesurgery keys" in line


def test_the_demo_refuses_keys_that_no_node_could_use(keys: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A missing key, and one that others can read: exit code 2 and one line with the file."""
    (keys / "permit.key").chmod(0o644)
    line = refused(capfd, "--keys", str(keys))
    assert line.startswith(f"telesurgery: --keys: {keys / 'permit.key'}: ")
    os.remove(keys / "permit.key")
    assert f"{keys / 'permit.key'}: No such file" in refused(capfd, "--keys", str(keys))


def test_good_keys_are_taken(keys: Path) -> None:
    """A folder with all keys passes, with the profile that requires them."""
    from teleop_cli.link_options import link_to_use
    from teleop_cli.main import parser

    chosen = parser().parse_args(["demo", "--profile", "clinical", "--keys", str(keys)])
    assert link_to_use(chosen) == ("clinical", str(keys))
