"""requirements/ and docs/dependencies.md agree, and the lock pins everything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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
