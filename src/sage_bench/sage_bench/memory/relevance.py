"""Rows of the bench: whether the memory says that nothing fits, and only then."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import Figures
from sage_bench.memory.peers.ours import DEVICE, limits, store_all
from sage_bench.memory.workplace import Workplace
from sage_bench.result import Row
from sage_common.core.relevance import Relevance
from sage_encoders.backends.minilm import CARD_FILE, OpenTextEmbedder
from sage_encoders.backends.text_relevance import text_relevance
from sage_encoders.core.card import ModelError
from sage_memory import Experience, Memory, Query
from sage_training.language.relevance import Embedded, embedded, read_half

STORED = 50, 500
GOAL_ANSWERED, GOAL_LOST = 10.0, 2.0
CODES = np.zeros((30, 30), np.uint8)
NOTE = (
    "relevance: texts are those halves of the files that the floor was not calibrated on. "
    "Questions without an answer are of Natural Questions, stored are sentences of STS-B and "
    "captions; those with one are the other sentence of a pair that people found to mean the "
    "same, and captions of a picture of which others are stored. Beside: without a floor"
)


def rows(place: Workplace) -> Figures:
    """Questions without and with an answer, to a small and to a larger memory."""
    place.setting.model(CARD_FILE)
    embedder = OpenTextEmbedder(place.setting.models, "cpu").embedder
    relevance = text_relevance(embedder.encoder_id, str(place.setting.models))
    if relevance is None:
        raise ModelError(f"{CARD_FILE} has no relevance floor")
    texts = read_half(place.setting.data, odd=True)
    found = embedded(texts, embedder.embed)
    made: list[Row] = []
    for count in sorted({min(count, len(found.stored)) for count in STORED}):
        made += _rows(place, found, count, relevance, embedder.encoder_id)
    return Figures(tuple(made), (NOTE,))


def _rows(
    place: Workplace, found: Embedded, count: int, relevance: Relevance, encoder_id: str
) -> list[Row]:
    known = {vector.tobytes() for vector in found.stored[:count]}
    answerable = np.array([
        any(vector.tobytes() in known for vector in own) for own in found.answers
    ])  # fmt: skip
    with (
        place.fresh_folder() as home,
        Memory.open(home, device_id=DEVICE, limits=limits()) as memory,
    ):
        store_all(memory, (_said(n, vector, encoder_id)
                           for n, vector in enumerate(found.stored[:count])))  # fmt: skip

        def declined(asked: NDArray[np.float32]) -> float:
            """Share of questions that nothing fits [%]."""
            none = [
                not memory.recall(Query(text="a question", text_embedding=vector,
                                        text_encoder_id=encoder_id, relevance=relevance))
                for vector in asked
            ]  # fmt: skip
            return 100.0 * float(np.mean(none))

        answered = 100.0 - declined(found.questions)
        lost = declined(found.answered[answerable])
    return [
        Row(f"questions without an answer among {count:,} that are answered", answered, "%",
            GOAL_ANSWERED, baselines={"without a floor": 100.0}, samples=len(found.questions)),
        Row(f"questions with an answer among {count:,} that are declined", lost, "%", GOAL_LOST,
            baselines={"without a floor": 0.0}, samples=int(answerable.sum())),
    ]  # fmt: skip


def _said(number: int, vector: NDArray[np.float32], encoder_id: str) -> Experience:
    return Experience(
        start_ns=number, end_ns=number, modality="language", source="bench", codes=CODES,
        embedding=vector, encoder_id=encoder_id, surprise=0.5, novelty=0.5, arousal=0.5,
        reward=0.5, conflict=0.0, total=0.5, text=f"text {number}",
    )  # fmt: skip
