"""What the encoders on a model have in common: the model, puzzles, and a service that embeds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sage_common.core.specs.modality import ModalitySpec
from sage_common.core.state.fields import Transient
from sage_common.ros.node import SageNode
from sage_encoders.core.card import ModelError
from sage_encoders.nodes.encoder_slot import EncoderSlot
from sage_encoders.nodes.loaded_encoder import LoadedEncoder
from sage_encoders.nodes.puzzle_output import PuzzleOutput


class ModelEncoderNode(SageNode, ABC):
    """Encodes on a worker, while the model is loaded; serves `MODALITY/embed`."""

    spec: ClassVar[ModalitySpec]
    waiting: ClassVar[int]
    """Samples that may wait for the worker; the oldest makes room."""
    _slot: Transient[EncoderSlot[Any]]

    def on_configure(self) -> None:
        self._slot = EncoderSlot(self, self.load)
        self._puzzles = PuzzleOutput(self, self.spec.name)
        self._worker = self.worker("encode", self.waiting)
        self.service(f"{self.spec.name}/embed", self._on_embed)

    def on_activate(self) -> None:
        self._slot.activate()
        self.diagnose(dropped=0)

    def on_deactivate(self) -> None:
        self._slot.deactivate()

    @abstractmethod
    def load(self) -> LoadedEncoder[Any]:
        """Load the encoder that the parameters ask for.

        Raises:
            ModelError: the model cannot be used.
        """

    @abstractmethod
    def decode(self, request: Any) -> Any:
        """What the service is to embed, as `embed` takes it; checked before a model is loaded.

        Raises:
            InvalidInput: it is wrong; the field is named.
        """

    @abstractmethod
    def embed(self, encoder: Any, sample: Any) -> NDArray[np.float32]:
        """The embedding [D] of what `decode` gave.

        Raises:
            InvalidInput: the model cannot take it; the field is named.
        """

    def answer(self, encoder: Any, sample: Any, response: Any) -> None:
        """Put the embedding of what `decode` gave into the response; raises as `embed`."""
        response.embedding = np.asarray(self.embed(encoder, sample), np.float32)

    def _on_embed(self, request: Any, response: Any) -> Any:
        """Answer; a model that is loaded on demand and has left is loaded for it."""
        sample = self.decode(request)
        try:
            with self._slot.encoder() as encoder:
                if encoder is None:
                    response.message = f"{self.name} has no model loaded: the node is not active"
                    return response
                self.answer(encoder, sample, response)
                response.encoder_id = encoder.encoder_id
        except ModelError as error:
            response.message = f"{self.name} cannot load its model: {error}"
            return response
        response.success = True
        return response
