"""Fusion: how much this moment matters, over all modalities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.state.arrays import (
    Arrays,
    text_of,
)
from sage_common.core.state.fields import Fixed, State, Transient
from sage_common.core.state.ranges import Stamp
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.calibration.dimension import Reading
from sage_snarc.core.calibration.false_alarms import (
    FALSE_ALARMS_PER_HOUR,
    USUAL_PER_HOUR,
    FalseAlarms,
    Salience,
    rate_of,
)
from sage_snarc.core.dimensions.conflict import UNKNOWN, CrossError, CrossModal
from sage_snarc.core.learning.weights import OutcomeWeights, Signs
from sage_snarc.core.reason import duration

CONFLICT_SHARE = 0.2
USUAL_CONFLICT = 2.0
CONFLICT_WORDS = 5.0
TICK_S = 0.1


@dataclass(frozen=True)
class ModalSalience:
    """What one scorer says of one percept.

    Attributes:
        stamp_ns: stamp of the percept [ns].
        modality: whose.
        surprise: [0, 1]; the part of a cross-modal error that is not conflict.
        novelty, arousal: [0, 1].
        total: [0, 1].
        reason: in words, beginning with the modality.
        valid: False: the scorer's input was stale or invalid.
    """

    stamp_ns: int
    modality: str
    surprise: float
    novelty: float
    arousal: float
    total: float
    reason: str
    valid: bool = True


@dataclass(frozen=True)
class FusedResult:
    """Fused salience of one tick.

    Attributes:
        stamp_ns: stamp of the salience that triggered the tick [ns].
        trigger: modality of that salience.
        total: [0, 1].
        alarms_per_hour: how often the senses, while nothing happens, would say as much as `total`.
        equal: what it would be with equal weights, [0, 1].
        learned: what it would be if the learned weights were fully trusted, [0, 1].
        dominant: modality that contributes most; empty if none is live.
        live: live modalities in order of their names.
        weights: of the live modalities, in that order, sum 1.
        conflicts: newest conflict of each live modality with the others, in that order; None
            while unknown.
        cross_errors: what each of them was computed from; None while unknown.
        conflict: the strongest of them, [0, 1]; 0 while none is known.
        stale: modalities that fell out because of their age, events excepted, by name.
        reason: in words.
        valid: False: nothing is live, and total is 0.
    """

    stamp_ns: int
    trigger: str
    total: float
    alarms_per_hour: float
    equal: float
    learned: float
    dominant: str
    live: tuple[str, ...]
    weights: tuple[float, ...]
    conflicts: tuple[float | None, ...]
    cross_errors: tuple[CrossError | None, ...]
    conflict: float
    stale: tuple[str, ...]
    reason: str
    valid: bool


class Fusion(Stateful):
    """Fuses the newest salience of every modality, once per salience that arrives.

    The score with equal weights (`equal_score`) is corrected by what outcomes have taught, as far
    as that can be trusted (`OutcomeWeights`). A modality older than its maximum age falls
    out and is named in the reason; it is never carried on at its last value.
    """

    new_keys = frozenset({"false_alarms", "last_ns"})
    modalities: Fixed[tuple[str, ...]]
    cross: State[CrossModal]
    weights: State[OutcomeWeights]
    false_alarms: State[FalseAlarms]
    learning: Transient[bool] = True
    """False: it fuses, and learns nothing."""
    _last_ns: State[Stamp] = 0
    _newest: Transient[dict[str, ModalSalience]]
    _signs: Transient[dict[str, Signs]]
    _embeddings: Transient[dict[str, tuple[int, NDArray[np.float32]]]]
    _conflicts: Transient[dict[str, Reading | None]]

    def __init__(
        self,
        modalities: Sequence[str],
        max_age_s: float = 1.0,
        events: Sequence[str] = (),
        false_alarms_per_hour: float = FALSE_ALARMS_PER_HOUR,
    ) -> None:
        """Fuse `modalities`, in whatever order.

        Args:
            max_age_s: age, relative to the newest stamp, at which a modality falls out.
            events: modalities whose silence is no fault and not worth a word.
            false_alarms_per_hour: false alarms that make a fused total of 0.5, > 0.

        Raises:
            InvalidInput: no modality, or one twice.
        """
        if not modalities or len(set(modalities)) != len(modalities):
            raise InvalidInput("modalities", tuple(modalities), "at least one, each once")
        self.modalities = tuple(sorted(modalities))
        self.events = frozenset(events)
        self.max_age_ns = round(max_age_s * 1e9)
        self.cross = CrossModal(self.modalities)
        self.weights = OutcomeWeights(self.modalities)
        self.false_alarms = FalseAlarms()
        self._salience = Salience(false_alarms_per_hour)
        self._newest = {}
        self._signs = {}
        self._embeddings = {}
        self._conflicts = {}

    def see(self, modality: str, stamp_ns: int, embedding: NDArray[np.float32]) -> None:
        """Take the newest embedding of a modality, for conflict.

        Raises:
            InvalidInput: not one of the fused modalities.
        """
        self._check(modality)
        self._embeddings[modality] = (stamp_ns, embedding)

    def fuse(self, salience: ModalSalience) -> FusedResult:
        """One fusion tick.

        Raises:
            InvalidInput: not one of the fused modalities, or a dimension or total not in [0, 1].
        """
        self._check(salience.modality)
        self._signs[salience.modality] = _signs(salience)
        self._newest[salience.modality] = salience
        now_ns = max(item.stamp_ns for item in self._newest.values())
        live = [name for name in self.modalities if self._is_live(name, now_ns)]
        stale = self._stale(live)
        if not live:
            return self._nothing(salience, stale)
        if salience.valid:
            fresh = {name: self._embeddings[name][1] for name in live if self._sees(name, now_ns)}
            self._conflicts[salience.modality] = self.cross.observe(
                salience.modality, fresh, salience.surprise, self.learning
            )
        conflicts = {name: self._conflicts.get(name) for name in live}
        loner, conflict = _strongest(conflicts)
        totals = {name: self._newest[name].total for name in live}
        equal = self._equal(salience.stamp_ns, list(totals.values()), conflict.excess)
        signs = {name: self._signs[name] for name in live}
        scores = self.weights.judge(salience.stamp_ns, signs, conflict.rank, equal)
        weights = self.weights.shares(live)
        dominant = max(live, key=lambda name: weights[name] * totals[name])
        reason = self._newest[dominant].reason
        if conflict.excess >= CONFLICT_WORDS:
            reason += f"; {loner} contradicts the others ({conflict.rank:.2f})"
        return FusedResult(
            stamp_ns=salience.stamp_ns,
            trigger=salience.modality,
            total=scores.fused,
            alarms_per_hour=rate_of(self._salience.rarity(scores.fused), USUAL_PER_HOUR),
            equal=scores.equal,
            learned=scores.learned,
            dominant=dominant,
            live=tuple(live),
            weights=tuple(weights[name] for name in live),
            conflicts=tuple(None if item is None else item.rank for item in conflicts.values()),
            cross_errors=tuple(
                None if item is None else self.cross.last_error(name)
                for name, item in conflicts.items()
            ),
            conflict=conflict.rank,
            stale=stale,
            reason=reason + self._stale_words(stale, now_ns),
            valid=True,
        )

    def _equal(self, stamp_ns: int, totals: Sequence[float], conflict: float) -> float:
        """Salience with equal weights, corrected by the false alarms that came."""
        rarity = equal_rarity([self._salience.rarity(total) for total in totals], conflict)
        elapsed_ns = stamp_ns - self._last_ns
        # A pause has no false alarms, and a clock that goes back has no time.
        elapsed_s = elapsed_ns * 1e-9 if 0 < elapsed_ns <= self.max_age_ns else 0.0
        self._last_ns = (
            stamp_ns if elapsed_ns > 0 or elapsed_ns < -self.max_age_ns else self._last_ns
        )
        corrected = self.false_alarms.corrected(rarity)
        if self.learning:
            self.false_alarms.learn(rarity, elapsed_s, TICK_S, USUAL_PER_HOUR)
        return self._salience.total(corrected)

    def learn(self, start_ns: int, end_ns: int, reward: float, stamp_ns: int | None = None) -> bool:
        """Learn from an outcome; see `OutcomeWeights.learn`. `stamp_ns`: the span's end if None."""
        return self.learning and self.weights.learn(
            start_ns, end_ns, reward, end_ns if stamp_ns is None else stamp_ns
        )

    def _check(self, modality: str) -> None:
        if modality not in self.modalities:
            raise InvalidInput("modality", modality, "one of " + ", ".join(self.modalities))

    def _is_live(self, name: str, now_ns: int) -> bool:
        newest = self._newest.get(name)
        return newest is not None and newest.valid and now_ns - newest.stamp_ns <= self.max_age_ns

    def _sees(self, name: str, now_ns: int) -> bool:
        return name in self._embeddings and (now_ns - self._embeddings[name][0] <= self.max_age_ns)

    def _stale(self, live: Sequence[str]) -> tuple[str, ...]:
        """Modalities that were heard and are silent now, though they should not be."""
        return tuple(
            name
            for name in self.modalities
            if name in self._newest
            and name not in self.events
            and name not in live
            and self._newest[name].valid
        )

    def _stale_words(self, stale: Sequence[str], now_ns: int) -> str:
        ages = [
            f"{name} silent for {duration((now_ns - self._newest[name].stamp_ns) * 1e-9)}"
            for name in stale
        ]
        return f" ({', '.join(ages)})" if ages else ""

    def _nothing(self, salience: ModalSalience, stale: tuple[str, ...]) -> FusedResult:
        return FusedResult(
            stamp_ns=salience.stamp_ns,
            trigger=salience.modality,
            total=0.0,
            alarms_per_hour=USUAL_PER_HOUR,
            equal=0.0,
            learned=0.0,
            dominant="",
            live=(),
            weights=(),
            conflicts=(),
            cross_errors=(),
            conflict=0.0,
            stale=stale,
            reason=f"no modality is live; {salience.reason}",
            valid=False,
        )

    def from_old(self, old: Arrays) -> dict[str, object]:
        if "modalities" not in old:
            raise InvalidInput("state", sorted(old), "the state of a fusion")
        return {"modalities": tuple(text_of(old["modalities"]).split("\n"))}


def equal_rarity(rarities: Sequence[float], conflict: float) -> float:
    """Fused rarity of `rarities` (each >= 0, at least one) with equal weights.

    Their 12-norm, which is the largest unless several come near it: one strongly salient modality
    must be able to raise the whole (a bang in the dark is one of four modalities), and agreement
    should count a little. A fifth of what conflict (`-ln p`, >= 0) is beyond 2 is added, because
    disagreement alone deserves a look but must not drown what the senses say.
    """
    largest = max(rarities)
    agreement = sum((rarity / largest) ** 12 for rarity in rarities) if largest > 0.0 else 1.0
    together = float(largest * agreement ** (1.0 / 12.0))
    return together + CONFLICT_SHARE * max(conflict - USUAL_CONFLICT, 0.0)


def _strongest(conflicts: Mapping[str, Reading | None]) -> tuple[str, Reading]:
    """Who contradicts the others most, and how much; nobody while nothing is known."""
    known = {name: item for name, item in conflicts.items() if item is not None}
    loner = max(known, key=lambda name: known[name].excess, default="")
    return loner, known.get(loner, UNKNOWN)


def _signs(salience: ModalSalience) -> Signs:
    for name in ("total", "surprise", "novelty", "arousal"):
        value = getattr(salience, name)
        if not 0.0 <= value <= 1.0:
            raise InvalidInput(name, value, "a number from 0 to 1")
    return Signs.of(salience.total, salience.surprise, salience.novelty, salience.arousal)
