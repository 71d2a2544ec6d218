"""A run that somebody asked for by hand."""

from __future__ import annotations

import threading

from sage_orchestrator.core.plugin.task import Task
from sage_orchestrator.core.running.result import RunResult
from sage_orchestrator.core.running.run import Run


class Job:
    """A run that somebody asked for by hand; goes on over cycles until its budget is spent.

    Attributes:
        due_ns: its timeout is over then; None: nobody has taken it.
    """

    def __init__(self, task: Task, limit_ns: int, timeout_ns: int) -> None:
        self.task = task
        self.limit_ns = limit_ns
        self.timeout_ns = timeout_ns
        self.due_ns: int | None = None
        self.run: Run | None = None
        self.result: RunResult | None = None
        self._done = threading.Event()

    @property
    def rank(self) -> tuple[float, int]:
        """Its place among those that wait for a plugin, the smallest first: by what it is worth,
        then by when it is due."""
        return -self.task.salience, self.due_ns or 0

    def finish(self, result: RunResult) -> None:
        """The run ended."""
        self.result = result
        self._done.set()

    def wait(self, timeout_s: float) -> RunResult | None:
        """The result; None if it has not ended within the time."""
        self._done.wait(timeout_s)
        return self.result
