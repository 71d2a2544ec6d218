"""How much is measured: all of it, or what fits in a minute."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Sizes of the measurements.

    Attributes:
        sizes: rows in the memory for recall, ascending.
        filter_sizes: rows in the memory for filters, of `sizes`.
        sentences: most real sentences that are embedded.
        clips: rows in the memory of pictures, and in that of seconds of sound.
        clips_apart: each so-manyth real picture and second is embedded.
        queries: asked of each size; half as many of the largest.
        alone: experiences stored one a commit.
        grouped: experiences stored in groups.
        built_up_to: rows of the largest graph that a peer builds (HNSW); more take too long.
        gaussian: rows of the independent vectors.
        alike: rows of near-identical frames and of sparse vectors, ascending.
        resumed: experiences that a graph resumes with.
        slept_on: memories that a sleep is about.
        probes: questions asked before and after a sleep.
        peer_slept_on: observations that the peer consolidates.
        capped: experiences stored under a cap.
        killed: experiences stored before a kill.
        limit_s: time after which a baseline's searches end, even with fewer queries.
    """

    sizes: tuple[int, ...]
    filter_sizes: tuple[int, ...]
    sentences: int
    clips: int
    clips_apart: int
    queries: int
    alone: int
    grouped: int
    built_up_to: int
    gaussian: int
    alike: tuple[int, ...]
    resumed: int
    slept_on: int
    probes: int
    peer_slept_on: int
    capped: int
    killed: int
    limit_s: float


FULL = Scale(
    sizes=(10_000, 100_000, 1_000_000),
    filter_sizes=(100_000, 1_000_000),
    sentences=6_000,
    clips=10_000,
    clips_apart=1,
    queries=200,
    alone=2_000,
    grouped=20_000,
    built_up_to=100_000,
    gaussian=100_000,
    alike=(10_000, 100_000),
    resumed=100_000,
    slept_on=100_000,
    probes=1_000,
    peer_slept_on=2_000,
    capped=100_000,
    killed=2_000,
    limit_s=6.0,
)
QUICK = Scale(
    sizes=(10_000,),
    filter_sizes=(10_000,),
    sentences=400,
    clips=1_000,
    clips_apart=40,
    queries=50,
    alone=500,
    grouped=5_000,
    built_up_to=2_000,
    gaussian=0,
    alike=(5_000,),
    resumed=5_000,
    slept_on=1_500,
    probes=100,
    peer_slept_on=200,
    capped=2_000,
    killed=100,
    limit_s=1.0,
)
