"""Calibrates the relevance floor of a text embedder (see `sage_common.core.relevance`).

Calibration takes even rows of every file; odd ones are for the bench (`sage bench memory`).
"""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
PAIRS = Path("text/stsb-en-train.csv")
QUESTIONS = Path("text/NQ-open.dev.jsonl")
SCENES = Path("images/tiny_coco100.zip")
SAME_MEANING = 4.0
"""Pairs that people judged at least so similar, of 5, answer one another."""
MOST_QUESTIONS, MOST_PAIRS = 500, 1000
DECLINED, ANSWERED = 0.95, 0.99
"""Shares of questions without an answer that stay below the floor, and of those with one that reach
what it is at most."""
COUNTS = (10, 30, 100, 300)
SEED = 0


@dataclass(frozen=True)
class Texts:
    """Half of the recorded texts.

    Attributes:
        questions: real ones; none of the other texts answers them.
        pairs: (question, stored) that mean the same.
        scenes: several captions of each picture.
    """

    questions: Sequence[str]
    pairs: Sequence[tuple[str, str]]
    scenes: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Embedded:
    """Their embeddings.

    Attributes:
        questions: float32 [q, D], about something else than everything stored.
        stored: float32 [n, D], in random order.
        answered: float32 [a, D], questions with an answer.
        answers: float32 [a, m, D], what is stored for each of them; zeros: no more.
    """

    questions: Floats
    stored: Floats
    answered: Floats
    answers: Floats


def read_half(data: Path, odd: bool) -> Texts:
    """Every other question, pair and picture.

    Raises:
        FileNotFoundError: a file is missing.
    """
    half = slice(int(odd), None, 2)
    with (data / QUESTIONS).open(encoding="utf-8") as stream:
        questions = [json.loads(line)["question"] for line in stream]
    with (data / PAIRS).open(newline="", encoding="utf-8") as rows:
        pairs = [(a, b) for a, b, score in csv.reader(rows) if float(score) >= SAME_MEANING]
    with zipfile.ZipFile(data / SCENES) as archive:
        scenes = [scene["captions"] for scene in json.loads(archive.read("annotations.json"))]
    return Texts(questions[half][:MOST_QUESTIONS], pairs[half][:MOST_PAIRS], scenes[half])


def embedded(texts: Texts, embed: Callable[[str], Floats]) -> Embedded:
    """What an embedder makes of them."""
    answers_of = [[stored] for _, stored in texts.pairs] + [list(s[1:]) for s in texts.scenes]
    answered = [asked for asked, _ in texts.pairs] + [scene[0] for scene in texts.scenes]
    own = np.stack([embed(text) for text in answered])
    answers = np.zeros((len(own), max(map(len, answers_of)), own.shape[1]), np.float32)
    for place, some in enumerate(answers_of):
        answers[place, : len(some)] = [embed(text) for text in some]
    stored = answers[answers.any(axis=2)]
    order = np.random.default_rng(SEED).permutation(len(stored))
    questions = np.stack([embed(text) for text in texts.questions])
    return Embedded(questions, stored[order], own, answers)


def best_of(asked: Floats, stored: Floats, count: int) -> Floats:
    """The largest cosine of each question [q] among every `count` of the stored [q * parts]."""
    parts = len(stored) // count
    similar = asked @ stored[: parts * count].T
    best: Floats = similar.reshape(len(asked), parts, count).max(axis=2).reshape(-1)
    return best


def own_best(found: Embedded) -> Floats:
    """The cosine of each answered question with the nearest of its own answers [a]."""
    best: Floats = np.einsum("amd,ad->am", found.answers, found.answered).max(axis=1)
    return best


def calibrated(data: Path, embed: Callable[[str], Floats]) -> dict[str, float | str]:
    """The numbers of the floor, and what they come from, for the card.

    Raises:
        FileNotFoundError: a file is missing.
    """
    found = embedded(read_half(data, odd=False), embed)
    floors = [
        float(np.quantile(best_of(found.questions, found.stored, count), DECLINED))
        for count in COUNTS
    ]
    growth, level = np.polyfit(np.log(COUNTS), floors, 1)
    return {
        "level": round(float(level), 4),
        "growth": round(float(growth), 4),
        "most": round(float(np.quantile(own_best(found), 1 - ANSWERED)), 4),
        "meaning": f"{DECLINED:.0%} of questions about something else stay below "
        f"level + growth * ln(texts), at most `most`, which {ANSWERED:.0%} of answers reach",
        "data": f"{QUESTIONS}, {PAIRS} (pairs of {SAME_MEANING} and more), {SCENES}: even rows",
    }
