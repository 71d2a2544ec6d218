"""Recall from the memory of the graph, which may start later than the plugins."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sage_common.core.clock import NS_PER_S
from sage_common.ros.host import ServiceClient
from sage_orchestrator.core.plugin import Memory, NothingToDo, Query
from sage_orchestrator.nodes.messages import memories_of, recall_request

RECALL_TIMEOUT_S = 0.5
MEMORY_PATIENCE_NS = 15 * NS_PER_S
"""The processes of a graph start at their own pace; so long no memory is no failure."""


class MemoryClient:
    """Asks memory/recall.

    Args:
        client: of the service.
        stopwatch_ns: a clock for the start of the graph; None: all its nodes are there.
    """

    def __init__(
        self, client: ServiceClient, stopwatch_ns: Callable[[], int] | None = None
    ) -> None:
        self._client = client
        self._stopwatch_ns = stopwatch_ns
        self._first_asked_ns: int | None = None

    def recall(self, query: Query) -> Sequence[Memory]:
        """See `capabilities.Recall`.

        Raises:
            NothingToDo: there is no memory yet.
            RuntimeError: there is none, or it refused the question.
        """
        if self._stopwatch_ns is not None:
            self._await_memory(self._stopwatch_ns)
        response = self._client.call(recall_request(query), RECALL_TIMEOUT_S)
        if not response.success:
            raise RuntimeError(f"memory/recall: {response.message}")
        return memories_of(response)

    def _await_memory(self, stopwatch_ns: Callable[[], int]) -> None:
        """Have the plugin skip its turn while the memory may still be starting."""
        now_ns = stopwatch_ns()
        if self._first_asked_ns is None:
            self._first_asked_ns = now_ns
        if self._client.wait(0.0) or now_ns - self._first_asked_ns > MEMORY_PATIENCE_NS:
            self._stopwatch_ns = None  # from here on, no memory is a failure
        else:
            raise NothingToDo("no memory yet")
