"""What takes a while: one refinement by hand and one sleep at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sage_gateway.core.contract.events import Job

REFINE, SLEEP = "refine", "sleep"
Progress = Callable[[float | None, str], None]
Work = Callable[[Progress, Callable[[], bool]], tuple[bool, str, dict[str, object]]]
"""Given what to report to and what says that it was cancelled; whether it did it, what came of it
in words, and the result."""


class Busy(RuntimeError):
    """Such a job runs already."""


@dataclass
class _Running:
    job: Job
    cancelled: threading.Event = field(default_factory=threading.Event)


class Jobs:
    """Runs each on a thread of its own.

    Args:
        tell: given each change of a job, from its thread.
    """

    def __init__(self, tell: Callable[[Job], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._count = 0
        self._running: dict[int, _Running] = {}

    def start(self, kind: str, work: Work) -> int:
        """Begin; the number of the job.

        Raises:
            Busy: one of this kind runs.
        """
        with self._lock:
            if any(item.job.kind == kind for item in self._running.values()):
                raise Busy(f"a job of the kind {kind} runs already")
            self._count += 1
            item = _Running(Job(self._count, kind, "running", None, "", {}))
            self._running[item.job.job] = item
        thread = threading.Thread(target=self._run, args=(item, work), name=kind, daemon=True)
        thread.start()
        return item.job.job

    def cancel(self, number: int) -> bool:
        """Ask a job to end; False if it does not run."""
        with self._lock:
            item = self._running.get(number)
        if item is not None:
            item.cancelled.set()
        return item is not None

    def cancel_all(self) -> None:
        """Ask all to end."""
        for number in list(self._running):
            self.cancel(number)

    def running(self) -> tuple[Job, ...]:
        """Those that run, as they are."""
        with self._lock:
            return tuple(item.job for item in self._running.values())

    def _run(self, item: _Running, work: Work) -> None:
        self._tell(item.job)

        def report(progress: float | None, message: str) -> None:
            item.job = replace(item.job, progress=progress, message=message)
            self._tell(item.job)

        try:
            done, message, result = work(report, item.cancelled.is_set)
            state = "done" if done else "cancelled" if item.cancelled.is_set() else "failed"
        except Exception as error:  # noqa: BLE001 - said to who asked for it
            state, message, result = "failed", f"{error}", {}
        finally:
            with self._lock:
                del self._running[item.job.job]
        self._tell(replace(item.job, state=state, message=message, result=result))
