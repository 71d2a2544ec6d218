"""What the C++ library does by itself: `mailbox_figures`, installed with the mailbox package."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ament_index_python.packages import get_package_prefix

PACKAGE, PROGRAM = "sage_cuda_mailbox", "mailbox_figures"
TIMEOUT_S = 120.0


@dataclass(frozen=True)
class NativeExchange:
    """A hand-over between threads or processes in C++.

    Attributes:
        polling: whether readers poll; else they sleep until woken.
        busy_writer: whether the writer polls the clock between hand-overs; else it sleeps, and its
            core goes idle.
    """

    payload_bytes: int
    count: int
    period_us: int
    readers: int = 1
    across_processes: bool = True
    polling: bool = True
    busy_writer: bool = True


@dataclass(frozen=True)
class NativeFound:
    """Figures of the mailbox and, in turns with it, of a bare word in shared memory.

    Each has p50, p90, p95, p99 [us], samples, missed, filling_p50 [us], and the shares of a core
    that the writer (without its waiting) and the readers (their mean) take.
    """

    tensor: Mapping[str, float]
    word: Mapping[str, float]


def rates(kind: str, count: int) -> dict[str, float]:
    """Operations per second on one core, by name; `kind`: records or tensors."""
    return {found["name"]: float(found["value"]) for found in _run(kind, str(count))}


def hand_over(what: NativeExchange) -> NativeFound:
    """Latencies from just before the commit to when both ends of the payload were looked at."""
    numbers = (what.payload_bytes, what.readers, what.count, what.period_us)
    words = (
        "process" if what.across_processes else "thread",
        "poll" if what.polling else "sleep",
        "busy" if what.busy_writer else "asleep",
    )
    found = {
        told["name"]: {key: float(value) for key, value in told.items() if _is_figure(key)}
        for told in _run("hand-over", *map(str, numbers), *words)
    }
    return NativeFound(**found)


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


def _is_figure(key: str) -> bool:
    return key not in ("name", "unit")
