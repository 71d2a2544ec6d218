"""A robot's life: scenes that it sees again and again at their places, and questions on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_bench.memory.inputs.corpus import SIDE_M, Corpus, noisy
from sage_bench.memory.inputs.sentences import Sentences
from sage_memory import Experience, Payload

SEED = 11
SALIENT_SHARE = 0.1
LEAST_SALIENT, MOST_USUAL = 0.62, 0.55
"""Salience of scenes that matter is above the first, that of others below the second."""
SEEN_NOISE, ASKED_NOISE = 0.25, 0.5
JITTER_M = 0.2
STAY = 0.4
"""Chance that a visit ends with a moment."""
WITH_PAYLOAD = 0.5
PAYLOAD_LOG_BYTES, PAYLOAD_SPREAD = 8.7, 0.5
"""Of the logarithm of a payload's size: half of them are above 6,000 bytes."""
NEAR_M = 3.0


@dataclass(frozen=True)
class Life:
    """Moments, and questions about what is seen in them.

    Attributes:
        moments: in order of time; `sentence` is the scene, `queries` the questions.
        asked: scene that each question is about, int64 [q].
        salient: whether that scene matters, bool [q].
        scene_places: x, y of every scene [m], float64 [scenes, 2].
        payload_bytes: of each moment, int64 [n]; 0: none.
        paraphrases: how many questions are the scene in other words; the others are its meaning
            with noise.
    """

    moments: Corpus
    asked: NDArray[np.int64]
    salient: NDArray[np.bool_]
    scene_places: NDArray[np.float64]
    payload_bytes: NDArray[np.int64]
    paraphrases: int

    def remembered(self) -> Iterator[Experience | tuple[Experience, Payload]]:
        """Every moment, with its payload if it has one."""
        for row, size in enumerate(self.payload_bytes.tolist()):
            experience = self.moments.experience(row)
            if size:
                noise = np.random.default_rng([SEED, row]).bytes(size)
                yield experience, Payload(noise, "image/webp")
            else:
                yield experience


def life(real: Sentences, size: int, questions: int) -> Life:
    """A life of so many moments, and up to so many questions about it.

    Half of the questions are about scenes that matter, half about any.
    """
    generator = np.random.default_rng([SEED, size])
    same = dict(real.paraphrases)
    asked_as = {scene: other for scene, other in same.items() if other not in same}
    kept_out = set(asked_as.values())
    scenes = np.array([n for n in range(len(real.texts)) if n not in kept_out], np.int64)
    matters = generator.random(len(real.texts)) < SALIENT_SHARE
    places = generator.random((len(real.texts), 2)) * SIDE_M
    sentence = visits(scenes, size, generator)
    usual = 0.05 + (MOST_USUAL - 0.05) * generator.random(size)
    much = LEAST_SALIENT + (1.0 - LEAST_SALIENT) * generator.random(size)
    sizes = generator.lognormal(PAYLOAD_LOG_BYTES, PAYLOAD_SPREAD, size).astype(np.int64)
    seen = np.unique(sentence)
    asked = _asked(seen, matters, asked_as, questions, generator)
    worded = np.array([int(scene) in asked_as for scene in asked], bool)
    meant = noisy(real.embeddings[asked], ASKED_NOISE, generator)
    others = [asked_as.get(int(scene), 0) for scene in asked]
    queries = np.where(worded[:, None], real.embeddings[others], meant)
    moments = Corpus(
        name="life",
        vectors=noisy(real.embeddings[sentence], SEEN_NOISE, generator),
        sentence=sentence,
        texts=real.texts,
        codes=real.codes,
        totals=np.where(matters[sentence], much, usual).astype(np.float32),
        modalities=np.zeros(size, np.int8),
        places=places[sentence] + generator.normal(0.0, JITTER_M, (size, 2)),
        queries=queries,
        encoder_id=real.encoder_id,
    )
    return Life(
        moments,
        asked,
        matters[asked],
        places,
        sizes * (generator.random(size) < WITH_PAYLOAD),
        int(worded.sum()),
    )


def near(position: tuple[float, ...], lived: Life, scene: int) -> bool:
    """Whether a place is that of a scene."""
    return bool(np.hypot(*(np.array(position) - lived.scene_places[scene])) <= NEAR_M)


def visits(
    scenes: NDArray[np.int64], size: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Scene of each moment: visits of random scenes, each of one or more moments in a row."""
    chosen = generator.choice(scenes, size)
    lengths = generator.geometric(STAY, size)
    return np.repeat(chosen, lengths)[:size]


def _asked(
    seen: NDArray[np.int64],
    matters: NDArray[np.bool_],
    asked_as: dict[int, int],
    questions: int,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Scenes to ask about: half that matter, half any; those that have a paraphrase first."""
    worded = np.array([int(scene) in asked_as for scene in seen], bool)
    chosen: list[NDArray[np.int64]] = []
    for pool in (matters[seen], np.ones(len(seen), bool)):
        order = generator.permutation(np.flatnonzero(pool))
        first = order[np.argsort(~worded[order], kind="stable")]
        chosen.append(seen[first[: questions // 2]])
    return np.concatenate(chosen)
