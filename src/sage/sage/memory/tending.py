"""Pinning and forgetting experiences: through the running graph or in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sage.graph.runtime_file import RunningGraph
from sage.memory.opening import open_memory
from sage_common.core.errors import InvalidInput
from sage_memory.core.identifiers import parse_id


@dataclass(frozen=True)
class Forgotten:
    """What was removed for good: experiences, and bytes of their content."""

    forgotten: int
    bytes_freed: int


def pin(home: Path, running: RunningGraph | None, identifier: str, pinned: bool) -> None:
    """Never let an experience go, or let it go again.

    Raises:
        InvalidInput: there is no such experience.
        MemoryFailure, ServiceUnavailable: store or graph cannot be had.
    """
    key = parse_id(identifier, "id")
    if running is None:
        with open_memory(home) as memory:
            memory.pin(key, pinned).wait()
        return
    from sage.memory import services

    response = services.pin(running, identifier, pinned)
    if not response.success:
        raise InvalidInput("id", identifier, response.message)


def forget(
    home: Path, running: RunningGraph | None, identifiers: Sequence[str], reason: str
) -> Forgotten:
    """Remove experiences for good, payloads too; tombstones without content stay.

    Raises:
        InvalidInput: one of them is not there; nothing is forgotten then.
        MemoryFailure, ServiceUnavailable: store or graph cannot be had.
    """
    keys = [parse_id(identifier, "ids") for identifier in identifiers]
    if running is None:
        with open_memory(home) as memory:
            done = memory.forget(keys, reason).wait()
        return Forgotten(done.count, done.bytes_freed)
    from sage.memory import services

    response = services.forget(running, identifiers, reason)
    if not response.success:
        raise InvalidInput("ids", ", ".join(identifiers), response.message)
    return Forgotten(response.forgotten, response.bytes_freed)
