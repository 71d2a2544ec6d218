"""A real limit of memory: the governor's reader in a control group, and a process that takes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sage_bench.budget.pressure.memory_limit import CONTROLLER, MemoryLimit

MB = 2**20
READING = """
import sys
from sage_common.core.health import PressureLevel
from sage_orchestrator.backends.memory_reader import MemoryReader
from sage_orchestrator.core.pressure.levels import USED, LevelTracker
reader, tracker, held = MemoryReader({}), LevelTracker(1), []
for count in range(40):
    reading = reader.read(count * 10**9)
    tracker.update(count * 10**9, reading)
    if reading.used >= USED[PressureLevel.RED]:
        break
    held.append(b"x" * (4 * 2**20))
print(tracker.level, reading.used, reading.method)
"""


def test_a_process_below_a_real_limit_knows_how_much_of_it_is_left(tmp_path: Path) -> None:
    try:
        limited = MemoryLimit("sage-test")
    except OSError as error:
        pytest.skip(f"no cgroup v1 of memory can be written here: {error}")
    with limited as limit, (tmp_path / "said").open("wb") as output:
        limit.set_limit(120 * MB)
        process = limit.start([sys.executable, "-c", READING], output, {})
        assert process.wait(timeout=60) == 0, (tmp_path / "said").read_text()
        assert limit.kills == 0
    level, used, method = (tmp_path / "said").read_text().split(" ", 2)
    assert int(level) >= 3 and float(used) >= 93.0
    assert f"percent of the limit of {CONTROLLER}/sage-test-" in method


def test_a_limit_leaves_no_folder_behind(tmp_path: Path) -> None:
    try:
        limited = MemoryLimit("sage-test")
    except OSError as error:
        pytest.skip(f"no cgroup v1 of memory can be written here: {error}")
    with limited as limit, (tmp_path / "said").open("wb") as output:
        process = limit.start([sys.executable, "-c", "pass"], output, {})
        assert isinstance(process, subprocess.Popen) and process.wait(timeout=60) == 0
    assert not limit.folder.exists()
