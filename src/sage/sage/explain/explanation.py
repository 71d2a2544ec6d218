"""What is known of one moment, whichever way it was found, for people and for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sage.explain.past_state import PastState
from sage_common.core.clock import NS_PER_S
from sage_common.ros.conversions.stamps import stamp_ns
from sage_memory.core.experience import DIMENSIONS
from sage_memory.core.identifiers import id_text
from sage_memory.core.recall.placement import Placed
from sage_msgs.msg import FusedSalience, Salience


@dataclass(frozen=True)
class Prediction:
    """What was predicted and what was seen.

    Attributes:
        error: distance of the percept from its prediction; 0 also if none was made.
        usual_error: what that distance usually is.
    """

    error: float
    usual_error: float


@dataclass(frozen=True)
class CrossPrediction:
    """What the other modalities predicted; `skill` is the share of the variance they predict."""

    error: float
    usual_error: float
    skill: float


@dataclass(frozen=True)
class Neighbour:
    """The nearest remembered percept.

    Attributes:
        id: its sequence number in the scorer.
        age_s: time since it was last seen [s].
        seen_ns: when that was [ns].
        distance: [0, 1], 1: that of an independent percept.
    """

    id: int
    age_s: float
    seen_ns: int
    distance: float


@dataclass(frozen=True, kw_only=True)
class ModalityExplanation:
    """One modality at the moment.

    Attributes:
        modality, source: whose percept; `source` is empty if not kept.
        stamp_ns: stamp of its newest percept [ns].
        live: False: stale or invalid, `invalid_reason` says why; the rest is what was said last.
        weight: in fusion, [0, 1]; None if not live or not known.
        total: its own salience before fusion, [0, 1]; None if not kept.
        p_value: [0, 1] chance of a percept as unusual, by the stream's own past; 1: unknown, or as
            usual as any; None if not kept.
        alarms_per_hour: how often the stream says as much as `total` while nothing happens [1/h];
            None if not kept.
        surprise, novelty, arousal, reward: [0, 1].
        conflict: [0, 1]; None while unknown.
        predicted, cross, neighbour, habituation: behind the dimensions; None if not kept, cross
            also while conflict is unknown, neighbour also if nothing was remembered.
        detailed: whether these were kept.
        reason: of the scorer, in words; empty if not kept.
    """

    modality: str
    source: str
    stamp_ns: int
    live: bool = True
    weight: float | None = None
    total: float | None = None
    p_value: float | None = None
    alarms_per_hour: float | None = None
    surprise: float
    novelty: float
    arousal: float
    reward: float
    conflict: float | None
    predicted: Prediction | None = None
    cross: CrossPrediction | None = None
    neighbour: Neighbour | None = None
    habituation: float | None = None
    detailed: bool = False
    reason: str
    invalid_reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One moment.

    Attributes:
        origin: where this is from: `graph`, `memory`, or the path of the bag.
        stamp_ns: of the moment [ns].
        asked_ns: the time asked for [ns]; None: the newest, or an experience.
        total: fused salience, [0, 1].
        alarms_per_hour: how often as much is said while nothing happens [1/h]; None if not kept.
        rank: share of the moments known whose total is smaller, [0, 1].
        known_from_ns, known_to_ns: span of the moments known [ns]; the end may be unknown (None).
        bag_start_ns: start of the bag [ns]; None if it is from none.
        dominant: modality that contributed most; empty if none was live, or not kept.
        conflict: [0, 1], strongest of all.
        reason: in words.
        valid: False: no modality was live.
        state: the metabolic state at the moment; None: nobody has looked it up.
        experience_id: of the experience that was kept, if one was asked for or is all there is.
        notes: what else a reader must know.
        modalities: by name, the live ones first.
    """

    origin: str
    stamp_ns: int
    asked_ns: int | None
    total: float
    alarms_per_hour: float | None = None
    rank: float
    known_from_ns: int
    known_to_ns: int | None
    bag_start_ns: int | None = None
    dominant: str = ""
    conflict: float
    reason: str
    valid: bool = True
    state: PastState | None = None
    experience_id: str = ""
    notes: tuple[str, ...] = ()
    modalities: tuple[ModalityExplanation, ...]

    def as_dict(self) -> dict[str, Any]:
        """The explanation as JSON knows it; numbers as precise as they were sent."""
        return {key: _rounded(value) for key, value in asdict(self).items()}


def of_message(
    message: FusedSalience,
    origin: str,
    asked_ns: int | None,
    rank: float,
    known_ns: tuple[int, int | None],
    absent: Sequence[Salience] = (),
) -> Explanation:
    """The explanation of a fused message.

    Args:
        absent: newest messages of modalities that are not in it, `invalid_reason` filled in.
    """
    names = (item.modality for item in message.modalities)
    weights = dict(zip(names, message.weights, strict=True))
    return Explanation(
        origin=origin,
        stamp_ns=stamp_ns(message.header.stamp),
        asked_ns=asked_ns,
        total=message.total,
        alarms_per_hour=message.alarms_per_hour if message.valid else None,
        rank=rank,
        known_from_ns=known_ns[0],
        known_to_ns=known_ns[1],
        dominant=message.dominant_modality,
        conflict=message.conflict,
        reason=message.reason,
        valid=message.valid,
        modalities=tuple(
            _of_salience(item, weights.get(item.modality))
            for item in (*message.modalities, *absent)
        ),
    )


def _of_salience(message: Salience, weight: float | None) -> ModalityExplanation:
    stamp = stamp_ns(message.header.stamp)
    neighbour = cross = None
    if message.neighbour_age_s >= 0.0:
        seen_ns = stamp - round(message.neighbour_age_s * NS_PER_S)
        neighbour = Neighbour(
            message.neighbour_id, message.neighbour_age_s, seen_ns, message.neighbour_distance
        )
    if message.conflict_known:
        cross = CrossPrediction(message.cross_error, message.cross_usual_error, message.cross_skill)
    return ModalityExplanation(
        modality=message.modality,
        source=message.source,
        surprise=message.surprise,
        novelty=message.novelty,
        arousal=message.arousal,
        reward=message.reward,
        reason=message.reason,
        stamp_ns=stamp,
        live=message.valid,
        weight=weight if message.valid else None,
        total=message.total,
        p_value=message.p_value,
        alarms_per_hour=message.alarms_per_hour,
        conflict=message.conflict if message.conflict_known else None,
        predicted=Prediction(message.prediction_error, message.usual_error),
        cross=cross,
        neighbour=neighbour,
        habituation=message.habituation,
        detailed=True,
        invalid_reason=message.invalid_reason,
    )


def of_experience(placed: Placed, asked_ns: int | None, notes: tuple[str, ...]) -> Explanation:
    """The explanation of a kept experience: all dimensions then, but not what is behind them.

    The percept that was kept need not be of the modality that its reason names: what all say
    together decides what is kept, too.
    """
    kept = placed.experience
    own = tuple(float(getattr(kept, name)) for name in DIMENSIONS)
    modalities = {**(kept.context or {}), kept.modality: own}
    named = kept.reason.partition(": ")[0]
    if named not in modalities:
        notes = (*notes, f"of that moment only what {kept.modality} said was kept")
    return Explanation(
        origin="memory",
        stamp_ns=kept.end_ns,
        asked_ns=asked_ns,
        total=kept.total,
        rank=placed.rank,
        known_from_ns=placed.oldest_ns,
        known_to_ns=placed.newest_ns,
        dominant=named if named in modalities else "",
        conflict=kept.conflict,
        reason=kept.reason,
        experience_id=id_text(kept.id),
        notes=notes,
        modalities=tuple(
            ModalityExplanation(
                modality=name,
                source=kept.source if name == kept.modality else "",
                stamp_ns=kept.end_ns,
                reason=kept.reason if name == named else "",
                **dict(zip(DIMENSIONS, values, strict=True)),
            )
            for name, values in sorted(modalities.items())
        ),
    )


def _rounded(value: Any) -> Any:
    """Floats of a nested value without the digits that float32 does not have."""
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return value
