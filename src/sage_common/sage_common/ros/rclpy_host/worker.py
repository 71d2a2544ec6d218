"""A worker thread with a short queue: heavy work beside the executor."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

STOP_TIMEOUT_S = 2.0


class ThreadWorker:
    """Runs jobs one after another on a thread of its own.

    The thread is a daemon: a job that hangs cannot hold up the end of the process.

    Args:
        name: of the thread.
        queue_size: jobs that may wait, >= 1; a newer one pushes the oldest out.
        on_error: given what a job raised; the worker goes on.
    """

    def __init__(
        self, name: str, queue_size: int, on_error: Callable[[BaseException], None]
    ) -> None:
        if queue_size < 1:
            raise ValueError(f"queue_size = {queue_size}: expected at least 1")
        self.dropped = 0
        self._jobs: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._queue_size = queue_size
        self._on_error = on_error
        self._changed = threading.Condition()
        self._running = False
        self._stopping = False
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_current(self) -> bool:
        """True if asked from a job of this worker."""
        return threading.current_thread() is self._thread

    @property
    def load(self) -> int:
        """Jobs that run or wait."""
        with self._changed:
            return len(self._jobs) + self._running

    def submit(self, job: Callable[..., None], *arguments: Any) -> bool:
        """Queue a job; False if the oldest waiting one had to make room, or after `stop`."""
        with self._changed:
            if self._stopping:
                self.dropped += 1
                return False
            made_room = len(self._jobs) >= self._queue_size
            if made_room:
                self._jobs.popleft()
                self.dropped += 1
            self._jobs.append((job, arguments))
            self._changed.notify_all()
        return not made_room

    def offer(self, job: Callable[..., None], *arguments: Any) -> bool:
        """Queue a job only if there is room; False (and nothing dropped) if there is none."""
        with self._changed:
            if self._stopping or len(self._jobs) >= self._queue_size:
                return False
            self._jobs.append((job, arguments))
            self._changed.notify_all()
        return True

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing runs or waits; False if that took longer than `timeout_s`.

        Called from a job of this worker it returns at once: a job cannot wait for itself.
        """
        if self._abandoned or self.is_current:
            return True
        with self._changed:
            return self._changed.wait_for(self._is_idle, timeout_s)

    def _is_idle(self) -> bool:
        return self._abandoned or not (self._jobs or self._running)

    def abandon(self) -> None:
        """Its job hangs: drop what waits, take no more, and never wait for the thread again."""
        with self._changed:
            self.dropped += len(self._jobs)
            self._jobs.clear()
            self._stopping = True
            self._abandoned = True
            self._changed.notify_all()

    def request_stop(self) -> None:
        """Take no more jobs; the waiting ones are still done."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> bool:
        """Finish the waiting jobs and end; False if a job did not end in time."""
        self.request_stop()
        if not (self._abandoned or self.is_current):
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        _show_name(self._thread.name)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._stopping)
                if not self._jobs:
                    return
                job, arguments = self._jobs.popleft()
                self._running = True
            try:
                job(*arguments)
            except Exception as error:  # noqa: BLE001 - a failed job must not end the worker
                self._on_error(error)
            finally:
                # The last job's arguments may be large frames: do not hold them while idle.
                del job, arguments
                with self._changed:
                    self._running = False
                    self._changed.notify_all()


def _show_name(name: str) -> None:
    """Let the kernel know this thread by its name, as `sage profile --report` and top show it."""
    Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(name)
