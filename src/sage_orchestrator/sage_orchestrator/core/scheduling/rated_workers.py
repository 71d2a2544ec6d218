"""Workers whose time on the processor is counted."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sage_orchestrator.core.budget.rating import ProcessorRating
from sage_orchestrator.core.scheduling.policy import Workers


class RatedWorkers:
    """The workers of plugins, watched by a rating.

    Not the first job of each: it loads the plugin, which no budget pays.
    """

    def __init__(self, workers: Workers, rating: ProcessorRating) -> None:
        self._workers, self._rating = workers, rating
        self._loaded: set[str] = set()

    def submit(self, name: str, job: Callable[[], None]) -> None:
        """See `Workers`."""
        if name not in self._loaded:
            self._loaded.add(name)
            self._workers.submit(name, job)
            return

        def watched() -> None:
            thread = threading.get_native_id()
            self._rating.begin(name, thread)
            try:
                job()
            finally:
                self._rating.end(name, thread)

        self._workers.submit(name, watched)

    def abandon(self, name: str) -> None:
        """See `Workers`."""
        self._rating.forget(name)
        self._loaded.discard(name)
        self._workers.abandon(name)
