"""What is remembered in the bench: vectors, words, times, places, salience; and what is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sage_bench.memory.inputs.embedded import Embedded
from sage_memory import Experience, Place

BEGIN_NS = 1_700_000_000_000_000_000
PERIOD_NS = 1_000_000_000
SIDE_M = 100.0
MODALITIES = ("language", "vision", "audio")
FRAME = "map"
NOISE = 0.7
"""Length of what is added to a real embedding of length 1: leaves a cosine of about 0.82."""
BLOCK = 10_000
SEED = 7

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Corpus:
    """Moments in order of time, one a second, and questions about them.

    Attributes:
        name: what the vectors are.
        vectors: float32 [n, D], unit length.
        sentence: of each moment its sentence, int64 [n].
        texts, codes: of the sentences.
        totals: salience, uniform, float32 [n].
        modalities: index in `MODALITIES`, int8 [n].
        places: x, y in a square of 100 m [m], float64 [n, 2].
        queries: float32 [q, D], unit length; not among the vectors.
        encoder_id: of the vectors.
        by_example: questions are percepts of the same kind, not words.
    """

    name: str
    vectors: Vectors
    sentence: NDArray[np.int64]
    texts: tuple[str, ...]
    codes: NDArray[np.uint8]
    totals: NDArray[np.float32]
    modalities: NDArray[np.int8]
    places: NDArray[np.float64]
    queries: Vectors
    encoder_id: str
    by_example: bool = False

    def __len__(self) -> int:
        return len(self.vectors)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that is stored and asked, hex."""
        digest = hashlib.sha256("\n".join(self.texts).encode())
        for part in (self.vectors, self.sentence, self.codes, self.totals, self.modalities):
            digest.update(np.ascontiguousarray(part).data)
        digest.update(self.places.tobytes() + self.queries.tobytes())
        return digest.hexdigest()

    def first(self, count: int) -> Corpus:
        """The first moments, asked the same questions."""
        return replace(
            self,
            vectors=self.vectors[:count],
            sentence=self.sentence[:count],
            totals=self.totals[:count],
            modalities=self.modalities[:count],
            places=self.places[:count],
        )

    def text(self, row: int) -> str:
        """Words of a moment."""
        return self.texts[int(self.sentence[row])]

    def experience(self, row: int) -> Experience:
        """A moment as the graph would remember it."""
        x, y = self.places[row].tolist()
        total = float(self.totals[row])
        stamp_ns = stamp_of(row)
        return Experience(
            start_ns=stamp_ns,
            end_ns=stamp_ns,
            modality=MODALITIES[self.modalities[row]],
            source="bench",
            codes=self.codes[self.sentence[row]],
            embedding=self.vectors[row],
            encoder_id=self.encoder_id,
            surprise=total,
            novelty=total,
            arousal=total,
            reward=0.5,
            conflict=0.0,
            total=total,
            text=self.text(row),
            place=Place(FRAME, (x, y, 0.0)),
        )

    def experiences(self) -> Iterator[Experience]:
        """All moments."""
        return (self.experience(row) for row in range(len(self)))


def stamp_of(row: int) -> int:
    """When the moment of a row was [ns]."""
    return BEGIN_NS + row * PERIOD_NS


def row_of(stamp_ns: int) -> int:
    """The row of a stamp."""
    return (stamp_ns - BEGIN_NS) // PERIOD_NS


def clustered(real: Embedded, size: int, queries: int, noise: float = NOISE) -> Corpus:
    """Real embeddings, and as many more as needed near them.

    Questions are real embeddings that are kept out. Moments beyond the real ones are a random real
    one plus noise of that length, as real ones lie: in clusters.

    Raises:
        ValueError: there are no more real ones than questions.
    """
    if queries >= len(real.texts):
        raise ValueError(f"{queries} queries: expected fewer than the {len(real.texts)} real ones")
    own = np.arange(queries, len(real.texts))[:size]
    vectors = np.empty((size, real.embeddings.shape[1]), np.float32)
    sentence = np.empty(size, np.int64)
    vectors[: len(own)], sentence[: len(own)] = real.embeddings[own], own
    for begin in range(len(own), size, BLOCK):
        end = min(begin + BLOCK, size)
        generator = np.random.default_rng([SEED, begin])
        # Always a whole block, so that a smaller corpus is the beginning of a larger one.
        sentence[begin:end] = generator.choice(own, BLOCK)[: end - begin]
        vectors[begin:end] = noisy(real.embeddings[sentence[begin:end]], noise, generator)
    return corpus_of("clustered", real, vectors, sentence, real.embeddings[:queries])


def perceived(name: str, real: Embedded, modality: str, size: int, queries: int) -> Corpus:
    """As `clustered`, of percepts of one modality, asked by an example.

    Raises:
        ValueError: there are no more real ones than questions.
    """
    modalities = np.full(size, MODALITIES.index(modality), np.int8)
    corpus = clustered(real, size, queries)
    return replace(corpus, name=name, modalities=modalities, by_example=True)


def gaussian(real: Embedded, size: int, queries: int) -> Corpus:
    """Independent vectors in all directions, which no real encoder gives: the hardest case."""
    generator = np.random.default_rng([SEED, size])
    dim = real.embeddings.shape[1]
    vectors = unit(generator.standard_normal((size, dim), np.float32))
    asked = unit(generator.standard_normal((queries, dim), np.float32))
    sentence = generator.integers(0, len(real.texts), size)
    return corpus_of("independent", real, vectors, sentence, asked)


def noisy(vectors: Vectors, noise: float, generator: np.random.Generator) -> Vectors:
    """Vectors of unit length near others: plus a random one of length `noise`, [n, D]."""
    added = generator.standard_normal(vectors.shape, np.float32)
    return unit(vectors + added * np.float32(noise / np.sqrt(vectors.shape[1])))


def unit(vectors: Vectors) -> Vectors:
    """The same directions, of length 1, [n, D]."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def corpus_of(
    name: str,
    real: Embedded,
    vectors: Vectors,
    sentence: NDArray[np.int64],
    queries: Vectors,
) -> Corpus:
    """Moments of these vectors [n, D] and sentences [n]; places and salience are random."""
    size = len(vectors)
    generator = np.random.default_rng([SEED, 1])
    # Drawn one column after the other for the most that there can be would cost memory: by row.
    drawn = generator.random((size, 4))
    return Corpus(
        name=name,
        vectors=vectors,
        sentence=sentence,
        texts=real.texts,
        codes=real.codes,
        totals=drawn[:, 0].astype(np.float32),
        modalities=(drawn[:, 1] < 0.5).astype(np.int8),
        places=drawn[:, 2:] * SIDE_M,
        queries=queries,
        encoder_id=real.encoder_id,
    )
