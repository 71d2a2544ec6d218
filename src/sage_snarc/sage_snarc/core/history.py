"""The recent past of fused salience, kept small enough to be asked about any of its moments."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import State
from sage_common.core.state.ranges import Count, Range
from sage_common.core.state.stateful import Stateful
from sage_common.core.words.quoting import without_quotes

NUMBERS = (
    "surprise",
    "novelty",
    "arousal",
    "reward",
    "conflict",
    "total",
    "alarms_per_hour",
    "neighbour_age_s",
    "neighbour_distance",
    "prediction_error",
    "usual_error",
    "habituation",
    "cross_error",
    "cross_usual_error",
    "cross_skill",
)
"""What is kept of a scorer's message as float32, by the names of `sage_msgs/msg/Salience`."""


class ModalityScore(NamedTuple):
    """What one scorer said of one percept, with the conflict that fusion found.

    Attributes:
        stamp_ns: stamp of the percept [ns].
        modality, source, frame_id: whose it was.
        numbers: as named by `NUMBERS`.
        p_value: [0, 1] chance of a percept as unusual; 1: unknown.
        neighbour_id: sequence number of the nearest remembered percept; 0 if none.
        conflict_known, valid: flags of the message.
        reason, invalid_reason: in words.
    """

    stamp_ns: int
    modality: str
    source: str
    frame_id: str
    numbers: tuple[float, ...]
    p_value: float
    neighbour_id: int
    conflict_known: bool
    valid: bool
    reason: str
    invalid_reason: str


class Tick(NamedTuple):
    """One fusion tick.

    Attributes:
        stamp_ns: stamp of the tick [ns].
        score: what triggered it; None: the silence of all.
        total, conflict: fused, [0, 1].
        alarms_per_hour: how often as much is said while nothing happens, > 0 [1/h].
        latency_ms: of the tick [ms].
        dominant: modality that contributed most; empty if none was live.
        weights: weight of each live modality.
        reason: in words.
    """

    stamp_ns: int
    score: ModalityScore | None
    total: float
    alarms_per_hour: float
    conflict: float
    latency_ms: float
    dominant: str
    weights: Mapping[str, float]
    reason: str


class Moment(NamedTuple):
    """A tick and everything that was known at it.

    Attributes:
        tick: the tick.
        live: the newest of each modality that was fused, by name.
        absent: the newest of each that had been heard, but was stale or invalid, by name.
        rank: share of the moments still known whose total is smaller, [0, 1).
    """

    tick: Tick
    live: tuple[ModalityScore, ...]
    absent: tuple[ModalityScore, ...]
    rank: float


class History(Stateful):
    """A ring of the newest fusion ticks.

    A tick brings news of one modality only, so a row holds that and what fusion made of it; the
    other modalities of a moment are found in the rows before it. With 4 modalities a row has 130
    bytes, and its words 150 to 450 more: 5 to 12 MB for 20,000 ticks, which follow the length of
    the reasons as the ring turns over; grids are not kept.
    """

    added: State[Count] = 0
    _rows: State[NDArray[Any]]
    _words: State[list[tuple[str, str, str, str, str]]]

    def __init__(self, modalities: Sequence[str], capacity: int = 20_000) -> None:
        """`capacity`: ticks that are kept, at least 1."""
        self.modalities = tuple(sorted(modalities))
        self.capacity = capacity
        self._number = {name: index for index, name in enumerate(self.modalities)}
        self._rows = np.zeros(
            capacity,
            [
                ("stamp_ns", np.int64),
                ("scored_ns", np.int64),
                ("p_value", np.float64),
                ("neighbour_id", np.uint64),
                ("numbers", np.float32, len(NUMBERS)),
                ("total", np.float32),
                ("alarms_per_hour", np.float32),
                ("conflict", np.float32),
                ("latency_ms", np.float32),
                ("weights", np.float32, len(self.modalities)),  # NaN: not live
                ("modality", np.int16),  # -1: nobody
                ("dominant", np.int16),
                ("conflict_known", np.bool_),
                ("valid", np.bool_),
            ],
        )
        self._words = []

    def __len__(self) -> int:
        return len(self._words)

    @property
    def oldest_ns(self) -> int:
        """Stamp of the oldest tick that is kept [ns]; 0 if there is none."""
        return int(self._rows["stamp_ns"][self._order()].min()) if self._words else 0

    def add(self, tick: Tick) -> None:
        """Keep a tick; the oldest makes room.

        Raises:
            InvalidInput: news of a modality that is not one of the history's.
        """
        score = tick.score
        if score is not None and score.modality not in self._number:
            raise InvalidInput("modality", score.modality, "one of " + ", ".join(self.modalities))
        slot = self.added % self.capacity
        # Written anew in place; a tuple of the whole row takes a third of the time of its fields.
        self._rows[slot] = (
            tick.stamp_ns,
            score.stamp_ns if score else 0,
            score.p_value if score else 1.0,
            score.neighbour_id if score else 0,
            score.numbers if score else (0.0,) * len(NUMBERS),
            tick.total,
            tick.alarms_per_hour,
            tick.conflict,
            tick.latency_ms,
            tuple(tick.weights.get(name, np.nan) for name in self.modalities),
            self._number[score.modality] if score else -1,
            self._number.get(tick.dominant, -1),
            score.conflict_known if score else False,
            score.valid if score else False,
        )
        words = _words(tick, score)
        if slot == len(self._words):
            self._words.append(words)
        else:
            self._words[slot] = words
        self.added += 1

    def nearest(self, stamp_ns: int) -> Moment | None:
        """The moment nearest to a stamp, of equally near ones the last; None if none is kept.

        Args:
            stamp_ns: [ns]; 0: the newest moment.
        """
        if not self._words:
            return None
        order = self._order()
        place = len(order) - 1
        if stamp_ns:
            away_ns = np.abs(self._rows["stamp_ns"][order] - stamp_ns)
            place -= int(away_ns[::-1].argmin())
        tick = self._tick(int(order[place]))
        heard = self._rows["modality"][order[: place + 1]]
        live: list[ModalityScore] = []
        absent: list[ModalityScore] = []
        for number, name in enumerate(self.modalities):
            places = np.flatnonzero(heard == number)
            if places.size:
                score = self._modality_score(int(order[places[-1]]))
                (live if name in tick.weights else absent).append(score)
        smaller = self._rows["total"][order] < self._rows["total"][order[place]]
        return Moment(tick, tuple(live), tuple(absent), float(smaller.mean()))

    def _order(self) -> NDArray[np.intp]:
        """Slots in use, the oldest first."""
        return (np.arange(len(self._words)) + self.added - len(self._words)) % self.capacity

    def _tick(self, slot: int) -> Tick:
        row = self._rows[slot]
        dominant = int(row["dominant"])
        return Tick(
            stamp_ns=int(row["stamp_ns"]),
            score=self._modality_score(slot) if row["modality"] >= 0 else None,
            total=float(row["total"]),
            alarms_per_hour=float(row["alarms_per_hour"]),
            conflict=float(row["conflict"]),
            latency_ms=float(row["latency_ms"]),
            dominant=self.modalities[dominant] if dominant >= 0 else "",
            weights={
                name: float(weight)
                for name, weight in zip(self.modalities, row["weights"], strict=True)
                if not np.isnan(weight)
            },
            reason=self._words[slot][0],
        )

    def _modality_score(self, slot: int) -> ModalityScore:
        row = self._rows[slot]
        _, reason, invalid_reason, source, frame_id = self._words[slot]
        return ModalityScore(
            stamp_ns=int(row["scored_ns"]),
            modality=self.modalities[int(row["modality"])],
            source=source,
            frame_id=frame_id,
            numbers=tuple(row["numbers"].tolist()),
            p_value=float(row["p_value"]),
            neighbour_id=int(row["neighbour_id"]),
            conflict_known=bool(row["conflict_known"]),
            valid=bool(row["valid"]),
            reason=reason,
            invalid_reason=invalid_reason,
        )

    def check_values(self, values: Mapping[str, Any]) -> None:
        count, rows, last = len(values["words"]), values["rows"], len(self.modalities) - 1
        Range(0, min(self.capacity, values["added"])).check("words", count)
        for name in ("modality", "dominant"):
            Range(-1, last).check(f"rows.{name}", rows[name][:count])

    def restored(self) -> None:
        """Names stand in thousands of ticks: one string for each, as when they were added."""
        self._words = [
            (*words[:3], sys.intern(words[3]), sys.intern(words[4])) for words in self._words
        ]


def _words(tick: Tick, score: ModalityScore | None) -> tuple[str, str, str, str, str]:
    """What a tick says in words, but not what was said, which is not its to keep.

    Equal texts are kept once.
    """
    why = without_quotes(tick.reason)
    if score is None:
        return why, "", "", "", ""
    own = why if tick.reason == score.reason else without_quotes(score.reason)
    names = sys.intern(score.source), sys.intern(score.frame_id)
    return why, own, score.invalid_reason, *names
