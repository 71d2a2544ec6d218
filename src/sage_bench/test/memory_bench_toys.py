"""Toys for the tests of the memory bench: a small scale, sentences with made-up meanings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sage_bench.encoders.section import Figures
from sage_bench.memory.inputs.corpus import unit
from sage_bench.memory.inputs.sentences import Sentences
from sage_bench.memory.scale import Scale
from sage_bench.result import Row

TOY = Scale(
    sizes=(120, 240),
    filter_sizes=(240,),
    sentences=60,
    clips=80,
    clips_apart=1,
    queries=6,
    alone=12,
    grouped=40,
    built_up_to=240,
    gaussian=100,
    alike=(120,),
    resumed=50,
    slept_on=150,
    probes=20,
    peer_slept_on=40,
    capped=100,
    killed=30,
    limit_s=0.2,
)


def made_sentences() -> Sentences:
    """Sixty sentences with made-up meanings of 16 numbers; two pairs say the same."""
    generator = np.random.default_rng(0)
    embeddings = unit(generator.standard_normal((60, 16), np.float32))
    for first, second in ((10, 11), (20, 21)):
        embeddings[second] = unit(embeddings[first : first + 1] + 0.02 * embeddings[:1])[0]
    codes = generator.integers(0, 10, (60, 30, 30), np.uint8)
    texts = tuple(f"sentence {number}" for number in range(60))
    return Sentences(texts, embeddings, codes, "made-1", ((10, 11), (20, 21)))


def by_name(found: Figures) -> Mapping[str, Row]:
    """The rows of a part."""
    return {row.name: row for row in found.rows}
