"""Which plugin's thread ended the process, as the process says while it dies.

On a fatal signal `faulthandler` writes into a file which thread it came in; beside that stands whom
each thread works for. So a step costs nothing, and a process that somebody kills blames no
plugin that was at work then.
"""

from __future__ import annotations

import faulthandler
import os
import re
import threading
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO

from sage_common.core.home import make_private

_LOG = "process.log"
_STDERR = 2
_OWNER = re.compile(r"^0x([0-9a-f]+) works for (\w*)$", re.MULTILINE)
_CURRENT = re.compile(r"^Current thread 0x([0-9a-f]+)", re.MULTILINE)
_CAUSE = re.compile(r"^Fatal Python error: (.+)$", re.MULTILINE)


class CrashRecords:
    """What is known of crashes of plugins on threads, in a folder that outlives the process.

    A crash in a native thread that is no thread of Python's is not traced to a plugin. Safe to use
    from several threads.

    Args:
        folder: made for its owner alone when there is something to keep.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._owners: dict[int, str] = {}
        self._log: BinaryIO | None = None
        self._was_enabled = False

    def open(self) -> None:
        """Keep what the process before has said of its end, and note crashes of this one.

        Raises:
            OSError: the folder cannot be written.
        """
        make_private(self._folder)
        path = self._folder / _LOG
        if plugin := _crashed(path):
            path.replace(self._of(plugin))
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._lock:
            self._log = os.fdopen(os.open(path, flags, 0o600), "ab", buffering=0)
            for thread, plugin in self._owners.items():
                self._note(thread, plugin)
            self._was_enabled = faulthandler.is_enabled()
            faulthandler.enable(self._log)

    def close(self) -> None:
        """The process goes on without plugins: what it ends by is none of theirs."""
        with self._lock:
            if self._log is None:
                return
            faulthandler.disable()
            if self._was_enabled:
                faulthandler.enable(_STDERR)
            self._log.close()
            self._log = None
            (self._folder / _LOG).unlink(missing_ok=True)

    def assign(self, plugin: str) -> None:
        """From now on the calling thread works for this plugin; for none, if empty."""
        with self._lock:
            thread = threading.get_ident()
            self._owners[thread] = plugin
            self._note(thread, plugin)

    def words(self, plugin: str) -> str:
        """How a plugin ended a process that ran it; empty: it did not, or nothing is noted here."""
        path = self._of(plugin)
        if self._log is None or not path.exists():
            return ""
        said = _CAUSE.findall(path.read_text(errors="replace"))[-1]
        at = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
        return (
            f"{said} on its thread ended the process at {at:%Y-%m-%d %H:%M:%S} UTC, see {path}; "
            f"`sage plugins load {plugin}` tries it again"
        )

    def forget(self, plugin: str) -> None:
        """It is tried again."""
        self._of(plugin).unlink(missing_ok=True)

    def _of(self, plugin: str) -> Path:
        return self._folder / f"{plugin}.txt"

    def _note(self, thread: int, plugin: str) -> None:
        if self._log is not None:
            self._log.write(f"0x{thread:016x} works for {plugin}\n".encode())


def _crashed(log: Path) -> str:
    """The plugin whose thread a process died in; empty: it did not die so."""
    try:
        text = log.read_text(errors="replace")
    except FileNotFoundError:
        return ""
    owners = {int(thread, 16): plugin for thread, plugin in _OWNER.findall(text)}
    found = _CURRENT.findall(text)
    return owners.get(int(found[-1], 16), "") if found and _CAUSE.search(text) else ""
