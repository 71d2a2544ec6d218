"""The pages for readers: what they show is whole."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [*ROOT.glob("src/sage*/sage*/**/*.py"), *ROOT.glob("scripts/**/*.py")]
VARYING = re.compile(r"\.{3}|=|:|\d+|\b[A-Z]{4,}[.\w]*|\bexpected\b")
"""In the quote of a message: what stands for a value, or is put between field and value."""
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


def said(source: str) -> Iterator[str]:
    """Text that a program may print: that of its string literals, without those of f-strings."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def unsaid(page: str, texts: str) -> list[str]:
    """Quotes in bold type, and in headings, of which a part that does not vary is in no text."""
    quotes = [*re.findall(r'\*\*"([^"]+)"', page), *re.findall(r'^#+ "([^"]+)"', page, re.M)]
    quotes = [" ".join(quote.split()) for quote in quotes]
    assert quotes
    parts = {quote: [part.strip(" .,()`") for part in VARYING.split(quote)] for quote in quotes}
    return [quote for quote in quotes if not all(part in texts for part in parts[quote])]


def test_messages_that_the_faq_quotes_are_those_of_the_programs() -> None:
    texts = "\n".join(text for path in SOURCES for text in said(path.read_text(encoding="utf-8")))
    assert unsaid((ROOT / "docs/faq.md").read_text(encoding="utf-8"), texts) == []


def test_a_quote_that_no_program_says_is_found() -> None:
    texts = "\n".join(said('raise Error(f"no room for {name} in "\n"{place}: full")  # no space'))
    assert unsaid('**"no room for NAME in ...: full"**, **"no space"**', texts) == ["no space"]
    assert unsaid('## "no room for 7 tensors"\n', texts) == ["no room for 7 tensors"]
