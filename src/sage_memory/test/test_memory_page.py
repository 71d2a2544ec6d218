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
    examples = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    promised = re.findall(r"It prints `(.*?)`", SECTION)
    assert len(examples) == len(promised) == 2
    monkeypatch.chdir(tmp_path)
    for example, printed in zip(examples, promised, strict=True):
        exec(compile(example, str(PAGE), "exec"), {})
        assert capsys.readouterr().out == printed + "\n"
        (tmp_path / "memory-home").rename(tmp_path / f"home-{examples.index(example)}")
    with Memory.open(tmp_path / "home-1", read_only=True) as memory:
        (answer,) = memory.recall(Query())
    assert answer.experience.entity == "anna" and answer.experience.device_id == "robot"


def test_the_exceptions_are_what_the_page_says() -> None:
    table = [line.split("|")[1] for line in SECTION.splitlines() if line.startswith("| `")]
    names = [name for cell in table for name in re.findall(r"`(\w+)`", cell)]
    assert names[:2] == ["InvalidInput", "ValueError"] and len(names) == 10
    for name in names[2:]:
        assert issubclass(getattr(sage_memory, name), MemoryFailure), name
