"""The control group of this process: its memory limit, what is used of it, and its events.

Linux `Documentation/admin-guide/cgroup-v2.rst` and `cgroup-v1/memory.rst`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sage_common.core.errors import InvalidInput

_NO_LIMIT = 1 << 60
_V2_HITS = ("high", "max", "oom", "oom_kill")


@dataclass(frozen=True)
class CgroupMemory:
    """What a cgroup says of its memory.

    Attributes:
        limit_bytes: most that it may use; None: there is no limit.
        unreclaimable_bytes: anonymous and shared memory, which no file stands behind.
        limit_hits: how often it was held up at a limit since its start; None: it counts none.
    """

    limit_bytes: int | None
    unreclaimable_bytes: int
    limit_hits: int | None

    @property
    def used(self) -> float | None:
        """Share of the limit that cannot be reclaimed [%]; None without a limit."""
        if self.limit_bytes is None:
            return None
        return 100.0 * self.unreclaimable_bytes / max(self.limit_bytes, 1)


@dataclass(frozen=True)
class Cgroup:
    """One cgroup.

    Attributes:
        folder: its files.
        version: 1 or 2.
    """

    folder: Path
    version: int

    @property
    def stalls(self) -> Path | None:
        """Its own PSI file; None: it has none."""
        path = self.folder / "memory.pressure"
        return path if self.version == 2 and path.is_file() else None

    def read(self) -> CgroupMemory:
        """What it says now.

        Raises:
            OSError: a file cannot be read: the cgroup has gone.
            InvalidInput: a file holds something else.
        """
        return self._read_v2() if self.version == 2 else self._read_v1()

    def _read_v2(self) -> CgroupMemory:
        limits = [self._limit(name) for name in ("memory.high", "memory.max")]
        known = [limit for limit in limits if limit is not None]
        stat, events = self._table("memory.stat"), self._table("memory.events")
        return CgroupMemory(
            min(known, default=None),
            self._value(stat, "memory.stat", "anon") + self._value(stat, "memory.stat", "shmem"),
            sum(self._value(events, "memory.events", name) for name in _V2_HITS),
        )

    def _read_v1(self) -> CgroupMemory:
        stat = self._table("memory.stat")
        limit = self._value(stat, "memory.stat", "hierarchical_memory_limit")
        used = self._value(stat, "memory.stat", "total_rss")
        shared = self._value(stat, "memory.stat", "total_shmem")
        return CgroupMemory(limit if limit < _NO_LIMIT else None, used + shared, None)

    def _limit(self, name: str) -> int | None:
        text = (self.folder / name).read_text(errors="replace").strip()
        return None if text == "max" else self._whole(name, text)

    def _table(self, name: str) -> dict[str, str]:
        text = (self.folder / name).read_text(errors="replace")
        return dict(line.partition(" ")[::2] for line in text.splitlines())

    def _value(self, table: dict[str, str], name: str, field: str) -> int:
        return self._whole(f"{name} {field}", table.get(field, "nothing"))

    def _whole(self, field: str, text: str) -> int:
        if not text.isascii() or not text.isdigit():
            raise InvalidInput(f"{self.folder}/{field}", text, "a number of bytes or events")
        return int(text)


def own_cgroup(root: Path = Path("/")) -> Cgroup | None:
    """The cgroup of this process whose memory is accounted for; None: there is none.

    Args:
        root: where `proc` and `sys` are.

    Raises:
        OSError: /proc/self/cgroup cannot be read.
    """
    lines = (root / "proc/self/cgroup").read_text(errors="replace").splitlines()
    found = [line.split(":", 2) for line in lines if line.count(":") >= 2]
    for _, controllers, path in found:
        if "memory" in controllers.split(","):
            folder = _folder(root / "sys/fs/cgroup/memory", path)
            return Cgroup(folder, 1) if (folder / "memory.stat").is_file() else None
    for number, controllers, path in found:
        if number == "0" and not controllers:
            folder = _folder(root / "sys/fs/cgroup", path)
            if (folder / "memory.max").is_file():
                return Cgroup(folder, 2)
    return None


def _folder(mounted: Path, path: str) -> Path:
    """Where a cgroup is; in a container its path may be that of the host, and the mount itself."""
    folder = mounted / path.lstrip("/")
    return folder if folder.is_dir() else mounted
