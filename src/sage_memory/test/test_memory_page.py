"""The Python example of docs/memory.md does what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import sage_memory
from sage_memory import Memory, MemoryFailure, Query

PAGE = Path(__file__).resolve().parents[3] / "docs" / "memory.md"
SECTION = PAGE.read_text().split("## In plain Python\n")[1].split("\n## ")[0]


def test_the_example_remembers_and_recalls(tmp_path: Path) -> None:
    examples = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    promised = re.findall(r"It prints `(.*?)`", SECTION)
    assert len(examples) == len(promised) == 2
    plain = {name: value for name, value in os.environ.items() if name != "AMENT_PREFIX_PATH"}
    for number, (example, printed) in enumerate(zip(examples, promised, strict=True)):
        done = subprocess.run(
            [sys.executable, "-c", example], cwd=tmp_path, env=plain, capture_output=True, text=True
        )
        assert (done.returncode, done.stdout) == (0, printed + "\n"), done.stderr
        (tmp_path / "memory-home").rename(tmp_path / f"home-{number}")
    with Memory.open(tmp_path / "home-1", read_only=True) as memory:
        (answer,) = memory.recall(Query())
    assert answer.experience.entity == "anna" and answer.experience.device_id == "robot"


def test_the_exceptions_are_what_the_page_says() -> None:
    table = [line.split("|")[1] for line in SECTION.splitlines() if line.startswith("| `")]
    names = [name for cell in table for name in re.findall(r"`(\w+)`", cell)]
    assert names[:2] == ["InvalidInput", "ValueError"] and len(names) == 10
    for name in names[2:]:
        assert issubclass(getattr(sage_memory, name), MemoryFailure), name
