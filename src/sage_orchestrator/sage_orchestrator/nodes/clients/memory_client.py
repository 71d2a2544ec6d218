"""Recall from the memory of the graph, which may start later than the plugins, or start again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sage_common.core.clock import NS_PER_S
from sage_common.ros.answers import NOT_ACTIVE
from sage_common.ros.host import ServiceClient, ServiceUnavailable
from sage_msgs.srv import Recall
from sage_orchestrator.core.plugin import Memory, NothingToDo, Query
from sage_orchestrator.nodes.messages import memories_of, recall_request

RECALL_TIMEOUT_S = 0.5
MEMORY_PATIENCE_NS = 15 * NS_PER_S
"""A process starts, or is started again, at its own pace; so long no memory is no failure."""


class MemoryClient:
    """Asks memory/recall.

    Args:
        client: of the service.
        stopwatch_ns: a clock for how long the memory has been away; None: all nodes are there.
    """

    def __init__(
        self, client: ServiceClient, stopwatch_ns: Callable[[], int] | None = None
    ) -> None:
        self._client = client
        self._stopwatch_ns = stopwatch_ns
        self._away_ns: int | None = None

    def recall(self, query: Query) -> Sequence[Memory]:
        """See `capabilities.Recall`.

        Raises:
            NothingToDo: there is no memory yet, or none again.
            ServiceUnavailable: there has been none for long.
            RuntimeError: it refused the question.
        """
        try:
            response = self._answer(query)
        except ServiceUnavailable as error:
            self._bear(error)
            raise
        self._away_ns = None
        if not response.success:
            raise RuntimeError(f"memory/recall: {response.message}")
        return memories_of(response)

    def _answer(self, query: Query) -> Recall.Response:
        """What a memory that is active says."""
        if self._stopwatch_ns is not None and not self._client.wait(0.0):
            raise ServiceUnavailable("memory/recall: no node serves it")
        response: Recall.Response = self._client.call(recall_request(query), RECALL_TIMEOUT_S)
        if not response.success and response.message.endswith(NOT_ACTIVE):
            raise ServiceUnavailable(f"memory/recall: {response.message}")
        return response

    def _bear(self, error: ServiceUnavailable) -> None:
        """Have the plugin skip its turn while the memory may still be starting."""
        if self._stopwatch_ns is None:
            return
        now_ns = self._stopwatch_ns()
        if self._away_ns is None:
            self._away_ns = now_ns
        if now_ns - self._away_ns <= MEMORY_PATIENCE_NS:
            raise NothingToDo(f"no memory yet: {error}") from error
