"""Vectors of the present encoders for what was kept with others, a few at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Header

from sage_common.core.errors import InvalidInput
from sage_common.core.specs.modality import ModalitySpec
from sage_common.core.topics import SERVICES
from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.host import ServiceClient, ServiceUnavailable
from sage_common.ros.node import SageNode
from sage_memory.backends.payload_decoding import picture, sound
from sage_memory.core.errors import MemoryFailure
from sage_memory.core.memory import Memory
from sage_memory.core.store.reembedding import Embedder, Reembedding
from sage_msgs.srv import Embed, EmbedImage, EmbedSound

BATCH = 4
EMBED_TIMEOUT_S = 5.0


class Reembedder:
    """Asks the encoders of the graph for the vectors that are missing, on a worker of its own.

    Which encoders there are it learns from what is kept. In lock-step it does nothing: what is
    done in the background there would depend on how long other things take.

    Args:
        node: that it belongs to.
        opened: gives the open memory, or raises MemoryFailure.
        period_s: time between two batches [s]; 0: never.
    """

    def __init__(self, node: SageNode, opened: Callable[[], Memory], period_s: float) -> None:
        self._node = node
        self._opened = opened
        self._present: dict[str, str] = {}
        self._work: Reembedding | None = None
        self._finished = False
        self._busy = False
        served = (name for name in node.modality_specs if f"{name}/embed" in SERVICES)
        self._clients = {name: node.client(f"{name}/embed") for name in served}
        if period_s > 0.0 and node.time_is_measured:
            self._worker = node.worker("reembed")
            node.timer(period_s, self._tick)

    def note(self, modality: str, encoder_id: str) -> None:
        """Note the present encoder of a modality."""
        if self._present.get(modality) != encoder_id:
            self._present[modality] = encoder_id
            self._work, self._finished = None, False

    def _tick(self) -> None:
        if self._present and not (self._busy or self._finished):
            self._busy = True
            self._worker.submit(self._step)

    def _step(self) -> None:
        try:
            work = self._work
            if work is None:
                embedders = [e for e in map(self._embedder, sorted(self._present)) if e is not None]
                work = self._work = self._opened().reembed(embedders, BATCH)
                self._node.diagnose(vectors_to_make=work.missing())
            looked_at = work.step()
            self._finished = looked_at == 0 and work is self._work
            self._node.diagnose(vectors_made=work.done.made, vectors_failed=work.done.failed)
            if self._finished:
                self._node.diagnose(vectors_to_make=0)
        except (ServiceUnavailable, MemoryFailure) as error:
            # The encoder may come back, or the store have room: nothing of the batch is lost.
            self._node.diagnose(reembedding_waits_for=str(error))
        finally:
            self._busy = False

    def _embedder(self, modality: str) -> Embedder | None:
        client = self._clients.get(modality)
        if client is None:
            return None
        encoder_id, spec = self._present[modality], self._node.modality_specs[modality]
        request = _request(spec)
        return Embedder(
            "" if spec.words else modality,
            encoder_id,
            lambda data: _vector(client, request(data), encoder_id),
        )


def _request(spec: ModalitySpec) -> Callable[[bytes], Any]:
    """From a payload, or a text, to what the service of its encoder is asked."""
    if spec.words:
        return lambda data: Embed.Request(text=data.decode())
    if spec.payload == "picture":
        return lambda data: EmbedImage.Request(
            image=array_to_image(picture(data), "rgb8", Header())
        )
    return _sound_request


def _sound_request(data: bytes) -> EmbedSound.Request:
    samples, rate_hz = sound(data)
    return EmbedSound.Request(samples=samples, sample_rate=rate_hz)


def _vector(client: ServiceClient, request: Any, encoder_id: str) -> NDArray[np.float32]:
    answer = client.call(request, EMBED_TIMEOUT_S)
    if not answer.success:
        raise InvalidInput("embedding", type(request).__name__, answer.message)
    if answer.encoder_id != encoder_id:
        raise ServiceUnavailable(f"encoder {encoder_id}: it has become {answer.encoder_id}")
    return np.array(answer.embedding, np.float32)
