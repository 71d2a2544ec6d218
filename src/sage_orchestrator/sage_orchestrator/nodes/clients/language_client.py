"""Embeddings of texts by the language encoder of the graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sage_common.core.shared_work.batches import Batches
from sage_common.ros.host import ServiceClient
from sage_msgs.srv import Embed
from sage_orchestrator.core.plugin import TextEmbedding

EMBED_TIMEOUT_S = 1.0
MOST_TEXTS = 16


class LanguageClient:
    """Asks language/embed; texts that wait while others are embedded go in one request.

    Args:
        client: of the service.
    """

    def __init__(self, client: ServiceClient) -> None:
        self._client = client
        self._batches: Batches[str, TextEmbedding | str] = Batches(MOST_TEXTS)

    def embed(self, text: str) -> TextEmbedding:
        """See `capabilities.EmbedText`."""
        found = self._batches.join("", text, 1, self._ask)
        if isinstance(found, str):
            raise RuntimeError(f"language/embed: {found}")
        return found

    def _ask(self, texts: Sequence[str]) -> Sequence[TextEmbedding | str]:
        """The embedding of each text, or why it is refused."""
        one = len(texts) == 1
        request = Embed.Request(text=texts[0]) if one else Embed.Request(texts=list(texts))
        response = self._client.call(request, EMBED_TIMEOUT_S)
        if not response.success:
            return [response.message] * len(texts)
        found = np.array(response.embedding, np.float32).reshape(len(texts), -1)
        refused = [""] if one else response.refused
        return [
            words or TextEmbedding(embedding, response.encoder_id)
            for words, embedding in zip(refused, found, strict=True)
        ]
