"""Mailboxes: whether they can be had, and what lies in /dev/shm of this user."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sage.doctor.finding import Finding
from sage_common.ros.tensors import mailboxes

SHM = Path("/dev/shm")
# docs/mailbox.md, "Byte layout": magic, version, kind, bytes; creator; closed.
_MAGIC, _VERSION = b"SAGEMBX\0", 1
_HEADER_BYTES = 192
_FIRST = struct.Struct("<8sIIQ")
_CREATOR = struct.Struct("<I4xQQ")
_CREATOR_AT, _CLOSED_AT = 64, 128
_KINDS = {1: "records", 2: "tensors"}
_SWEEP = "python -c 'import sage_cuda_mailbox as m; print(m.sweep_stale())'"


@dataclass(frozen=True)
class SegmentHeader:
    """The header of a mailbox's file.

    Attributes:
        kind: records or tensors.
        size_mb: of all of it [MB].
        creator_pid: who made it.
        started_ticks: when that process began [clock ticks since boot].
        pid_namespace: of that process.
        closed: by its creator.
    """

    kind: str
    size_mb: float
    creator_pid: int
    started_ticks: int
    pid_namespace: int
    closed: bool

    @property
    def creator(self) -> str:
        """alive, dead, closed it, or in another container (its process ids are not ours)."""
        if self.closed:
            return "closed it"
        if self.pid_namespace != os.stat("/proc/self/ns/pid").st_ino:
            return "in another container"
        return "alive" if _started_ticks(self.creator_pid) == self.started_ticks else "dead"


def library() -> Finding:
    """Whether pictures can be handed over without copies."""
    if mailboxes.library is None:
        fix = "make demo, or colcon build; until then pictures go as images"
        return Finding("mailboxes", "warn", mailboxes.MISSING, fix)
    return Finding(
        "mailboxes", "ok", f"sage_cuda_mailbox in {Path(mailboxes.library.__file__).parent}"
    )


def left_segments(folder: Path = SHM) -> Iterator[Finding]:
    """Each mailbox of this user; the lock of their names is none."""
    prefix = f"sage-mailbox.{os.getuid()}."
    for path in sorted(folder.glob(prefix + "*")):
        name = path.name.removeprefix(prefix)
        if not name.startswith("."):
            yield _finding(name, path)


def read(path: Path) -> SegmentHeader:
    """The header of a mailbox's file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no mailbox of a version that is known here.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    if len(head) < _HEADER_BYTES:
        raise ValueError(f"{len(head)} bytes: no mailbox")
    magic, version, kind, size = _FIRST.unpack_from(head)
    if (magic, version) != (_MAGIC, _VERSION) or kind not in _KINDS:
        raise ValueError("no mailbox")
    pid, ticks, namespace = _CREATOR.unpack_from(head, _CREATOR_AT)
    (closed,) = struct.unpack_from("<I", head, _CLOSED_AT)
    return SegmentHeader(_KINDS[kind], size / 1e6, pid, ticks, namespace, closed != 0)


def _finding(name: str, path: Path) -> Finding:
    try:
        found = read(path)
    except FileNotFoundError:
        return Finding(f"mailbox {name}", "ok", "was removed just now")
    except (OSError, ValueError) as error:
        return Finding(f"mailbox {name}", "warn", f"{path}: {error}", f"rm {path}")
    creator = found.creator
    text = f"{found.kind}, {found.size_mb:.1f} MB, creator {found.creator_pid} {creator}"
    if creator in ("dead", "closed it"):
        return Finding(f"mailbox {name}", "warn", text, _SWEEP)
    return Finding(f"mailbox {name}", "ok", text)


def _started_ticks(pid: int) -> int | None:
    """When a process began; None: there is none of this id, or it has only to be reaped."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is a name in brackets, which may hold blanks and brackets itself.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])
