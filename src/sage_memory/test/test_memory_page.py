"""The Python example of docs/memory.md does what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import sage_memory
from sage_memory import Memory, MemoryFailure, Query

PAGE = Path(__file__).resolve().parents[3] / "docs" / "memory.md"
SECTION = PAGE.read_text().split("## In plain Python\n")[1].split("\n## ")[0]


def test_the_example_remembers_and_recalls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = re.search(r"```python\n(.*?)```", SECTION, re.DOTALL)
    promised = re.search(r"It prints `(.*?)`", SECTION)
    assert found is not None and promised is not None
    monkeypatch.chdir(tmp_path)
    exec(compile(found[1], str(PAGE), "exec"), {})
    assert capsys.readouterr().out == promised[1] + "\n"
    with Memory.open(tmp_path / "memory-home", read_only=True) as memory:
        (answer,) = memory.recall(Query())
    assert answer.experience.entity == "anna" and answer.experience.device_id == "robot"


def test_the_exceptions_are_what_the_page_says() -> None:
    table = [line.split("|")[1] for line in SECTION.splitlines() if line.startswith("| `")]
    names = [name for cell in table for name in re.findall(r"`(\w+)`", cell)]
    assert names[:2] == ["InvalidInput", "ValueError"] and len(names) == 10
    for name in names[2:]:
        assert issubclass(getattr(sage_memory, name), MemoryFailure), name
