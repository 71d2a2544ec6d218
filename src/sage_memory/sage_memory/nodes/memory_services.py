"""The memory's services: keep this moment, recall, write everything down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sage_common.core.errors import InvalidInput
from sage_common.ros.graph_states import save_states
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.node import SageNode
from sage_memory.core.experience import Experience
from sage_memory.core.identifiers import id_text
from sage_memory.core.ingest.short_term import Moment
from sage_memory.core.ingest.utterance_buffer import HeardText
from sage_memory.core.memory import Memory
from sage_memory.nodes.recall_service import RecallService
from sage_msgs.srv import Checkpoint, StoreExperience


class MemoryServices:
    """Serves memory/store, memory/recall and memory/checkpoint; handlers run on workers.

    Args:
        node: that serves them.
        opened: gives the open memory, or raises MemoryFailure.
        newest: gives the newest moment of a modality (empty: the dominant one), or None.
        keep: stores a moment with words and returns it once it is committed and synced.
    """

    def __init__(
        self,
        node: SageNode,
        opened: Callable[[], Memory],
        newest: Callable[[str], Moment | None],
        keep: Callable[[Moment, HeardText | None], Experience],
    ) -> None:
        self._node = node
        self._opened = opened
        self._newest = newest
        self._keep = keep
        self._recalling = RecallService(node, opened)
        node.service("memory/store", self._store)
        node.service("memory/checkpoint", self._checkpoint)

    def _store(
        self, request: StoreExperience.Request, response: StoreExperience.Response
    ) -> StoreExperience.Response:
        moment = self._newest(request.modality)
        if moment is None:
            raise InvalidInput("modality", request.modality, "one that has been scored already")
        words = None
        if request.text:
            words = HeardText(moment.percept.stamp_ns, request.text)
            try:
                vector, encoder_id = self._recalling.meaning(request.text)
                words = replace(words, embedding=vector, encoder_id=encoder_id)
            except ServiceUnavailable as error:
                response.message = f"stored, but not to be found by these words: {error}"
        kept = self._keep(moment, words)
        if words is not None and not kept.text:
            response.message = "stored without the words, which are private"
        response.id, response.success = id_text(kept.id), True
        return response

    def _checkpoint(
        self, request: Checkpoint.Request, response: Checkpoint.Response
    ) -> Checkpoint.Response:
        self._opened().checkpoint()
        saved = save_states(self._node)
        response.paths = [str(self._node.home / "memory.db"), *saved.paths]
        response.success, response.message = not saved.failures, "; ".join(saved.failures)
        return response
