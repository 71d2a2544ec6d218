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
    """Figures of the mailbox and, in turns with it, of what any hand-over takes.

    Each has p50, p90, p95, p99, p999 [us], samples, missed, filling_p50 [us], and the shares of a
    core that the writer (without its waiting) and the readers (their mean) take; on_core_p50,
    on_core_p99 and on_core_p999 [us] of those on_core_samples that met both sides on their cores
    (absent if there are none); late, those of 10 us or more, and of these late_reader_off,
    late_writer_off (off their cores), late_behind (the reader was at an earlier one),
    late_reader_on, late_writer_on (interrupted, or slow), late_unexplained; reader_stalls and
    writer_stalls off their cores.

    Attributes:
        queue: bare slots of the same bytes and a word, taken in order, without a protocol.
        word: the word without the slots.
    """

    tensor: Mapping[str, float]
    queue: Mapping[str, float]
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
