"""The threads that plugins run on."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence

from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_common.ros.host import Worker
from sage_orchestrator.core.budget.usage import name_thread

QUEUE_SIZE = 4
"""A run waits there, and what unloads instances that were replaced."""
NICE = 5
"""Of plugins' threads: the executor's and the sensors' go first."""


class PluginWorkers(Stateful):
    """One worker for each plugin; a new one when its thread hangs.

    Args:
        make: makes a worker of that name, with a queue of that size.
        has_threads: whether each has a thread of its own.
        on_thread: called once on each of these threads, with the plugin's name.
    """

    _names: State[list[str]]

    def __init__(
        self,
        make: Callable[[str, int], Worker],
        has_threads: bool = False,
        on_thread: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._make = make
        self._on_thread = on_thread
        self._has_threads = has_threads
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
                if self._has_threads:
                    self._workers[name].submit(_prepare_thread, name)
                    self._workers[name].submit(self._on_thread, name)

    def submit(self, name: str, job: Callable[[], None]) -> None:
        self.make([name])
        self._workers[name].submit(job)

    def abandon(self, name: str) -> None:
        self._workers.pop(name).abandon()


def _prepare_thread(plugin: str) -> None:
    """Have the calling thread go after others, and known by the kernel as this plugin's."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
    name_thread(plugin)
