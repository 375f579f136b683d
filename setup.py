"""Installs with pip what manifest.txt lists; name, version and description come from package.xml."""

from __future__ import annotations

from collections import defaultdict
from glob import glob
from xml.etree import ElementTree

from setuptools import find_packages, setup

PACKAGE = ElementTree.parse("package.xml").getroot()
NAME = PACKAGE.findtext("name")


def rows(*kinds: str) -> list[list[str]]:
    """The fields of the manifest's rows of these kinds, the kind left out."""
    with open("manifest.txt", encoding="utf-8") as manifest:
        fields = [line.split() for line in manifest]
    return [row[1:] for row in fields if row and row[0] in kinds]


def data_files() -> list[tuple[str, list[str]]]:
    """Data files by the folder they go to."""
    found: dict[str, list[str]] = defaultdict(list)
    for pattern, destination in rows("data"):
        found[f"share/{NAME}/{destination}".removesuffix("/.")] += sorted(glob(pattern))
    return list(found.items())


setup(
    name=NAME,
    version=PACKAGE.findtext("version"),
    description=PACKAGE.findtext("description"),
    license=PACKAGE.findtext("license"),
    python_requires=">=3.10",
    packages=find_packages(include=[pattern for (name,) in rows("package") for pattern in (name, f"{name}.*")]),
    package_data={"audit.report": ["templates/*"]},
    data_files=data_files(),
    entry_points={"console_scripts": [f"{name} = {target}" for name, target in rows("node", "script")]},
)
