"""What the salience core says of a stream, tick by tick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.streams.percepts import MODALITIES, Percepts
from sage_common.core.puzzle import Percept
from sage_snarc.core.fusion import FusedResult, Fusion, ModalSalience
from sage_snarc.core.scorer import SalienceResult, Scorer

FUSED, EQUAL, LEARNED = "fused", "equal weights", "learned weights"
DIMENSIONS = ("surprise", "novelty", "arousal", "reward", "conflict")
SCORED = ("surprise", "novelty", "arousal", "reward", "total")

Scores = NDArray[np.float64]
AfterTick = Callable[[int, FusedResult, Fusion], None]
"""Called after each tick with its number; may teach the fusion what came of it."""


@dataclass(frozen=True)
class Trace:
    """Scores of one stream by detector.

    Attributes:
        times_s: ends of the ticks, float64 [T].
        scores: by the detector's name, float64 [T] each; 0 before its first.
    """

    times_s: NDArray[np.float64]
    scores: Mapping[str, Scores]


@dataclass(frozen=True)
class Scored:
    """What the scorers make of a stream; fusion does not change it, so it may be fused again.

    Attributes:
        number: which of many streams it is, by which the stamps are moved.
        times_s: ends of the ticks, float64 [T].
        ticks: percepts and their salience at each tick [T], in order of modality.
    """

    number: int
    times_s: NDArray[np.float64]
    ticks: list[list[tuple[Percept, SalienceResult]]]


def score(percepts: Percepts, number: int = 0) -> Scored:
    """Score every percept of the `number`th of many streams by new scorers."""
    scorers = {name: Scorer(name) for name in MODALITIES}
    ticks = [
        [(percept, scorers[percept.modality].score(percept)) for percept in tick]
        for tick in percepts.at_ticks(number)
    ]
    return Scored(number, percepts.times_s, ticks)


def fuse(
    scored: Scored, fusion: Fusion | None = None, after_tick: AfterTick | None = None
) -> Trace:
    """Fuse what the scorers said, as the fusion node does.

    Of a tick, in which every modality triggers a fusion, the last one counts: it knows all.

    Args:
        fusion: of all modalities; None: a new one.
        after_tick: learns from outcomes.

    Returns:
        Scores named "fused"; "equal weights", and "learned weights" as if they were fully trusted;
        "surprise" and so on (the largest of all modalities); "vision" and so on (a modality's
        total); "vision surprise" and so on; "vision skill" and so on (of the cross-modal
        prediction).
    """
    fusion = Fusion(MODALITIES) if fusion is None else fusion
    names = [FUSED, EQUAL, LEARNED, "conflict"]
    names += [_name(modality, part) for modality in MODALITIES for part in (*SCORED, "skill")]
    scores = {name: np.zeros(len(scored.ticks)) for name in names}
    for tick, found in enumerate(scored.ticks):
        fused = None
        for percept, salience in found:
            fusion.see(percept.modality, percept.stamp_ns, percept.embedding)
            fused = fusion.fuse(modal(salience))
            for part in SCORED:
                scores[_name(percept.modality, part)][tick] = getattr(salience, part)
            scores[_name(percept.modality, "skill")][tick] = fusion.cross.skill(percept.modality)
        if fused is None:
            continue
        scores[FUSED][tick] = fused.total
        scores[EQUAL][tick] = fused.equal
        scores[LEARNED][tick] = fused.learned
        scores["conflict"][tick] = fused.conflict
        if after_tick is not None:
            after_tick(tick, fused, fusion)
    for part in SCORED[:-1]:
        parts = [scores[_name(modality, part)] for modality in MODALITIES]
        scores[part] = np.max(parts, axis=0)
    return Trace(scored.times_s, scores)


def _name(modality: str, part: str) -> str:
    return modality if part == "total" else f"{modality} {part}"


def modal(salience: SalienceResult) -> ModalSalience:
    return ModalSalience(
        stamp_ns=salience.stamp_ns,
        modality=salience.modality,
        surprise=salience.surprise,
        novelty=salience.novelty,
        arousal=salience.arousal,
        total=salience.total,
        reason=salience.reason,
    )
