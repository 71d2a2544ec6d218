"""Workers whose time on the processor is counted."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sage_orchestrator.core.budget.rating import ProcessorRating
from sage_orchestrator.core.scheduling.policy import Workers


class RatedWorkers:
    """The workers of plugins, watched by a rating."""

    def __init__(self, workers: Workers, rating: ProcessorRating) -> None:
        self._workers, self._rating = workers, rating

    def submit(self, name: str, job: Callable[[], None]) -> None:
        """See `Workers`."""

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
        self._workers.abandon(name)
