"""Rows of the bench: recall of whole records, without and with filters, beside every peer."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from sage_bench.encoders.section import Figures, joined
from sage_bench.memory.inputs.cache import taken_s
from sage_bench.memory.inputs.condition import EVERYTHING, Condition, conditions
from sage_bench.memory.inputs.corpus import Corpus, Vectors, gaussian
from sage_bench.memory.inputs.truth import Truth
from sage_bench.memory.peers.ours import OURS, OurMemory
from sage_bench.memory.peers.peer import LIMIT, Peer, Timed, timed
from sage_bench.memory.workplace import Workplace, report_progress
from sage_bench.result import Row, row_of_samples

GOALS_MS = {10_000: 0.4, 100_000: 1.0, 1_000_000: 8.0}
FILTER_GOALS_MS = {100_000: 0.5, 1_000_000: 5.0}
GOAL_RECALL, GOAL_TAIL = 0.99, 2.0
GOAL_FILTER_RATIO = 1.0
INCLUDED = (
    "recall: SAGE, eMEM and sqlite-vec give whole records (ours with reasons, scores, a look for"
    " the payload's file, and the puzzle, which is unpacked when it is looked at), usearch, "
    "hnswlib, faiss and numpy row numbers only; embedding the question is included for none. One"
    " question at a time, one caller; usearch and hnswlib search with an expansion of 128 and "
    "build with their own defaults; numpy and usearch's exact search use float32 in memory; "
    "faiss compares 8 bits a number in one thread (SQ8), and the 64 nearest by that in float32"
)
FILTERS = (
    "filters: eMEM by time_range, layer and spatial_center (salience cannot be said); sqlite-vec "
    "compares the rows that a subquery names; usearch and hnswlib fetch 2 * 10 / share (at most "
    "10,000) and drop what does not pass, which the bench tells them by a mask made before; "
    "'hnswlib HNSW, filter function' calls back into Python; faiss has the mask as "
    "IDSelectorBitmap; numpy filters columns, then compares"
)


@dataclass
class Measured:
    """What was measured on one corpus.

    Attributes:
        corpus: asked.
        plain: name -> searches of everything.
        filtered: condition -> name -> searches.
        filled_s: name -> time to take everything in [s].
        notes: who could not be measured, and why.
    """

    corpus: Corpus
    plain: dict[str, Timed] = field(default_factory=dict)
    filtered: dict[Condition, dict[str, Timed]] = field(default_factory=dict)
    filled_s: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def rows(place: Workplace) -> Figures:
    """Every size, and independent vectors."""
    found = [_size_figures(place, size) for size in place.scale.sizes]
    if place.scale.gaussian:
        found.append(_gaussian_figures(place))
    return joined([*found, Figures(notes=(INCLUDED, FILTERS))])


def peers(place: Workplace) -> list[Callable[[], Peer]]:
    """Everyone who is measured, ourselves first; a package that is missing raises ImportError."""

    def emem() -> Peer:
        from sage_bench.memory.peers.emem import EmemPeer

        return EmemPeer(place.homes, place.scale.built_up_to)

    def vec() -> Peer:
        from sage_bench.memory.peers.sqlite_vec import SqliteVecPeer

        return SqliteVecPeer(place.homes)

    def exact() -> Peer:
        from sage_bench.memory.peers.graphs import UsearchExact

        return UsearchExact()

    def usearch() -> Peer:
        from sage_bench.memory.peers.graphs import UsearchGraph

        return UsearchGraph(place.homes, place.scale.built_up_to)

    def hnswlib() -> Peer:
        from sage_bench.memory.peers.graphs import HnswlibGraph

        return HnswlibGraph(place.homes, place.scale.built_up_to)

    def faiss() -> Peer:
        from sage_bench.memory.peers.faiss_sq8 import FaissSq8

        return FaissSq8()

    def numpy() -> Peer:
        from sage_bench.memory.peers.numpy_product import NumpyPeer

        return NumpyPeer()

    return [lambda: OurMemory(place.homes), emem, vec, exact, usearch, hnswlib, faiss, numpy]


def measure(
    corpus: Corpus,
    makers: Sequence[Callable[[], Peer]],
    queries: int,
    limit_s: float,
    filters: Sequence[Condition] = (),
) -> Measured:
    """Fill and ask everyone, one after the other."""
    measured = Measured(corpus, filtered={condition: {} for condition in filters})
    for make in makers:
        try:
            peer = make()
        except ImportError as error:
            measured.notes.append(f"{error.name} is not installed: its figures are left out")
            continue
        if len(corpus) > peer.most:
            measured.notes.append(
                f"{peer.name} is not measured at {len(corpus):,}: it would take too long to fill"
            )
            continue
        try:
            _ask(measured, peer, corpus.queries[:queries], limit_s)
        except (sqlite3.Error, OSError, RuntimeError, MemoryError, ValueError, TypeError) as error:
            if peer.name == OURS:
                raise
            measured.notes.append(f"{peer.name} failed at {len(corpus):,}: {error}")
    return measured


def _ask(measured: Measured, peer: Peer, queries: Vectors, limit_s: float) -> None:
    # Our own figures stand on all questions.
    limit_s = float("inf") if peer.name == OURS else limit_s
    report_progress(f"recall: {peer.name} at {len(measured.corpus):,}")
    peer.fill(measured.corpus)
    made = getattr(peer, "made", None)
    if made is not None:
        measured.filled_s[peer.name] = taken_s(made)
    try:
        for name, search in peer.searches().items():
            measured.plain[name] = timed(search, queries, EVERYTHING, limit_s)
        for condition, found in measured.filtered.items():
            for name, search in peer.filters(condition).items():
                found[name] = timed(search, queries, condition, limit_s / 4)
    finally:
        peer.close()


def _size_figures(place: Workplace, size: int) -> Figures:
    corpus = place.corpus(size)
    wanted = conditions(corpus) if size in place.scale.filter_sizes else []
    queries = place.queries(size)
    measured = measure(corpus, peers(place), queries, place.scale.limit_s, wanted)
    truth = Truth.of(corpus.vectors, corpus.queries[:queries])
    made = plain_rows(measured, truth, f"{size:,}", GOALS_MS.get(size))
    made += filter_rows(measured, truth, f"{size:,}", FILTER_GOALS_MS.get(size))
    return Figures(tuple(made), tuple(measured.notes))


def _gaussian_figures(place: Workplace) -> Figures:
    corpus = gaussian(place.sentences, place.scale.gaussian, place.scale.queries)
    place.inputs[f"{len(corpus):,} independent moments"] = corpus.digest
    # A graph of these says nothing of real ones, and takes minutes.
    chosen = [maker for maker in peers(place) if maker.__name__ in ("<lambda>", "faiss", "numpy")]
    measured = measure(corpus, chosen, place.scale.queries, place.scale.limit_s)
    truth = Truth.of(corpus.vectors, corpus.queries)
    return Figures(tuple(plain_rows(measured, truth, f"{len(corpus):,} independent", None)))


def plain_rows(measured: Measured, truth: Truth, where: str, goal_ms: float | None) -> list[Row]:
    """Time, its tail, and recall@10 without a filter."""
    ours = measured.plain[OURS]
    others = {name: found for name, found in measured.plain.items() if name != OURS}
    recalls = {name: truth.recall(found.found, LIMIT) for name, found in measured.plain.items()}
    taken = {name: found.percentile(50) for name, found in others.items()}
    tail = ours.percentile(99) / ours.percentile(50)
    tails = {name: f.percentile(99) / f.percentile(50) for name, f in others.items()}
    made = [
        row_of_samples(f"recall of whole records at {where}, p50", ours.taken_ms, "ms",
                       goal=goal_ms, baselines=taken),
        Row(f"recall of whole records at {where}, p99 to p50", tail, "",
            GOAL_TAIL if goal_ms else None, baselines=tails, samples=len(ours.taken_ms)),
        Row(f"recall@10 at {where}", recalls.pop(OURS), "", GOAL_RECALL, "higher", recalls,
            len(ours.found)),
    ]  # fmt: skip
    if measured.filled_s:
        seconds = dict(measured.filled_s)
        own = seconds.pop(OURS, None)
        if own is not None:
            made.append(Row(f"time to take in {where}", own, "s", baselines=seconds))
    return made


def filter_rows(measured: Measured, truth: Truth, where: str, goal_ms: float | None) -> list[Row]:
    """Time and recall@10 of each filter, and whether one is ever slower than no filter."""
    made: list[Row] = []
    slowest = 0.0
    whole_ms = measured.plain[OURS].percentile(50)
    for condition, found in measured.filtered.items():
        kept = condition.mask(measured.corpus)
        recalls = {name: truth.recall(part.found, LIMIT, kept) for name, part in found.items()}
        taken = {name: part.percentile(50) for name, part in found.items() if name != OURS}
        ours = found[OURS]
        slowest = max(slowest, ours.percentile(50) / whole_ms)
        name = f"filter by {condition.kind} keeping {condition.share:.1%} of {where}"
        made += [
            row_of_samples(f"{name}, p50", ours.taken_ms, "ms", goal=goal_ms, baselines=taken),
            Row(f"{name}, recall@10", recalls.pop(OURS), "", GOAL_RECALL, "higher", recalls,
                len(ours.found)),
        ]  # fmt: skip
    if made:
        made.append(
            Row(f"slowest filter to no filter at {where}, p50", slowest, "", GOAL_FILTER_RATIO,
                baselines={name: _slowest(measured, name) for name in _filtering(measured)})
        )  # fmt: skip
    return made


def _filtering(measured: Measured) -> list[str]:
    """Baselines that search alike with and without a filter, and know every filter."""
    every = [set(found) for found in measured.filtered.values()]
    common = set.intersection(*every) & set(measured.plain) - {OURS}
    return sorted(common)


def _slowest(measured: Measured, name: str) -> float:
    times = [found[name].percentile(50) for found in measured.filtered.values()]
    return float(np.max(times)) / measured.plain[name].percentile(50)
