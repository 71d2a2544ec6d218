"""The service memory/recall: words, pictures and sounds are embedded by the encoders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.ros.host import ServiceClient
from sage_common.ros.node import SageNode
from sage_encoders.backends.class_judge import ClassJudge
from sage_encoders.backends.text_relevance import text_relevance
from sage_memory.core.memory import Memory
from sage_memory.core.recall.query import Query
from sage_memory.core.recall.question.reading import Reading
from sage_memory.core.recall.recognition.fits import with_fits
from sage_memory.nodes.recall_messages import fill_response, query_of
from sage_msgs.srv import Embed, EmbedImage, EmbedSound, Recall

EMBED_TIMEOUT_S = 5.0
Embedding = tuple[NDArray[np.float32], str]


class RecallService:
    """Serves memory/recall; the handler runs on a worker.

    Args:
        node: that serves it.
        opened: gives the open memory, or raises MemoryFailure.
    """

    def __init__(self, node: SageNode, opened: Callable[[], Memory]) -> None:
        self._node = node
        self._opened = opened
        self._class_judge = ClassJudge(self.meaning, self._warn)
        self._words = node.client("language/embed")
        self._images = node.client("vision/embed")
        self._sounds = node.client("audio/embed")
        node.service("memory/recall", self._recall)

    def meaning(self, text: str) -> Embedding:
        """The embedding of words, float32 [D], and its encoder.

        Raises:
            InvalidInput: the encoder refuses the text.
            ServiceUnavailable: there is no language encoder, or it does not answer.
        """
        return _embedding(self._words, Embed.Request(text=text), "text", text)

    def _warn(self, fault: str) -> None:
        self._node.log.warning(fault, throttle_s=60.0, key="classes")

    def _recall(self, request: Recall.Request, response: Recall.Response) -> Recall.Response:
        started = self._node.stopwatch_ns()
        memory = self._opened()
        asked = Reading(query_of(request))
        if not request.literal:
            asked = memory.read_question(asked.query)
        query = self._embedded(asked.query, request)
        recalled = memory.ask(with_fits(query, memory.vocabularies, self._class_judge))
        recalled = recalled.after(asked.notes)
        fill_response(
            response, recalled, request.with_declined, with_codes=not request.without_codes
        )
        response.search_ms = (self._node.stopwatch_ns() - started) / 1e6
        return response

    def _embedded(self, query: Query, request: Recall.Request) -> Query:
        if query.text:
            vector, encoder_id = self.meaning(query.text)
            query = replace(
                query,
                text_embedding=vector,
                text_encoder_id=encoder_id,
                relevance=text_relevance(encoder_id),
            )
        example = self._example(request)
        if example is not None:
            query = replace(query, example=example[0], example_encoder_id=example[1])
        return query

    def _example(self, request: Recall.Request) -> Embedding | None:
        """The embedding of the picture or the sound of a request; None if it has neither."""
        image, samples = request.example_image, request.example_sound
        if image.width:
            shown = f"{image.width}x{image.height} {image.encoding}"
            return _embedding(self._images, EmbedImage.Request(image=image), "example_image", shown)
        if len(samples):
            rate_hz = request.example_sound_rate
            shown = f"{len(samples)} samples of {rate_hz} Hz"
            sound = EmbedSound.Request(samples=samples, sample_rate=rate_hz)
            return _embedding(self._sounds, sound, "example_sound", shown)
        return None


def _embedding(client: ServiceClient, request: Any, field: str, shown: str) -> Embedding:
    answer = client.call(request, EMBED_TIMEOUT_S)
    if not answer.success:
        raise InvalidInput(field, shown, answer.message)
    return np.array(answer.embedding, np.float32), str(answer.encoder_id)
