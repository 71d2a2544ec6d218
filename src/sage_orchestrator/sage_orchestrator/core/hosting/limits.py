"""How far a plugin in a process of its own may go, and what is said of one that went farther."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from sage_orchestrator.core.hosting.process_tree import descendants, memory_bytes
from sage_orchestrator.core.hosting.warden import SIGNALLED

GRACE_S = 0.1
"""So long a process may take over what its run was granted before it is killed."""
_MB = 1_000_000


class ProcessEnded(RuntimeError):
    """The process of a plugin ended or was killed; the message says why.

    Attributes:
        is_late: it was killed because it did not come back in time.
    """

    def __init__(self, words: str, is_late: bool = False) -> None:
        super().__init__(words)
        self.is_late = is_late


@dataclass(frozen=True)
class ProcessLimits:
    """Of a plugin's process and all that it starts, together.

    Attributes:
        plugin: name of the plugin, whose parameters set them.
        memory_bytes: memory that is no file's; one process is refused twice as much at once.
        processes: how many they may be.
    """

    plugin: str
    memory_bytes: int
    processes: int

    def excess(self, warden: int) -> str:
        """What they have too much of, in words; empty: nothing."""
        found = list(descendants(warden))
        if len(found) > self.processes:
            had = f"it had {len(found)} processes of {self.processes}"
            return f"killed: {had} ({self.plugin}.processes)"
        held = sum(memory_bytes(process) for process in found)
        if held > self.memory_bytes:
            had = f"it held {held // _MB} MB of {self.memory_bytes // _MB}"
            return f"killed: {had} ({self.plugin}.memory_mb)"
        return ""


def words_of_end(code: int) -> str:
    """How a process ended that nobody here killed, by the code of its warden.

    Args:
        code: below 0 the warden itself was ended, by a signal of that number.
    """
    if 0 <= code <= SIGNALLED:
        return f"its process ended by itself, with status {code}"
    number = code - SIGNALLED if code > 0 else -code
    said = (signal.strsignal(number) or "a signal").lower()
    if code < 0:
        return f"{said} (signal {number}) from outside, with the process that watches it"
    in_it = f"{said} (signal {number}) in its process"
    if number == signal.SIGKILL:
        return f"{in_it}, from outside or by the kernel for want of memory"
    return in_it
