"""Orders what injection.c does to the system calls of one process, and says how often it did."""

from __future__ import annotations

import ctypes
import mmap
import os
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path

SOURCE = Path(__file__).with_name("injection.c")
VARIABLE, PRELOAD = "SAGE_BENCH_FAULT", "LD_PRELOAD"
MOST_PATH_BYTES = 4096
EVERYONE = 0
"""For the number of a process: all of them."""


class Injected(IntEnum):
    """What is done, as injection.c numbers it."""

    NONE = 0
    SLOW_DISK = 1
    FULL_DISK = 2
    CLOCK = 3


class _Order(ctypes.Structure):
    _fields_ = (
        ("pid", ctypes.c_int64),
        ("kind", ctypes.c_int64),
        ("amount", ctypes.c_int64),
        ("effects", ctypes.c_int64),
        ("folder", ctypes.c_char * MOST_PATH_BYTES),
    )


class Injection:
    """One fault at a time, in one process of those that were started within `loaded`.

    Args:
        work: folder for the library and the order.
        folder: below which the disk is at fault.

    Raises:
        FileNotFoundError: there is no C compiler.
        subprocess.CalledProcessError: it failed.
    """

    def __init__(self, work: Path, folder: Path) -> None:
        self._library = build(work)
        self._path = work / "order"
        self._path.write_bytes(bytes(ctypes.sizeof(_Order)))
        with self._path.open("r+b") as file:
            self._order = _Order.from_buffer(mmap.mmap(file.fileno(), 0))
        self._order.folder = f"{folder.resolve()}/".encode()

    @contextmanager
    def loaded(self) -> Iterator[None]:
        """What this process starts meanwhile obeys."""
        ours = {PRELOAD: str(self._library), VARIABLE: str(self._path)}
        before = {name: os.environ.get(name) for name in ours}
        os.environ.update(ours)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def inflict(self, pid: int, kind: Injected, amount: int = 0) -> None:
        """From now on; `amount`: of a slow disk microseconds a call, of a clock seconds ahead."""
        self._order.effects = 0
        self._order.amount, self._order.pid = amount, pid
        self._order.kind = kind

    def lift(self) -> None:
        """All is as it should be again."""
        self._order.kind = Injected.NONE

    @property
    def effects(self) -> int:
        """Calls that were touched since it was inflicted."""
        return int(self._order.effects)


def build(work: Path) -> Path:
    """Compile injection.c into a folder; the library."""
    made = work / "injection.so"
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(made), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return made
