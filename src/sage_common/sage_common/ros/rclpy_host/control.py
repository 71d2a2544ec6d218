"""The thread on which the transitions of one node run, in the order of their requests."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from sage_common.ros.rclpy_host.worker import ThreadWorker

QUEUE_SIZE = 32
T = TypeVar("T")


class ControlClosed(RuntimeError):
    """The node is ending, or too many transitions wait already."""


class ControlWorker:
    """Runs transitions one after another; a slow one holds up no executor and no other node.

    Its thread is a daemon: a transition that hangs cannot hold up the end of the process.

    Args:
        name: of the thread.
        on_error: told what a job of `offer` raised.
    """

    def __init__(self, name: str, on_error: Callable[[BaseException], None]) -> None:
        self._worker = ThreadWorker(name, QUEUE_SIZE, on_error)

    @property
    def is_current(self) -> bool:
        """True if asked from a transition of this node."""
        return self._worker.is_current

    def offer(self, job: Callable[[], None]) -> bool:
        """Queue a job that nobody waits for; False if there is no room, or after `close`."""
        return self._worker.offer(job)

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Queue a job; its outcome.

        Raises:
            ControlClosed: it was not queued.
        """
        task = _Task(job)
        if not self.offer(task):
            raise ControlClosed(f"the node is ending, or {QUEUE_SIZE} transitions wait already")
        return task.outcome

    def run(self, job: Callable[[], T]) -> T:
        """What a job returns, when it has run; at once if a transition of this node asks.

        Raises:
            ControlClosed: it was not queued.
            Exception: what the job raised.
        """
        return job() if self.is_current else self.submit(job).result()

    def close(self, timeout_s: float) -> bool:
        """Take no more jobs, and wait for those that were taken; False if that took longer."""
        return self._worker.stop(timeout_s)


class _Task(Generic[T]):
    """A job whose outcome somebody waits for."""

    def __init__(self, job: Callable[[], T]) -> None:
        self.outcome: Future[T] = Future()
        self._job = job

    def __call__(self) -> None:
        try:
            result = self._job()
        except Exception as error:  # noqa: BLE001 - raised where the outcome is asked for
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(result)
