"""Shared by all tests: the checkout on the path, an own ROS domain for tests that speak DDS."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from teleop_cli.domain import claim  # noqa: E402
from teleop_ros.shared_files import loopback_environment  # noqa: E402

os.environ.update(loopback_environment())
# How long an example takes says more of the machine than of the code.
settings.register_profile("shared machine", settings(), deadline=None)
settings.load_profile("shared machine")


@pytest.fixture(scope="session")
def root() -> Path:
    """Root of the checkout."""
    return ROOT


@pytest.fixture(autouse=True, scope="session")
def records_of_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Sessions that tests start are recorded, but not among those of the user."""
    os.environ["TELESURGERY_RECORDS"] = str(tmp_path_factory.mktemp("records"))


@pytest.fixture
def ros_domain(monkeypatch: pytest.MonkeyPatch, worker_id: str) -> Iterator[int]:
    """A ROS domain that no other test worker and no session of this machine uses."""
    with claimed(worker_id) as domain:
        monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
        yield domain


@pytest.fixture(scope="module")
def ros_domain_of_module(worker_id: str) -> Iterator[int]:
    """Such a domain for all tests of a module; it is not in the environment."""
    with claimed(worker_id) as domain:
        yield domain


@contextlib.contextmanager
def claimed(worker: str) -> Iterator[int]:
    """Holds a ROS domain that is free."""
    number = int(worker.removeprefix("gw")) if worker != "master" else 0
    wanted = [60 + (os.getpid() + number + step) % 40 for step in range(40)]
    domain, holder = next((domain, holder) for domain in wanted if (holder := claim(domain)) is not None)
    with holder:
        yield domain
