"""Salience between core types and messages."""

from __future__ import annotations

import array
import copy

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Header

from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_msgs.msg import FusedSalience, FusionWeights, Puzzle, Salience
from sage_snarc.core.calibration.false_alarms import USUAL_PER_HOUR
from sage_snarc.core.fusion import FusedResult, ModalSalience
from sage_snarc.core.learning.weights import Learned
from sage_snarc.core.scorer import SalienceResult


def embedding_of(message: Puzzle) -> NDArray[np.float32]:
    """The embedding in a puzzle message, float32 [D]."""
    return np.frombuffer(message.embedding, np.float32)


def salience_message(header: Header, result: SalienceResult, with_grid: bool = True) -> Salience:
    """A scorer's message; conflict is not known to it."""
    message = Salience(header=header, modality=result.modality, source=result.source)
    message.surprise = result.surprise
    message.novelty = result.novelty
    message.arousal = result.arousal
    message.reward = result.reward
    message.total = result.total
    message.p_value = result.p_value
    message.alarms_per_hour = result.alarms_per_hour
    if with_grid:
        message.grid_rows, message.grid_columns = result.grid.shape
        message.grid = array.array("f", result.grid.tobytes())
    message.neighbour_id = result.neighbour_id
    message.neighbour_age_s = result.neighbour_age_s
    message.neighbour_distance = result.neighbour_distance
    message.prediction_error = result.prediction_error
    message.usual_error = result.usual_error
    message.habituation = result.habituation
    message.reason = result.reason
    message.valid = True
    return message


def invalid_salience(header: Header, modality: str, source: str, why: str) -> Salience:
    """The defined salience of an input that must not be used: total 0, and why."""
    message = Salience(header=header, modality=modality, source=source, reward=0.5, p_value=1.0)
    message.alarms_per_hour = USUAL_PER_HOUR
    message.neighbour_age_s = -1.0
    message.neighbour_distance = 1.0
    message.reason = f"{modality}: {why}"
    message.invalid_reason = why
    return message


def modal_salience(message: Salience) -> ModalSalience:
    """What fusion needs of a scorer's message."""
    return ModalSalience(
        stamp_ns=stamp_ns(message.header.stamp),
        modality=message.modality,
        surprise=message.surprise,
        novelty=message.novelty,
        arousal=message.arousal,
        total=message.total,
        reason=message.reason,
        valid=message.valid,
    )


def grid_of(message: Salience) -> NDArray[np.float32]:
    """The grid in a scorer's message, float32 [rows, columns]; [0, 0] if it has none."""
    shape = (message.grid_rows, message.grid_columns)
    return np.frombuffer(message.grid, np.float32).reshape(shape)


def fused_message(
    header: Header,
    fused: FusedResult,
    newest: dict[str, Salience],
    now_ns: int,
    with_grids: bool = True,
) -> FusedSalience:
    """The fused message; `newest` holds the newest message of every live modality."""
    message = FusedSalience(header=header, trigger_modality=fused.trigger, reward=0.5)
    parts = zip(fused.live, fused.conflicts, fused.cross_errors, strict=True)
    for name, conflict, cross in parts:
        # A copy: what was received may be in the hands of other nodes of this process.
        salience = copy.copy(newest[name])
        salience.conflict = 0.0 if conflict is None else conflict
        salience.conflict_known = conflict is not None
        if not with_grids:
            salience.grid_rows = salience.grid_columns = 0
            salience.grid = array.array("f")
        if cross is not None:
            salience.cross_error = cross.error
            salience.cross_usual_error = cross.usual
            salience.cross_skill = cross.skill
        message.modalities.append(salience)
    message.weights = array.array("f", fused.weights)
    message.dominant_modality = fused.dominant
    if fused.dominant:
        dominant = newest[fused.dominant]
        message.surprise = dominant.surprise
        message.novelty = dominant.novelty
        message.arousal = dominant.arousal
        message.reward = dominant.reward
    message.conflict = fused.conflict
    message.total = fused.total
    message.alarms_per_hour = fused.alarms_per_hour
    message.reason = fused.reason
    message.latency_ms = max(now_ns - stamp_ns(header.stamp), 0) * 1e-6
    message.valid = fused.valid
    message.invalid_reason = "" if fused.valid else fused.reason
    return message


def weights_message(learned: Learned) -> FusionWeights:
    """What fusion has learned, and whether that has paid off."""
    message = FusionWeights(header=Header(stamp=to_stamp(learned.stamp_ns)))
    message.names = list(learned.names)
    message.weights = array.array("f", learned.weights)
    for field in ("trust", "successes", "failures", "auroc_fused", "auroc_learned", "auroc_equal"):
        setattr(message, field, getattr(learned, field))
    return message


def weights_words(learned: Learned) -> dict[str, str]:
    """The same in words, for /diagnostics."""
    named = zip(learned.names, learned.weights, strict=True)
    areas = (learned.auroc_fused, learned.auroc_learned, learned.auroc_equal)
    return {
        "weights": ", ".join(f"{name} {weight:+.2f}" for name, weight in named),
        "trust": f"{learned.trust:.2f}",
        "outcomes": f"{learned.successes} successes, {learned.failures} failures",
        "auroc": "fused {:.3f}, learned {:.3f}, equal {:.3f}".format(*areas),
    }
