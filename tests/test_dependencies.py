"""requirements/ and docs/dependencies.md agree, and the lock pins everything."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
GROUPS = sorted((ROOT / "requirements").glob("*.in"))
LOCK = (ROOT / "requirements" / "lock.txt").read_text()


def ranges(path: Path) -> dict[str, str]:
    """Package, with its extras, -> range."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    matches = [re.fullmatch(r"([\w.-]+(?:\[\w+\])?)(.+)", line) for line in lines]
    return {match[1]: match[2] for match in matches if match}


def table(page: str, group: str) -> dict[str, str]:
    """The same from the table in the section of `group`."""
    section = re.search(rf"^## {group}\b.*?(?=^## |\Z)", page, flags=re.DOTALL | re.MULTILINE)
    assert section, f"no section {group}"
    rows = [line.strip("|").split("|") for line in section[0].splitlines() if line.startswith("|")]
    assert all(len(row) == 4 and all(cell.strip() for cell in row) for row in rows)
    return {row[0].strip(): row[1].strip() for row in rows[2:]}


@pytest.mark.parametrize("group", GROUPS, ids=lambda path: path.stem)
def test_the_page_names_every_dependency_with_its_range(group: Path) -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text()
    assert ranges(group)
    assert table(page, group.stem) == ranges(group)


@pytest.mark.parametrize("group", [g for g in GROUPS if g.stem != "media"], ids=lambda p: p.stem)
def test_the_lock_pins_every_dependency(group: Path) -> None:
    for package in ranges(group):
        name = re.sub(r"\[.*|_", lambda m: "-" if m[0] == "_" else "", package).lower()
        assert re.search(rf"^{re.escape(name)}==", LOCK, flags=re.MULTILINE), package


def test_the_lock_names_versions_only() -> None:
    lines = LOCK.splitlines()
    assert len(lines) > 100
    assert [line for line in lines if not re.match(r"[\w.-]+==[\w.!+]+( ; .+)?$", line)] == []


# Versions of Ubuntu 24.04, which rosdep installs on ROS 2 Jazzy.
UBUNTU = {
    "opencv-contrib-python-headless": "4.6.0",
    "psutil": "5.9.8",
    "rich": "13.7.1",
    "soundfile": "0.12.1",
}
# Come with those that the written lines name.
BROUGHT = {"zstandard": "rosbags"}


def written_line(path: Path) -> list[Requirement]:
    """What a page or a Dockerfile has pip install on ROS 2 Jazzy."""
    line = re.search(r"pip3 install(?:.*\\\n)+.*", path.read_text())
    assert line, path
    words = shlex.split(line[0].replace("\\\n", " "))[2:]
    at = words.index("--constraint")
    return [Requirement(w) for w in (*words[:at], *words[at + 2 :]) if not w.startswith("--")]


@pytest.mark.parametrize("path", ["README.md", "docker/Dockerfile.nano"])
def test_on_jazzy_every_dependency_comes_from_apt_or_from_the_written_line(path: str) -> None:
    named = {item.name: item for item in written_line(ROOT / path)}
    wanted = {r.name: r for r in map(Requirement, map("".join, ranges_of("run").items()))}
    missing = [name for name in wanted if name not in named and BROUGHT.get(name) not in named]
    assert sorted(missing) == sorted(UBUNTU)
    for name in missing:
        assert wanted[name].specifier.contains(UBUNTU[name]), f"{name}: {UBUNTU[name]} in Ubuntu"
    # What the constraints do not have has a range of its own.
    assert [name for name in named if name not in wanted and not named[name].specifier] == []


def ranges_of(group: str) -> dict[str, str]:
    return ranges(ROOT / "requirements" / f"{group}.in")


def test_constraints_have_no_extras() -> None:
    """pip refuses a constraint file with extras."""
    assert [name for name in ranges_of("run") if "[" in name] == []
