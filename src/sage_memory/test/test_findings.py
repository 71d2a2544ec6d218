"""What is wrong with a store is told once each, however often it was met."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sage_memory import Memory
from sage_memory.core import open_memory
from sage_memory.core.recovery.verification import REPAIR, Finding

PAGE = Finding("page", "database disk image is malformed", True, REPAIR)
VECTOR = Finding("vector", "experience 3: its checksum is wrong", True, REPAIR)


def test_each_finding_comes_once_with_how_often(
    tmp_path: Path, experience: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_memory, "inspect_rows", lambda *_: [PAGE, VECTOR, PAGE, PAGE])
    with Memory.open(tmp_path) as memory:
        memory.remember(experience(1)).result()
        found = memory.inspect()
    often = Finding("page", "database disk image is malformed (3 times)", True, REPAIR)
    assert found == [often, VECTOR]
