"""Rows of the bench: what a sleep takes, what it evicts, and what is still known after it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import Figures
from sage_bench.memory.inputs.cache import kept_folder
from sage_bench.memory.inputs.corpus import row_of
from sage_bench.memory.inputs.life import NEAR_M, Life, life, near
from sage_bench.memory.peers.numpy_product import best
from sage_bench.memory.peers.ours import DEVICE, limits, store_all
from sage_bench.memory.peers.peer import LIMIT
from sage_bench.memory.workplace import Workplace, report_progress
from sage_bench.result import Row
from sage_memory import Experience, Memory, Query
from sage_memory.core.engine.schema import SCHEMA_VERSION
from sage_memory.core.sleep.options import SleepOptions

GOAL_S, GOAL_BYTES, GOAL_SALIENT, GOAL_ALL = 60.0, 20.0, 95.0, 70.0
PEER_QUESTIONS = 40
OPTIONS = SleepOptions(grace_s=0.0)
NOTE = (
    "sleep: a life of scenes (real sentences as meanings, each at a place, seen in several visits "
    "of several moments, a tenth of them salient), half of the moments with 6 kB of payload. "
    "Questions, which the sleep does not know, are the same in other words (pairs that people "
    "judged to mean the same); answered: among ten answers is a moment of the scene, or a summary "
    f"that links to one, within {NEAR_M:g} m of its place. Still answered: of those that were "
    "answered before. Bytes are those of all files, with no grace period in which a sleep could be "
    "undone"
)
DROPPING = (
    "'dropping ...' keeps whole moments up to as many bytes and lets the others go, and searches "
    "exactly"
)


@dataclass(frozen=True)
class Slept:
    """A memory before and after a sleep.

    Attributes:
        taken_s: by the sleep.
        bytes_before, bytes_after: of all files.
        before, after: which questions were answered, bool [q].
        note: what the sleep says of itself.
    """

    taken_s: float
    bytes_before: int
    bytes_after: int
    before: NDArray[np.bool_]
    after: NDArray[np.bool_]
    note: str


def rows(place: Workplace) -> Figures:
    """A sleep of ours beside simpler ways to evict; and the peer's on fewer moments."""
    scale = place.scale
    lived = life(place.sentences, scale.slept_on, scale.probes)
    place.inputs[f"life of {scale.slept_on:,} moments"] = lived.moments.digest
    slept = sleep(place, lived)
    made = sleep_rows(lived, slept, scale.slept_on == 100_000)
    notes = [NOTE, DROPPING, slept.note, _asked(lived)]
    peer = _peer_rows(place, notes)
    return Figures((*made, *peer), tuple(notes))


def sleep_rows(lived: Life, slept: Slept, full: bool) -> list[Row]:
    """What one sleep did, with goals if it was of full size."""
    share = 100.0 * slept.bytes_after / slept.bytes_before
    size = len(lived.moments)
    made = [
        Row(f"sleep on {size:,} memories", slept.taken_s, "s", GOAL_S if full else None),
        Row(
            f"bytes after a sleep on {size:,}, to before", share, "%", GOAL_BYTES if full else None
        ),
    ]
    rivals = dropping(lived, share / 100.0)
    kinds = {
        "salient": (lived.salient, GOAL_SALIENT),
        "all": (np.ones_like(lived.salient), GOAL_ALL),
    }
    for kind, (chosen, goal) in kinds.items():
        known = chosen & slept.before
        beside = {
            f"dropping {name}": still(after[0][chosen], after[1][chosen])
            for name, after in rivals.items()
        }
        made += [
            Row(f"{kind} questions still answered after a sleep on {size:,}",
                still(slept.before[chosen], slept.after[chosen]), "%", goal if full else None,
                "higher", beside, int(known.sum())),
            Row(f"{kind} questions answered before a sleep on {size:,}",
                100.0 * float(slept.before[chosen].mean()), "%", None, "higher",
                {"after": 100.0 * float(slept.after[chosen].mean())}, int(chosen.sum())),
        ]  # fmt: skip
    return made


def still(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> float:
    """Of what was answered before, the part that is answered after [%]; 100 of nothing."""
    return 100.0 * float(after[before].mean()) if before.any() else 100.0


def sleep(place: Workplace, lived: Life) -> Slept:
    """Remember a life, ask, sleep, ask again."""
    report_progress(f"sleep: a life of {len(lived.moments):,}")
    filled = kept_folder(
        place.homes, f"life-{SCHEMA_VERSION}", lived.moments, lambda home: _remember(home, lived)
    )
    report_progress(f"sleep: a sleep on {len(lived.moments):,}")
    with place.fresh_folder() as folder:
        home = _copy(filled, folder / "home")
        bytes_before = file_bytes(home)
        with Memory.open(home, device_id=DEVICE, limits=limits()) as memory:
            before = answered(memory, home, lived)
            begin = time.perf_counter()
            report = memory.sleep(OPTIONS)
            taken_s = time.perf_counter() - begin
            after = answered(memory, home, lived)
        bytes_after = file_bytes(home)
    note = (
        f"the sleep on {len(lived.moments):,}: {report.summaries:,} summaries of "
        f"{report.merged:,} moments; evicted {report.payloads_removed:,} payloads, "
        f"{report.texts_removed:,} texts, {report.vectors_removed:,} vectors, made "
        f"{report.vectors_quantised:,} int8; by its own account {report.bytes_before / 1e6:,.0f} "
        f"to {report.bytes_after / 1e6:,.0f} MB, and its own questions "
        f"{report.recall_before:.1%} to {report.recall_after:.1%}. {report.note}"
    )
    return Slept(taken_s, bytes_before, bytes_after, before, after, note)


def _remember(home: Path, lived: Life) -> None:
    with Memory.open(home, device_id=DEVICE, limits=limits()) as memory:
        store_all(memory, lived.remembered())


def _copy(filled: Path, home: Path) -> Path:
    """A home to sleep in, its index with it; payloads, which are only ever removed, are linked."""
    shutil.copytree(filled, home, ignore=shutil.ignore_patterns("payloads"))
    shutil.copytree(filled / "payloads", home / "payloads", copy_function=os.link)
    return home


def file_bytes(folder: Path) -> int:
    """Of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def answered(memory: Memory, home: Path, lived: Life) -> NDArray[np.bool_]:
    """Which questions our memory answers."""
    scenes = _scenes_of_summaries(home, lived)
    hits = []
    for vector, scene in zip(lived.moments.queries, lived.asked.tolist(), strict=True):
        query = Query(text="?", text_embedding=vector, limit=LIMIT,
                      text_encoder_id=lived.moments.encoder_id)  # fmt: skip
        found = [answer.experience for answer in memory.recall(query)]
        hits.append(
            any(
                scene in _scenes(moment, scenes, lived)
                and moment.place is not None
                and near(moment.place.position[:2], lived, scene)
                for moment in found
            )
        )
    return np.array(hits, bool)


def _scenes(moment: Experience, scenes: dict[bytes, set[int]], lived: Life) -> set[int]:
    if moment.covers:
        return scenes.get(moment.id, set())
    return {int(lived.moments.sentence[row_of(moment.start_ns)])}


def _scenes_of_summaries(home: Path, lived: Life) -> dict[bytes, set[int]]:
    """Of each summary the scenes that it links to."""
    connection = sqlite3.connect(f"file:{home / 'memory.db'}?mode=ro", uri=True)
    links = connection.execute(
        "SELECT summary_id, start_ns FROM summary_members "
        "JOIN experiences ON experiences.id = member_id"
    ).fetchall()
    connection.close()
    scenes: dict[bytes, set[int]] = {}
    for summary, start_ns in links:
        scenes.setdefault(bytes(summary), set()).add(int(lived.moments.sentence[row_of(start_ns)]))
    return scenes


def dropping(lived: Life, share: float) -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """What is answered before and after whole moments are dropped, by which ones are."""
    size = len(lived.moments)
    whole = lived.payload_bytes + int(_row_bytes(lived))
    orders = {
        "at random": np.random.default_rng(0).permutation(size),
        "the oldest": np.arange(size)[::-1],
        "the least salient": np.argsort(-lived.moments.totals, kind="stable"),
    }
    everything = exactly(lived, np.arange(size))
    found = {}
    for name, order in orders.items():
        fits = np.cumsum(whole[order]) <= share * whole.sum()
        found[name] = (everything, exactly(lived, order[fits]))
    return found


def _row_bytes(lived: Life) -> float:
    """Of a moment without its payload: vector, and about 1 kB of puzzle, words and numbers."""
    return 4.0 * lived.moments.vectors.shape[1] + 1000.0


def exactly(lived: Life, kept: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which questions are answered by comparing with all of some moments."""
    vectors, scenes = lived.moments.vectors[kept], lived.moments.sentence[kept]
    cosines = lived.moments.queries @ vectors.T
    return np.array(
        [scene in scenes[best(row)] for row, scene in zip(cosines, lived.asked, strict=True)], bool
    )


def _peer_rows(place: Workplace, notes: list[str]) -> list[Row]:
    """Ours and the peer on the same few moments and questions."""
    size = place.scale.peer_slept_on
    lived = life(place.sentences, size, PEER_QUESTIONS)
    slept = sleep(place, lived)
    beside = {"before": float(slept.before.sum())}
    try:
        from sage_bench.memory.peers.emem import consolidated

        for name, episode in (("eMEM, an episode", True), ("eMEM, merged by place", False)):
            report_progress(f"sleep: {name}")
            with place.fresh_folder() as folder:
                before, after = consolidated(folder, place.setting, lived, episode)
            beside |= {name: float(after.sum()), "eMEM before": float(before.sum())}
    except ImportError as error:
        notes.append(f"{error.name} is not installed: its consolidation is left out")
    title = f"of {len(lived.asked)} questions answered after consolidating {size:,} moments"
    return [Row(title, float(slept.after.sum()), "questions", None, "higher", beside)]


def _asked(lived: Life) -> str:
    return (
        f"{len(lived.asked)} questions, {lived.paraphrases} of them in other words, "
        f"{int(lived.salient.sum())} about salient scenes"
    )
