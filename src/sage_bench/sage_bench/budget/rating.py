"""Whether a promised latency holds while a processor is throttled, by a quota of its cgroup."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sage_bench.budget.throttled_run import PROMISE_ATP, PROMISE_MS
from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row

CONTROLLER = Path("/sys/fs/cgroup/cpu")
"""Of cgroup v1."""
QUOTA, PERIOD_US = 0.5, 10_000
SHARES = 100_000
"""Weight of the group on the processor; that of a process is 1,024."""
SETTLING_S = 2.0
PHASE_S, PHASE_S_QUICK = 12.0, 4.0
LEAST_RUNS = 5
TOLERANCE = 1.1


class _Spoken(NamedTuple):
    """One run: when it was reported, and how it went."""

    at_s: float
    latency_ms: float
    rating: float


class _Phases(NamedTuple):
    """Runs before, during and after the quota, settled, and when each rating settled."""

    before: list[_Spoken]
    during: list[_Spoken]
    after: list[_Spoken]
    fell_s: float | None
    returned_s: float | None


class Quota:
    """A control group whose processes may use a part of one core.

    Raises:
        OSError: this machine has no cgroup v1 of the processor that may be written.
    """

    def __init__(self, name: str) -> None:
        self._folder = CONTROLLER / name
        self._folder.mkdir()
        self._write("cpu.cfs_period_us", PERIOD_US)
        # Of others on the machine as little as can be is measured: only the quota.
        self._write("cpu.shares", SHARES)

    def add(self, pid: int) -> None:
        """Put a process into it."""
        self._write("cgroup.procs", pid)

    def limit(self, cores: float | None) -> None:
        """None: no limit."""
        self._write("cpu.cfs_quota_us", -1 if cores is None else round(cores * PERIOD_US))

    def remove(self) -> None:
        """When its processes have ended."""
        self._folder.rmdir()

    def _write(self, name: str, value: int) -> None:
        (self._folder / name).write_text(f"{value}\n")


def rows(setting: Setting) -> Figures:
    """Latency of a run that has 800 ATP, under a quota, re-rated and not."""
    phase_s = PHASE_S_QUICK if setting.quick else PHASE_S
    try:
        rated, unrated = _phases("rated", phase_s), _phases("unrated", phase_s)
    except OSError as error:
        why = f"expected a cgroup v1 of the processor that may be written ({error})"
        return Figures(errors=(f"rating: {why}",))
    during = _latencies(rated.during)
    row = Row(
        f"a run of {PROMISE_ATP:g} ATP under a quota of {QUOTA:.0%} of a core, p95",
        float(np.percentile(during, 95)),
        "ms",
        TOLERANCE * PROMISE_MS,
        "lower",
        {
            "without re-rating": float(np.percentile(_latencies(unrated.during), 95)),
            "before the quota": float(np.percentile(_latencies(rated.before), 95)),
            "after it": float(np.percentile(_latencies(rated.after), 95)),
        },
        len(during),
        *(float(np.percentile(during, rank)) for rank in (50, 95, 99)),
    )
    kept = float(np.mean([spoken.rating for spoken in rated.during]))
    times = {
        "from the quota to a settled rating": rated.fell_s,
        "from its end to the nominal rating": rated.returned_s,
    }
    return Figures(
        (
            row,
            Row("rating under it, of a half that is there", kept, "", None, "higher"),
            *(Row(name, took_s, "s") for name, took_s in times.items() if took_s is not None),
        ),
        (
            f"rating: a quota of {QUOTA:.0%} of a core (cgroup v1, periods of "
            f"{PERIOD_US / 1e3:g} ms) stands in for a throttled processor; the first "
            f"{SETTLING_S:g} s of each phase are left out of the latencies, and the group goes "
            "before other processes of the machine",
        ),
        tuple(
            f"rating: {name}: it was not reached within a phase of {phase_s:g} s: others crowd "
            "the processor"
            for name, took_s in times.items()
            if took_s is None
        ),
    )


def _phases(mode: str, phase_s: float) -> _Phases:
    quota = Quota(f"sage-bench-{os.getpid()}-{mode}")
    try:
        with _process(mode, quota) as lines:
            before = _heard(lines, phase_s)
            quota.limit(QUOTA)
            began_s = time.monotonic()
            during = _heard(lines, phase_s)
            quota.limit(None)
            ended_s = time.monotonic()
            after = _heard(lines, phase_s)
    finally:
        quota.remove()
    settled = np.mean([s.rating for s in _settled(during)])
    return _Phases(
        _settled(before),
        _settled(during),
        _settled(after),
        next((s.at_s - began_s for s in during if s.rating <= 1.1 * settled), None),
        next((s.at_s - ended_s for s in after if s.rating == 1.0), None),
    )


@contextmanager
def _process(mode: str, quota: Quota) -> Iterator[Iterator[str]]:
    """A process under a quota, and its lines."""
    command = [sys.executable, "-m", "sage_bench.budget.throttled_run", mode]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError("no pipes")
    try:
        quota.add(process.pid)
        yield iter(process.stdout)
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def _heard(lines: Iterator[str], phase_s: float) -> list[_Spoken]:
    """The runs of a phase."""
    heard: list[_Spoken] = []
    began_s = time.monotonic()
    while time.monotonic() - began_s < phase_s or (
        len(_settled(heard)) < LEAST_RUNS and time.monotonic() - began_s < 2 * phase_s
    ):
        said = json.loads(next(lines))
        heard.append(_Spoken(time.monotonic(), said["latency_ms"], said["rating"]))
    return heard


def _settled(heard: list[_Spoken]) -> list[_Spoken]:
    return [spoken for spoken in heard if spoken.at_s - heard[0].at_s >= SETTLING_S]


def _latencies(heard: list[_Spoken]) -> list[float]:
    return [spoken.latency_ms for spoken in heard]
