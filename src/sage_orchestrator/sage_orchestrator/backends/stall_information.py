"""Pressure stall information (PSI) of the kernel: read, and watched by triggers.

Linux `Documentation/accounting/psi.rst`. A process without CAP_SYS_RESOURCE may set triggers whose
window is a multiple of 2 s, the period in which the kernel averages.
"""

from __future__ import annotations

import errno
import os
import select
from pathlib import Path

from sage_common.core.health import PressureLevel
from sage_orchestrator.core.pressure.levels import (
    FULL_CRITICAL,
    FULL_RED,
    SOME_ORANGE,
    SOME_YELLOW,
)
from sage_orchestrator.core.pressure.reading import Stalls, parse_stalls

SYSTEM = "proc/pressure/memory"
WINDOW_US = 2_000_000
_TRIGGERS = (
    (PressureLevel.YELLOW, "some", SOME_YELLOW),
    (PressureLevel.ORANGE, "some", SOME_ORANGE),
    (PressureLevel.RED, "full", FULL_RED),
    (PressureLevel.CRITICAL, "full", FULL_CRITICAL),
)


def read_stalls(path: Path) -> Stalls:
    """What a PSI file says now.

    Raises:
        OSError: it cannot be read.
        InvalidInput: it holds something else.
    """
    return parse_stalls(str(path), path.read_text(errors="replace"))


class StallTriggers:
    """Events of the kernel, one for each level above green.

    Args:
        path: PSI file.

    Raises:
        OSError: the kernel refuses triggers.
    """

    def __init__(self, path: Path) -> None:
        if path.stat().st_size:
            raise OSError(errno.EINVAL, "it is a recorded file, and not the kernel's", str(path))
        self._poll = select.epoll()
        self._levels: dict[int, PressureLevel] = {}
        try:
            for level, kind, share in _TRIGGERS:
                descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
                self._levels[descriptor] = level
                stalled_us = round(share * WINDOW_US / 100)
                os.write(descriptor, f"{kind} {stalled_us} {WINDOW_US}\0".encode())
                self._poll.register(descriptor, select.EPOLLPRI)
        except OSError:
            self.close()
            raise

    def wait(self, timeout_s: float) -> PressureLevel:
        """The highest level for which there was an event since this was asked last.

        Args:
            timeout_s: how long to wait for one, if there was none.

        Raises:
            OSError: the file that is watched has gone.
        """
        highest = PressureLevel.GREEN
        for descriptor, event in self._poll.poll(timeout_s):
            if event & select.EPOLLERR:
                raise OSError("the cgroup that was watched has gone")
            highest = max(highest, self._levels[descriptor])
        return highest

    def close(self) -> None:
        """Watch no more."""
        self._poll.close()
        for descriptor in self._levels:
            os.close(descriptor)
        self._levels.clear()


class SystemdWatch:
    """The file that systemd names, `MEMORY_PRESSURE_WATCH`, and what is written to it.

    systemd `docs/MEMORY_PRESSURE.md`: a PSI file to which a trigger is written, or a FIFO
    that becomes readable; a socket cannot be opened so.

    Args:
        path: of the file.
        written: to be written when it was opened.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path, written: bytes) -> None:
        is_file = path.is_file()
        flags = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC
        self._descriptor = os.open(path, flags)
        self._poll = select.epoll()
        try:
            if written:
                os.write(self._descriptor, written)
            self._poll.register(self._descriptor, select.EPOLLPRI if is_file else select.EPOLLIN)
        except OSError:
            self.close()
            raise

    def wait(self, timeout_s: float) -> PressureLevel:
        """Yellow, if there was an event since this was asked last: caches are to be trimmed.

        Args:
            timeout_s: how long to wait for one, if there was none.

        Raises:
            OSError: the file has gone.
        """
        events = self._poll.poll(timeout_s)
        if any(event & select.EPOLLIN for _, event in events):
            os.read(self._descriptor, 4096)
        if any(event & select.EPOLLERR for _, event in events):
            raise OSError("the file of MEMORY_PRESSURE_WATCH has gone")
        return PressureLevel.YELLOW if events else PressureLevel.GREEN

    def close(self) -> None:
        """Watch no more."""
        self._poll.close()
        os.close(self._descriptor)
