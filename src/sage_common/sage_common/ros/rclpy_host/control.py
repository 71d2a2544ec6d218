"""The thread on which the transitions of one node run, in the order of their requests."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from sage_common.ros.rclpy_host.worker import ThreadWorker

QUEUE_SIZE = 32
T = TypeVar("T")


class ControlClosed(RuntimeError):
    """The node is ending, or too many transitions wait already."""


class ControlWorker:
    """Runs transitions one after another; a slow one holds up no executor and no other node.

    Args:
        name: of the thread.
        on_error: given what a job of `offer` raised.
    """

    def __init__(self, name: str, on_error: Callable[[BaseException], None]) -> None:
        self._worker = ThreadWorker(name, QUEUE_SIZE, on_error)

    @property
    def is_current(self) -> bool:
        """True if asked from a job of this worker."""
        return self._worker.is_current

    def offer(self, job: Callable[[], None]) -> bool:
        """Queue a job of which nobody waits for the outcome; False if it was not queued."""
        return self._worker.offer(job)

    def stop(self, timeout_s: float) -> bool:
        """Finish the waiting jobs and end; False if a job did not end in time."""
        return self._worker.stop(timeout_s)

    def start(self, job: Callable[[], T]) -> Future[T]:
        """Queue a job; its outcome.

        Raises:
            ControlClosed: it was not queued.
        """
        outcome: Future[T] = Future()

        def work() -> None:
            try:
                result = job()
            except Exception as error:  # noqa: BLE001 - raised where the outcome is asked for
                outcome.set_exception(error)
            else:
                outcome.set_result(result)

        if not self.offer(work):
            raise ControlClosed(f"the node is ending, or {QUEUE_SIZE} transitions wait already")
        return outcome

    def run(self, job: Callable[[], T]) -> T:
        """What a job returns, when it has run; at once if a transition of this node asks.

        Raises:
            ControlClosed: it was not queued.
            Exception: what the job raised.
        """
        return job() if self.is_current else self.start(job).result()
