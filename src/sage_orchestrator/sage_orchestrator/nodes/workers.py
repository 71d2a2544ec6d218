"""The threads that plugins run on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_common.ros.host import Worker

QUEUE_SIZE = 4
"""A run waits there, and what unloads instances that were replaced."""


class PluginWorkers(Stateful):
    """One worker for each plugin; a new one when its thread hangs.

    Args:
        make: makes a worker of that name, with a queue of that size.
    """

    _names: State[list[str]]

    def __init__(self, make: Callable[[str, int], Worker]) -> None:
        self._make = make
        self._workers: dict[str, Worker] = {}

    def packing(self) -> None:
        self._names = list(self._workers)

    def restored(self) -> None:
        self.make(self._names)

    def make(self, names: Sequence[str]) -> None:
        """Make workers for these plugins that have none."""
        for name in names:
            if name not in self._workers:
                self._workers[name] = self._make(f"plugin {name}", QUEUE_SIZE)

    def submit(self, name: str, job: Callable[[], None]) -> None:
        self.make([name])
        self._workers[name].submit(job)

    def abandon(self, name: str) -> None:
        self._workers.pop(name).abandon()
