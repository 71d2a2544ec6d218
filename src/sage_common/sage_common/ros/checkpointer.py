"""Keeps what a node has learned: on disk, whole, and back again at the next start."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_common.core.state import file as state_file
from sage_common.ros.host import Worker

if TYPE_CHECKING:
    from sage_common.ros.node import SageNode

REFUSED_SUFFIX = ".refused"
SLOW_S = 1.0
"""A state of some hundred kilobytes, written and synced, usually takes a fiftieth of this."""


@dataclass(frozen=True)
class Snapshot:
    """A copy of the state, numbered in the order of copying."""

    number: int
    arrays: Mapping[str, NDArray[Any]]


class Checkpointer:
    """Saves and restores the state of one node.

    The state is copied under the node's guard and written without it, so that neither callbacks
    nor a slow disk hold each other up; an older copy never overwrites a newer one.
    """

    def __init__(self, node: SageNode, path: Path) -> None:
        self._node = node
        self._path = path
        self._writing = threading.Lock()
        self._copied = 0
        self._written = 0
        self._is_unsaved = False

    def copy(self) -> Snapshot:
        """A copy of the state as it is now."""
        with self._node.guard:
            self._copied += 1
            return Snapshot(self._copied, self._node.state())

    @property
    def path(self) -> Path:
        """Where the state is kept."""
        return self._path

    def save(self) -> str:
        """Copy and write; the path, or empty if there is nothing to save.

        Raises:
            OSError: the disk is full or the folder cannot be written.
            ValueError: an array holds Python objects.
        """
        return self._write(self.copy())

    def checkpoint(self, saver: Worker) -> None:
        """Copy now and write on a worker; the node goes on meanwhile."""
        saver.submit(self.write_or_report, self.copy())

    def save_or_report(self) -> None:
        """Copy and write; an error is logged and shown in /diagnostics, the node goes on."""
        try:
            snapshot = self.copy()
        except Exception as error:  # noqa: BLE001 - a node that cannot give its state can still end
            self._report(error)
        else:
            self.write_or_report(snapshot)

    def answer(self, request: Any, response: Any) -> Any:
        """Save on request. An inactive node saved when it was deactivated, which still holds.

        What it has in memory may be half of an activation: it is written only if it could not be
        when the node was deactivated.
        """
        try:
            if self._node.active or self._is_unsaved:
                path = self.save()
            else:
                path = str(self._path) if self._path.exists() else ""
        except Exception as error:  # noqa: BLE001 - the caller must get an answer
            response.message = f"{type(error).__name__}: {error}"
        else:
            response.success, response.paths = True, [path] if path else []
        return response

    def write_or_report(self, snapshot: Snapshot) -> None:
        """Write; an error is logged and shown in /diagnostics, the node goes on."""
        try:
            self._write(snapshot)
        except (OSError, ValueError) as error:
            self._report(error)
        else:
            self._node.set_problem("state", "")

    def restore(self) -> None:
        """Hand the saved state to the node; a file that it refuses is set aside."""
        self._is_unsaved = False
        try:
            state_file.discard_unfinished(self._path)
            saved = state_file.load(self._path)
            state_file.check_identity(self._path, saved.identity, self._node.identity())
        except FileNotFoundError:
            return
        except OSError as error:
            self._node.log.warning(f"starting without the saved state: {error}")
            return
        except state_file.StateFileError as error:
            self._set_aside(str(error))
            return
        fresh = self.copy()
        try:
            with self._node.guard:
                self._node.restore(saved.arrays)
        except Exception as error:  # noqa: BLE001 - an old state must not keep a node from starting
            with self._node.guard:
                self._node.restore(fresh.arrays)  # if that fails, too, it is not the file's fault
            self._set_aside(f"{self._path}: {type(error).__name__}: {error}")

    def _write(self, snapshot: Snapshot) -> str:
        if not snapshot.arrays:
            return ""
        with self._writing:
            if snapshot.number > self._written:
                began_ns = self._node.stopwatch_ns()
                state_file.save(self._path, snapshot.arrays, self._node.identity())
                self._note_time((self._node.stopwatch_ns() - began_ns) / NS_PER_S)
                self._written = snapshot.number
                self._is_unsaved = False
        return str(self._path)

    def _note_time(self, took_s: float) -> None:
        slow = f"the disk is slow: its state took {took_s:.1f} s to write"
        self._node.set_concern("disk", slow if took_s > SLOW_S else "")

    def _set_aside(self, reason: str) -> None:
        aside = self._path.with_name(self._path.name + REFUSED_SUFFIX)
        self._node.log.warning(f"starting without the saved state, now {aside.name}: {reason}")
        try:
            os.replace(self._path, aside)
        except OSError as error:
            self._node.log.warning(f"the refused state stays: {error}")

    def _report(self, error: Exception) -> None:
        self._is_unsaved = True
        text = f"state not saved: {type(error).__name__}: {error}"
        self._node.log.error(text, throttle_s=10.0, key="state not saved")
        self._node.set_problem("state", text)
