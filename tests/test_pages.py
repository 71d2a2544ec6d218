"""The pages for readers: what they show is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def loose_rows(page: str) -> list[int]:
    """The lines (from 1) where rows begin without the head of a table; they show as plain text."""
    lines = [*page.splitlines(), ""]
    is_code = False
    found = []
    for index, line in enumerate(lines[:-1]):
        is_code ^= line.startswith("```")
        begins = line.startswith("|") and not (index and lines[index - 1].startswith("|"))
        rule = lines[index + 1]
        if begins and not is_code and not (rule.startswith("|") and set(rule) <= set("|-: ")):
            found.append(index + 1)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_table_has_its_head(page: Path) -> None:
    assert loose_rows(page.read_text(encoding="utf-8")) == []


def test_a_table_cut_in_two_is_found() -> None:
    table = "| what | lost |\n|---|---|\n| a kill | nothing |\n"
    assert loose_rows(table) == []
    assert loose_rows(f"{table}\n| power is cut | nothing |\n") == [5]
    assert loose_rows("```\n| a drawing |\n```\n") == []
