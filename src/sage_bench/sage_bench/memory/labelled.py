"""Rows of the bench: recall by what was recognised, beside words."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sage_bench.encoders.section import Figures, joined
from sage_bench.memory.inputs.cache import kept_folder
from sage_bench.memory.inputs.condition import EVERYTHING
from sage_bench.memory.inputs.corpus import SEED, Corpus
from sage_bench.memory.peers.ours import DEVICE, limits, store_all
from sage_bench.memory.peers.peer import LIMIT
from sage_bench.memory.workplace import Workplace
from sage_bench.result import row_of_samples
from sage_common.core.labels import Label, Labels
from sage_common.core.relevance import Relevance
from sage_memory import Memory, Query
from sage_memory.core.engine.schema import SCHEMA_VERSION
from sage_memory.core.labels.packing import Recognised

MODEL, CLASSES, EACH = "made-1@bench", 1000, 10
NAMES = tuple(f"class {number}" for number in range(CLASSES))
FITTING = 30
"""Classes that a question asks for, of 1,000: a wider word."""
CONCENTRATION = 0.15
COMMON = 200.0
RELEVANCE = Relevance(level=0.1215, growth=0.047, most=0.5286)
NOTE = (
    "labels: ten classes of 1,000 a moment, probabilities that sum to 1 and of which the largest "
    "is 0.67 on average, classes of unequal frequency; questions are sentences kept out, and 30 "
    "classes that fit them by 0.3 to 1; the three kinds of questions are asked in turn"
)


def rows(place: Workplace) -> Figures:
    """Every size."""
    found = [_size_figures(place, size) for size in place.scale.sizes]
    return joined([*found, Figures(notes=(NOTE,))])


def recogniser(seed: Sequence[int]) -> Callable[[], Sequence[Recognised]]:
    """Recognises ten made-up classes in each next moment."""
    rng = np.random.default_rng(seed)

    def recognise() -> Sequence[Recognised]:
        shares = np.sort(rng.dirichlet([CONCENTRATION] * EACH))[::-1]
        drawn = np.minimum(rng.exponential(COMMON, EACH), CLASSES - 1)
        pairs = zip(drawn.astype(int).tolist(), shares.tolist(), strict=True)
        return [(Labels(MODEL, tuple(Label(*pair) for pair in pairs)), NAMES)]

    return recognise


def _size_figures(place: Workplace, size: int) -> Figures:
    corpus = place.corpus(size)
    queries = corpus.queries[: place.queries(size)]
    with Memory.open(_home(corpus, place.homes), device_id=DEVICE, limits=limits()) as memory:
        took_ms = _asked(memory, corpus, queries)
    where = f"at {size:,} labelled moments"
    p50 = {kind: float(np.percentile(samples, 50)) for kind, samples in took_ms.items()}
    both = took_ms.pop("both")
    alone = {f"{kind} alone": p50[kind] for kind in took_ms}
    asked = f"recall by words and classes {where}, p50"
    return Figures((row_of_samples(asked, both, "ms", baselines=alone),))


def _home(corpus: Corpus, folder: Path) -> Path:
    def fill(home: Path) -> None:
        with Memory.open(home, device_id=DEVICE, limits=limits()) as memory:
            store_all(memory, corpus.experiences(), recogniser([SEED, len(corpus)]))

    return kept_folder(folder, f"labelled-{SCHEMA_VERSION}", corpus, fill)


def _asked(
    memory: Memory, corpus: Corpus, queries: Sequence[np.ndarray]
) -> Mapping[str, list[float]]:
    """Times of each kind of question [ms]."""
    rng = np.random.default_rng(SEED)
    took_ms: dict[str, list[float]] = {"words": [], "classes": [], "both": []}
    for vector in queries:
        fits = np.zeros(CLASSES, np.float32)
        fits[rng.choice(CLASSES, FITTING, replace=False)] = rng.uniform(0.3, 1.0, FITTING)
        words = replace(EVERYTHING.query(corpus, vector, LIMIT), relevance=RELEVANCE)
        classes = Query(text=words.text, labels={MODEL: fits}, limit=LIMIT)
        kinds = {"words": words, "classes": classes, "both": replace(words, labels=classes.labels)}
        for kind, query in kinds.items():
            begin = time.perf_counter()
            memory.recall(query)
            took_ms[kind].append((time.perf_counter() - begin) * 1e3)
    return took_ms
