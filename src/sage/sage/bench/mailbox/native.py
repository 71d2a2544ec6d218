"""What the C++ library does by itself: `mailbox_figures`, installed with the mailbox package."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ament_index_python.packages import get_package_prefix

PACKAGE, PROGRAM = "sage_cuda_mailbox", "mailbox_figures"
TIMEOUT_S = 120.0


@dataclass(frozen=True)
class NativeExchange:
    """A hand-over between threads or processes in C++."""

    payload_bytes: int
    readers: int
    count: int
    period_us: int
    across_processes: bool
    polling: bool


def rates(kind: str, count: int) -> dict[str, float]:
    """Operations per second on one core, by name; `kind`: records or tensors."""
    return {found["name"]: float(found["value"]) for found in _run(kind, str(count))}


def hand_over(what: NativeExchange) -> dict[str, float]:
    """Latencies [us] p50, p95, p99, samples, missed, and the writer's share of a core."""
    sides = "process" if what.across_processes else "thread"
    way = "poll" if what.polling else "sleep"
    numbers = (what.payload_bytes, what.readers, what.count, what.period_us)
    (found,) = _run("hand-over", *map(str, numbers), sides, way)
    return {name: float(value) for name, value in found.items() if name not in ("name", "unit")}


def program() -> Path:
    """The installed program.

    Raises:
        RuntimeError: the package is there without it.
    """
    path = Path(get_package_prefix(PACKAGE), "lib", PACKAGE, PROGRAM)
    if not path.is_file():
        raise RuntimeError(f"{path} is missing: install {PACKAGE} anew")
    return path


def _run(*arguments: str) -> list[dict[str, Any]]:
    command = [str(program()), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]
