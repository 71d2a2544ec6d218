"""A memory of things seen and things said: are first answers right, and as sure as that?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_bench.recognition.pictures import TEST, Named
from sage_bench.recognition.words import Fits
from sage_bench.result import Row
from sage_common.core.labels import Label, Labels
from sage_encoders.backends.text_relevance import text_relevance
from sage_encoders.core.language import TextEmbedder
from sage_encoders.core.recognition.picture_classifier import KEPT, MODEL
from sage_memory import Experience, Memory, Query
from sage_training.language.relevance import read_half

MOST_SAID = 400
MODES = ("both", "words", "labels")
CALIBRATION_GOAL = 0.05
BINS = 10


@dataclass(frozen=True)
class Asked:
    """A question, what is its answer, and whether that is kept."""

    words: str
    answer: str
    kept: bool


@dataclass(frozen=True)
class First:
    """The first answer to a question: how sure it is, 0: there is none, and whether it is right."""

    score: float
    right: bool


def rows(
    data: Path, pictures: Named, names: tuple[str, ...], fits: Fits, embedder: TextEmbedder
) -> tuple[Row, ...]:
    """First answers of a memory of every second picture and sentence, by words, by labels and by
    both; right is the picture of just that class, or the sentence that means the same."""
    pairs = read_half(data, odd=TEST == 1).pairs[:MOST_SAID]
    seen = [names[number] for number in pictures.classes]
    asked = [Asked(f"where did I see a {name}?", name, n % 2 == 0) for n, name in enumerate(seen)]
    asked += [Asked(question, said, n % 2 == 0) for n, (question, said) in enumerate(pairs)]
    with tempfile.TemporaryDirectory() as home, Memory.open(home) as memory:
        answers = _keep(memory, pictures, names, [said for _, said in pairs], embedder)
        by_mode = {
            mode: _first_answers(memory, asked, answers, _query(mode, names, fits, embedder))
            for mode in MODES
        }
    there = [place for place, one in enumerate(asked) if one.kept]
    right = {
        mode: float(np.mean([found[place].right for place in there]))
        for mode, found in by_mode.items()
    }
    beside = {f"{mode} alone": right[mode] for mode in MODES[1:]}
    error, count = _calibration_error(by_mode["both"])
    return (
        Row("seen or said: first answers that are right", right["both"], "", None, "higher",
            beside, len(there)),
        Row("seen or said: calibration error of first answers", error, "", CALIBRATION_GOAL,
            "lower", {}, count),
    )  # fmt: skip


def _keep(
    memory: Memory,
    pictures: Named,
    names: tuple[str, ...],
    said: list[str],
    embedder: TextEmbedder,
) -> Mapping[bytes, str]:
    """Keep every second picture and sentence; what each of them is the answer to, by id."""
    numbers = iter(range(len(names) + len(said)))
    kept = {}
    for number, shown in zip(pictures.classes[::2], pictures.probabilities[::2], strict=True):
        labels = [(_labels(shown), names)]
        future = memory.remember(bare_experience(next(numbers)), None, labels)
        kept[future.result().id] = names[number]
    for text in said[::2]:
        experience = replace(
            bare_experience(next(numbers)),
            text=text,
            text_embedding=embedder.embed(text),
            text_encoder_id=embedder.encoder_id,
        )
        kept[memory.remember(experience).result().id] = text
    return kept


def _labels(probabilities: NDArray[np.float32]) -> Labels:
    best = np.argsort(-probabilities, kind="stable")[:KEPT].tolist()
    return Labels(MODEL, tuple(Label(n, float(probabilities[n])) for n in best))


def bare_experience(number: int) -> Experience:
    return Experience(
        start_ns=number, end_ns=number, modality="vision", source="bench",
        codes=np.zeros((30, 30), np.uint8), embedding=np.eye(1, 16, number % 16, np.float32)[0],
        encoder_id="bench-1", surprise=0.0, novelty=0.0, arousal=0.0, reward=0.0, conflict=0.0,
        total=0.0, reason="",
    )  # fmt: skip


def _query(
    mode: str, names: tuple[str, ...], fits: Fits, embedder: TextEmbedder
) -> Callable[[str], Query]:
    relevance = text_relevance(embedder.encoder_id)

    def query(words: str) -> Query:
        labels = {MODEL: fits(words)} if mode != "words" else {}
        asked = Query(text=words, limit=1, labels=labels)
        if mode == "labels":
            return asked
        return replace(
            asked,
            text_embedding=embedder.embed(words),
            text_encoder_id=embedder.encoder_id,
            relevance=relevance,
        )

    return query


def _first_answers(
    memory: Memory, asked: list[Asked], answers: Mapping[bytes, str], query: Callable[[str], Query]
) -> list[First]:
    def first(one: Asked) -> First:
        found = memory.recall(query(one.words))
        if not found:
            return First(0.0, False)
        return First(found[0].score, answers[found[0].experience.id] == one.answer)

    return [first(one) for one in asked]


def _calibration_error(found: list[First]) -> tuple[float, int]:
    """Mean distance of probability and share of right answers over ten bins; how many answers."""
    given = [one for one in found if one.score > 0.0]
    return sum(_distances(given)) / len(given), len(given)


def _distances(given: list[First]) -> Iterator[float]:
    for number in range(BINS):
        these = [one for one in given if min(int(one.score * BINS), BINS - 1) == number]
        yield abs(sum(one.score - one.right for one in these))
