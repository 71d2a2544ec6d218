"""Reads what decides on the level of pressure, from the best that this machine has."""

from __future__ import annotations

import base64
import binascii
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.health import PressureLevel
from sage_orchestrator.backends.cgroup import Cgroup, CgroupMemory, own_cgroup
from sage_orchestrator.backends.stall_information import (
    SYSTEM,
    StallTriggers,
    SystemdWatch,
    read_stalls,
)
from sage_orchestrator.core.pressure.reading import (
    UNKNOWN,
    PressureReading,
    Stalls,
    stalled_share,
)

WATCH, WRITTEN = "MEMORY_PRESSURE_WATCH", "MEMORY_PRESSURE_WRITE"
OFF = "/dev/null"
NOTHING = "nothing can be read: as if green"
KIB_PER_MB = 1024.0
AHEAD_NS = NS_PER_S
GROWTH_READINGS = 8
"""Of which the growth is told: 0.4 s of them where memory is tight."""
SHORT = 70.0
"""Share of memory in use [%] from which on stalls of the system count."""
WINDOW_NS = 2 * NS_PER_S
"""The kernel adds up stalls every 2 s: over less they would come in bursts."""
T = TypeVar("T")


class MemoryReader:
    """Reads stalls of the own cgroup, or else of the system, and the limit of that cgroup.

    Stalls of the system are also those of processes below limits of their own: they count while
    memory is short, of the machine or below the own limit.

    What cannot be read is said in `PressureReading.faults`, and looked for again with the next
    reading; so is a file that systemd names and that cannot be watched, in `ignored`. Percentages
    of memory in use count where the kernel tells neither stalls nor events: of a cgroup of version
    1, whose limit the stalls of the system foretell late.

    Args:
        environment: of the process; systemd names a file to watch in it.
        root: where `proc` and `sys` are.
    """

    def __init__(self, environment: Mapping[str, str], root: Path = Path("/")) -> None:
        self._root = root
        self._watch, self._written, self._fault = _systemd(environment)
        self._before: dict[Path, tuple[int, Stalls]] = {}
        self._hits_before: int | None = None
        self._triggers: dict[Path, StallTriggers | SystemdWatch] = {}  # of one file at most
        self._refused: dict[Path, str] = {}
        self._growth: deque[float] = deque(maxlen=GROWTH_READINGS)
        self._used_before = (0, UNKNOWN)
        self._counts = True

    @property
    def is_off(self) -> bool:
        """Whether systemd asked that nothing be watched."""
        return self._watch == Path(OFF)

    def wait(self, timeout_s: float) -> PressureLevel:
        """Wait for the time of the next reading, or for an event of the kernel.

        Args:
            timeout_s: until then.

        Returns:
            The highest level for which there was an event since this was asked last.
        """
        highest, end_s = PressureLevel.GREEN, time.monotonic() + timeout_s
        for path, triggers in list(self._triggers.items()):
            try:
                highest = triggers.wait(timeout_s)
            except OSError:  # set anew, or said to be gone, with the next reading
                self._drop(path)
        if highest and self._counts:
            return highest
        time.sleep(max(end_s - time.monotonic(), 0.0))
        return PressureLevel.GREEN

    def read(self, now_ns: int) -> PressureReading:
        """Read all; the kernel has new figures of stalls every 2 s.

        Args:
            now_ns: monotonic time [ns].
        """
        if self.is_off:
            return PressureReading(method=f"off, by {WATCH}={OFF}")
        faults: list[str] = []
        cgroup = _attempt(faults, own_cgroup, self._root)
        held = _attempt(faults, cgroup.read) if cgroup is not None else None
        found: dict[Path, Stalls] = {}
        fault = self._fault or self._unusable()
        ignored = [f"{fault}; it is left out, and what is found counts"] if fault else []
        watch = None if fault else self._watch
        for path in self._stall_files(cgroup, watch):
            if (stalls := _attempt(faults, read_stalls, path)) is not None:
                found[path] = stalls
        shares = [self._shares(now_ns, path, stalls) for path, stalls in found.items()]
        self._watch_files(found, watch)
        system = _attempt(faults, _system_mb, self._root)
        self._counts = self._root / SYSTEM not in found or _is_short(held, system)
        used, told = _used(cgroup, held, system, bool(found))
        return PressureReading(
            some=max((some * self._counts for some, _ in shares), default=UNKNOWN),
            full=max((full * self._counts for _, full in shares), default=UNKNOWN),
            some_avg10=max((stalls.some_avg10 for stalls in found.values()), default=UNKNOWN),
            full_avg10=max((stalls.full_avg10 for stalls in found.values()), default=UNKNOWN),
            limit_hits=self._new_hits(held),
            used=used,
            used_soon=self._soon(now_ns, used),
            available_mb=_available_mb(held, system),
            method="; ".join(([*map(self._how, found), *told] or [NOTHING]) + ignored),
            faults=tuple(faults),
            ignored="".join(ignored),
        )

    def close(self) -> None:
        """Watch no more."""
        for path in list(self._triggers):
            self._drop(path)

    def _unusable(self) -> str:
        """Why what systemd names cannot be watched, in words; empty: it can, or it names nothing.

        A regular file is read only if it is called as those of the kernel are.
        """
        path = self._watch
        if path is None:
            return ""
        try:
            if self._is_stall_file(path):
                read_stalls(path)
                return ""
            if path.is_fifo() and path not in self._refused:
                return ""
        except (OSError, InvalidInput):
            pass  # said below, with what was expected
        expected = "a pressure file such as /proc/pressure/memory, or a FIFO, that can be opened"
        return str(InvalidInput(WATCH, str(path), expected))

    def _stall_files(self, cgroup: Cgroup | None, watch: Path | None) -> list[Path]:
        if watch is not None and self._is_stall_file(watch):
            return [watch]
        own = cgroup.stalls if cgroup is not None else None
        path = own or self._root / SYSTEM
        return [path] if path.exists() else []

    def _is_stall_file(self, path: Path) -> bool:
        return path.is_file() and path.name in ("memory", "memory.pressure")

    def _shares(self, now_ns: int, path: Path, stalls: Stalls) -> tuple[float, float]:
        """Of the last 2 s or more; of the last 10 s at the first reading."""
        if path not in self._before:
            self._before[path] = (now_ns, stalls)
            return stalls.some_avg10, stalls.full_avg10
        then_ns, before = self._before[path]
        if now_ns - then_ns >= WINDOW_NS:
            self._before[path] = (now_ns, stalls)
        elapsed_ns = max(now_ns - then_ns, WINDOW_NS)
        return (
            stalled_share(before.some_us, stalls.some_us, elapsed_ns),
            stalled_share(before.full_us, stalls.full_us, elapsed_ns),
        )

    def _soon(self, now_ns: int, used: float) -> float:
        """What of memory will be used in 1 s [%], if it goes on to grow as it does.

        What is taken at once, and once, is no growth: of the last readings all but one must have
        found more than those before them. One, because who takes memory may not have run meanwhile.
        """
        then_ns, before = self._used_before
        self._used_before = (now_ns, used)
        if min(used, before) < 0.0 or now_ns <= then_ns:
            return used
        self._growth.append((used - before) * AHEAD_NS / (now_ns - then_ns))
        if len(self._growth) < GROWTH_READINGS:
            return used
        return used + max(sorted(self._growth)[1], 0.0)

    def _new_hits(self, held: CgroupMemory | None) -> int:
        hits = held.limit_hits if held is not None else None
        before, self._hits_before = self._hits_before, hits
        return max(hits - before, 0) if hits is not None and before is not None else 0

    def _watch_files(self, found: Mapping[Path, Stalls], watch: Path | None) -> None:
        wanted = {watch} if watch is not None else set(found)
        for path in self._triggers.keys() - wanted:
            self._drop(path)
        for path in wanted - self._triggers.keys() - self._refused.keys():
            try:
                self._triggers[path] = self._trigger(path)
            except OSError as error:
                self._refused[path] = error.strerror or str(error)

    def _trigger(self, path: Path) -> StallTriggers | SystemdWatch:
        return SystemdWatch(path, self._written) if path == self._watch else StallTriggers(path)

    def _drop(self, path: Path) -> None:
        self._triggers.pop(path).close()

    def _how(self, path: Path) -> str:
        of = "the system" if path == self._root / SYSTEM else str(path)
        of += "" if self._counts else " (it does not count: memory is plenty)"
        if path in self._triggers:
            return f"psi of {of}, by triggers"
        return f"psi of {of}, polled (no triggers: {self._refused.get(path, 'not asked for')})"


def _attempt(faults: list[str], read: Callable[..., T], *given: object) -> T | None:
    """What `read` returns; None, and a fault more, if it cannot be read."""
    try:
        return read(*given)
    except (OSError, InvalidInput) as error:
        faults.append(str(error))
        return None


def _system_mb(root: Path) -> tuple[float, float]:
    """All memory of the machine, and what of it can still be taken [MB]."""
    text = (root / "proc/meminfo").read_text(errors="replace")
    fields = dict(line.partition(":")[::2] for line in text.splitlines())
    values = []
    for name in ("MemTotal", "MemAvailable"):
        words = fields.get(name, "").split()
        if not (words and words[0].isdigit()):
            raise InvalidInput(f"/proc/meminfo {name}", " ".join(words), "a number of kB")
        values.append(int(words[0]) / KIB_PER_MB)
    return values[0], values[1]


def _used(
    cgroup: Cgroup | None,
    held: CgroupMemory | None,
    system: tuple[float, float] | None,
    stalls_are_known: bool,
) -> tuple[float, list[str]]:
    """Share of memory that cannot be reclaimed [%], where it counts, and of what in words."""
    if held is not None and held.used is not None and held.limit_hits is None:
        return held.used, [f"percent of the limit of {cgroup.folder if cgroup else ''} (cgroup v1)"]
    if stalls_are_known or system is None:
        return UNKNOWN, []
    if held is not None and held.used is not None:
        return held.used, [f"percent of the limit of {cgroup.folder if cgroup else ''}"]
    return 100.0 * (1.0 - system[1] / system[0]), ["percent of all memory"]


def _is_short(held: CgroupMemory | None, system: tuple[float, float] | None) -> bool:
    """Whether little is left of the machine's memory, or below the own limit; so if unknown."""
    used = [held.used] if held is not None and held.used is not None else []
    used += [100.0 * (1.0 - system[1] / system[0])] if system is not None else []
    return max(used, default=100.0) >= SHORT


def _available_mb(held: CgroupMemory | None, system: tuple[float, float] | None) -> float:
    left = [system[1]] if system is not None else []
    if held is not None and held.limit_bytes is not None:
        left.append(max(held.limit_bytes - held.unreclaimable_bytes, 0) / 2**20)
    return min(left, default=UNKNOWN)


def _systemd(environment: Mapping[str, str]) -> tuple[Path | None, bytes, str]:
    """The file to watch, what to write to it, and what is wrong with that, in words."""
    path, encoded = environment.get(WATCH, ""), environment.get(WRITTEN, "")
    if path in ("", OFF):
        return (Path(path) if path else None), b"", ""
    if not path.startswith("/"):
        return None, b"", str(InvalidInput(WATCH, path, "an absolute path"))
    try:
        return Path(path), base64.b64decode(encoded, validate=True), ""
    except (binascii.Error, ValueError):
        return None, b"", str(InvalidInput(WRITTEN, encoded, "Base64"))
