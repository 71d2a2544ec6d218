"""A graph that runs for an hour while its processes are looked at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sage_bench.growth.sample import Sample, family_of, sample_of, shared_memory_mb

PERIOD_S = 10.0
END_S = 120.0


@dataclass
class Looks:
    """What was seen of one process.

    Attributes:
        name: what it is called.
        time_s: when it was looked at, from the start of the graph [s].
        samples: what it held.
    """

    name: str
    time_s: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def after(self, time_s: float) -> Looks:
        """What was seen from a time on."""
        kept = [(t, s) for t, s in zip(self.time_s, self.samples, strict=True) if t >= time_s]
        return Looks(self.name, [t for t, _ in kept], [s for _, s in kept])

    def values(self, field_name: str) -> list[float]:
        """One field of all samples."""
        return [float(getattr(sample, field_name)) for sample in self.samples]


@dataclass
class Soak:
    """What was seen of a graph.

    Attributes:
        processes: by process number.
        shared: time [s] and what lay in shared memory [MB], of all programs of the host.
        loads: load average of the host (1 min) at each look.
        summary: what the command said at its end.
    """

    processes: dict[int, Looks] = field(default_factory=dict)
    shared: list[tuple[float, float]] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)

    def look(self, pid: int, time_s: float) -> None:
        """Look at a process and all that it started."""
        self.shared.append((time_s, shared_memory_mb()))
        self.loads.append(os.getloadavg()[0])
        for number, name in family_of(pid).items():
            try:
                sample = sample_of(number)
            except (FileNotFoundError, ProcessLookupError):
                continue  # It has ended.
            looks = self.processes.setdefault(number, Looks(name))
            looks.time_s.append(time_s)
            looks.samples.append(sample)


def soak(duration_s: float, more: Sequence[str] = (), period_s: float = PERIOD_S) -> Soak:
    """Run `sage run --source recording` in a home of its own, and look at it until it ends.

    Args:
        duration_s: for how long [s].
        more: options of the command.
        period_s: between two looks [s].

    Raises:
        RuntimeError: the command did not end as it should; the end of what it wrote.
    """
    found = Soak()
    with tempfile.TemporaryDirectory(prefix="sage_growth_") as home:
        told, said = Path(home, "summary.txt"), Path(home, "said.txt")
        words = ["run", "--source", "recording", "--duration", f"{duration_s:.0f}", "--json"]
        with told.open("wb") as out, said.open("wb") as err, _running(
            [*words, *more], Path(home), out, err
        ) as process:  # fmt: skip
            begin = time.monotonic()
            while process.poll() is None:
                found.look(process.pid, time.monotonic() - begin)
                _wait(process, period_s)
        if process.returncode != 0:
            text = said.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"sage {' '.join(words)} ended with {process.returncode}: {text}")
        found.summary = json.loads(told.read_text().splitlines()[-1])
    return found


def _wait(process: subprocess.Popen[bytes], period_s: float) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(period_s)


@contextmanager
def _running(
    words: Sequence[str], home: Path, out: IO[bytes], err: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """The command, which is ended with the block."""
    environment = {**os.environ, "SAGE_HOME": str(home / "home"), "ROS_LOG_DIR": str(home / "log")}
    program = [sys.executable, str(Path(sys.prefix, "bin", "sage")), *words]
    process = subprocess.Popen(program, stdout=out, stderr=err, env=environment)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            _wait(process, END_S)
        if process.poll() is None:
            process.kill()
            process.wait()
