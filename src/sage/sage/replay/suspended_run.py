"""A run in lock-step that was suspended between two events, to be resumed at the same instant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sage_common.core.errors import CannotContinue, InvalidInput
from sage_common.core.state import file as state_file
from sage_common.core.state.file import StateFile, StateFileError
from sage_common.ros.lockstep.host import LockstepHost
from sage_common.ros.lockstep.snapshot import Instant, identity_of, resume, snapshot_of


def suspended_run_path(home: Path) -> Path:
    """Where a home folder holds a suspended run."""
    return home / "state" / "lockstep.state"


def suspend_run(host: LockstepHost, path: Path) -> None:
    """Write down all that later outputs depend on; the memory's rows lie beside it.

    Raises:
        InvalidInput: something in the graph cannot be written down.
        OSError: the disk is full or the folder cannot be written.
    """
    try:
        state_file.save(path, snapshot_of(host), identity_of(host))
    except CannotContinue as error:
        expected = f"a graph that can be resumed later: {error}"
        raise InvalidInput("checkpoint", True, expected) from error


def check_can_be_suspended(host: LockstepHost) -> None:
    """Refuse before anything is played what is known already: a node that reads live hardware.

    Raises:
        InvalidInput: a node cannot be written down.
    """
    for node in host.nodes:
        try:
            node.snapshot()
        except CannotContinue as error:
            expected = f"a graph that can be resumed later: {node.name}: {error}"
            raise InvalidInput("checkpoint", True, expected) from error


@dataclass(frozen=True)
class SuspendedRun:
    """What `suspend_run` wrote."""

    path: Path
    content: StateFile

    @classmethod
    def load(cls, path: Path) -> SuspendedRun:
        """Read it.

        Raises:
            InvalidInput: there is none, or it cannot be trusted.
        """
        try:
            return cls(path, state_file.load(path))
        except FileNotFoundError:
            raise InvalidInput("resume", str(path), "a run that --checkpoint suspended") from None
        except StateFileError as error:
            raise InvalidInput("resume", "a file", f"one that can be trusted: {error}") from error

    @property
    def clock_ns(self) -> int:
        """Simulated time at which it was suspended [ns]."""
        return Instant.of(self.content.arrays).clock_ns

    def resume(self, host: LockstepHost) -> None:
        """Continue on a host whose nodes are active.

        Raises:
            InvalidInput: it is of other nodes, or the memory has changed since.
        """
        try:
            state_file.check_identity(self.path, self.content.identity, identity_of(host))
            resume(host, self.content.arrays)
        except (KeyError, ValueError) as error:
            found = InvalidInput("resume", "a run", f"the graph that was suspended: {error}")
            raise found from error
