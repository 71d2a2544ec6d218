"""Rows of the bench: recall where vectors are hard to tell apart, without and with filters.

Frames of a slow camera are nearly identical; features after a rectifier are sparse and never
negative. Neither is like the embeddings of sentences.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sage_bench.encoders.section import Figures, joined
from sage_bench.memory.inputs import clips
from sage_bench.memory.inputs.condition import Condition
from sage_bench.memory.inputs.corpus import SEED, Corpus, Vectors, clustered, corpus_of, noisy, unit
from sage_bench.memory.inputs.embedded import Embedded
from sage_bench.memory.inputs.truth import Truth
from sage_bench.memory.recall import filter_rows, measure, peers, plain_rows
from sage_bench.memory.workplace import Workplace

SHARES = (0.5, 0.1, 0.01)
SCENE = 2000
"""Frames of a scene."""
STEP, FRAME_NOISE = 0.003, 0.0005
"""Lengths of what a frame adds to the one before it, and of its own noise."""
RECORDED_NOISE = 0.02
"""Length of what is added to the embedding of a recorded frame."""
NON_ZERO = 0.05, 0.10
"""Shares of the components of a sparse vector that are not zero."""
NOTE = (
    "near-identical frames: scenes of 2,000 frames; each differs from the one before it by a "
    "random step of length 0.003 and has noise of 0.0005. Frames of the walk: squares of each "
    "frame as our encoder sees them, and others at a distance of 0.02 from them. Sparse: 5 to "
    "10 % of 384 components are not zero, and none is negative. An answer counts if its "
    "cosine is at most 1e-6 below that of the true tenth; filters are by salience"
)


def rows(place: Workplace) -> Figures:
    """Every family at every size."""
    found = [
        _figures(place, name, corpus)
        for size in place.scale.alike
        for name, corpus in _corpora(place, size)
    ]
    return joined([*found, Figures(notes=(NOTE,))])


def drifting(real: Embedded, size: int, queries: int) -> Corpus:
    """Near-identical frames of scenes, asked by other frames of the same scenes."""
    dim = real.embeddings.shape[1]
    vectors = np.empty((size, dim), np.float32)
    for begin in range(0, size, SCENE):
        generator = np.random.default_rng([SEED, begin])
        steps = generator.standard_normal((SCENE, dim)) * (STEP / np.sqrt(dim))
        steps[0] = generator.standard_normal(dim) / np.sqrt(dim)
        frames = unit(np.cumsum(steps, axis=0).astype(np.float32))
        vectors[begin : begin + SCENE] = noisy(frames, FRAME_NOISE, generator)[: size - begin]
    generator = np.random.default_rng([SEED, size])
    asked = noisy(vectors[generator.choice(size, queries)], FRAME_NOISE, generator)
    return _example_corpus("near-identical frames", real, vectors, asked)


def sparse(real: Embedded, size: int, queries: int) -> Corpus:
    """Independent vectors that are mostly zero and never negative."""
    generator = np.random.default_rng([SEED, size])
    dim = real.embeddings.shape[1]
    drawn = np.abs(generator.standard_normal((size + queries, dim), np.float32))
    shares = generator.uniform(*NON_ZERO, (len(drawn), 1))
    drawn[generator.random(drawn.shape, np.float32) > shares] = 0.0
    drawn[np.arange(len(drawn)), generator.integers(0, dim, len(drawn))] += 0.1  # none is empty
    vectors = unit(drawn)
    return _example_corpus("sparse vectors", real, vectors[:size], vectors[size:])


def _corpora(place: Workplace, size: int) -> Iterator[tuple[str, Corpus]]:
    queries = place.scale.queries
    for make in (drifting, sparse):
        corpus = make(place.sentences, size, queries)
        yield corpus.name, corpus
    pictures = clips.pictures(place.setting, place.scale.clips_apart)
    walk = clustered(_of_the_walk(pictures), size, queries, RECORDED_NOISE)
    yield "frames of the walk", replace(walk, by_example=True)


def _of_the_walk(pictures: Embedded) -> Embedded:
    own = [n for n, text in enumerate(pictures.texts) if text.startswith(clips.VIDEOS[0].name)]
    return Embedded(
        tuple(pictures.texts[n] for n in own),
        pictures.embeddings[own],
        pictures.codes[own],
        pictures.encoder_id,
    )


def _example_corpus(name: str, real: Embedded, vectors: Vectors, asked: Vectors) -> Corpus:
    sentence = np.arange(len(vectors)) % len(real.texts)
    return replace(corpus_of(name, real, vectors, sentence, asked), by_example=True)


def _figures(place: Workplace, name: str, corpus: Corpus) -> Figures:
    where = f"{len(corpus):,} {name}"
    place.inputs[where] = corpus.digest
    totals = np.sort(corpus.totals)
    wanted = [
        Condition("salience", share, least_total=float(totals[-max(1, round(share * len(corpus)))]))
        for share in SHARES
    ]
    chosen = [maker for maker in peers(place) if maker.__name__ in ("<lambda>", "faiss", "numpy")]
    measured = measure(corpus, chosen, len(corpus.queries), place.scale.limit_s, wanted)
    truth = Truth.of(corpus.vectors, corpus.queries)
    made = plain_rows(measured, truth, where, None) + filter_rows(measured, truth, where, None)
    return Figures(tuple(made), tuple(measured.notes))
