"""A worker thread with a short queue: heavy work beside the executor."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

STOP_TIMEOUT_S = 2.0


class ThreadWorker:
    """Runs jobs one after another on a thread of its own.

    The thread is a daemon: a job that hangs cannot hold up the end of the process.

    Args:
        name: of the thread.
        queue_size: jobs that may wait, >= 1; a newer one pushes the oldest out.
        on_error: told what a job raised; the worker goes on.
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
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Callable[..., None], *arguments: Any) -> bool:
        """Queue a job; False if the oldest waiting one had to make room."""
        with self._changed:
            made_room = len(self._jobs) >= self._queue_size
            if made_room:
                self._jobs.popleft()
                self.dropped += 1
            self._jobs.append((job, arguments))
            self._changed.notify()
        return not made_room

    def stop(self) -> bool:
        """Finish the waiting jobs and end; False if a job did not end in time."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(STOP_TIMEOUT_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._stopping)
                if not self._jobs:
                    return
                job, arguments = self._jobs.popleft()
            try:
                job(*arguments)
            except Exception as error:  # noqa: BLE001 - a failed job must not end the worker
                self._on_error(error)
