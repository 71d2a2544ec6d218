"""Rows of the bench: recall by a picture and by a sound, over percepts of our own encoders."""

from __future__ import annotations

from collections.abc import Callable

from sage_bench.encoders.section import Figures, Setting, joined
from sage_bench.memory.inputs import clips
from sage_bench.memory.inputs.corpus import perceived
from sage_bench.memory.inputs.embedded import Embedded
from sage_bench.memory.inputs.truth import Truth
from sage_bench.memory.recall import measure, peers, plain_rows
from sage_bench.memory.workplace import Workplace, report_progress

GOAL_SIZE, GOAL_MS = 10_000, 1.0
KINDS: tuple[tuple[str, str, Callable[[Setting, int], Embedded]], ...] = (
    ("pictures", "vision", clips.pictures),
    ("seconds of sound", "audio", clips.seconds),
)
NOTE = (
    "pictures are squares of all frames of two recorded videos, and 900 photographs; seconds of "
    "sound end 100 ms after one another in the sound of these videos, 320 labelled sounds, speech "
    "and noise; both as our encoders see them, in random order. Questions are percepts that are "
    "kept out, given as an example; those of the frame or the 100 ms beside them are not. So near "
    "ones lie nearer than in text, as they do for a robot"
)


def rows(place: Workplace) -> Figures:
    """A memory of pictures, and one of sound."""
    return joined([*(_kind_figures(place, *kind) for kind in KINDS), Figures(notes=(NOTE,))])


def _kind_figures(
    place: Workplace, name: str, modality: str, read: Callable[[Setting, int], Embedded]
) -> Figures:
    report_progress(f"clips: embedding {name}")
    real = read(place.setting, place.scale.clips_apart)
    queries, size = place.scale.queries, place.scale.clips
    corpus = perceived(name, real, modality, size, queries)
    place.inputs[f"{size:,} {name}"] = corpus.digest
    measured = measure(corpus, peers(place), queries, place.scale.limit_s)
    goal_ms = GOAL_MS if size == GOAL_SIZE else None
    truth = Truth.of(corpus.vectors, corpus.queries)
    made = plain_rows(measured, truth, f"{size:,} {name}", goal_ms)
    count = min(len(real.texts) - queries, size)
    others = ", the others lie near them" if count < size else ""
    told = f"{count:,} of {size:,} {name} are real{others}"
    return Figures(tuple(made), (*measured.notes, told))
