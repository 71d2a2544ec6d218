"""The recent past of fused salience, kept small enough to be asked about any of its moments."""

from __future__ import annotations

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
WORDS_BYTES = 300
"""Room for the words of a tick, on average: they have 150 to 450 bytes."""


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
    """A ring of the newest fusion ticks, in memory that does not grow.

    A tick brings news of one modality only, so a row holds that and what fusion made of it; the
    other modalities of a moment are found in the rows before it. With 4 modalities a row has 160
    bytes; its words lie in a ring of bytes, for as Python strings of many lengths they would leave
    gaps that add up over hours. Where words are long, fewer ticks are known. Grids are not kept.
    """

    added: State[Count] = 0
    _count: State[Count] = 0
    _rows: State[NDArray[Any]]
    _words: State[NDArray[np.uint8]]
    _written: State[Count] = 0

    def __init__(self, modalities: Sequence[str], capacity: int = 20_000) -> None:
        """`capacity`: ticks that are kept at most, at least 1."""
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
                ("words_at", np.int64),
                ("words_bytes", np.int32, 5),
            ],
        )
        self._words = np.zeros(WORDS_BYTES * capacity, np.uint8)

    def __len__(self) -> int:
        return self._count

    @property
    def oldest_ns(self) -> int:
        """Stamp of the oldest tick that is kept [ns]; 0 if there is none."""
        return int(self._rows["stamp_ns"][self._order()].min()) if self._count else 0

    def add(self, tick: Tick) -> None:
        """Keep a tick; the oldest makes room.

        Raises:
            InvalidInput: news of a modality that is not one of the history's.
        """
        score = tick.score
        if score is not None and score.modality not in self._number:
            raise InvalidInput("modality", score.modality, "one of " + ", ".join(self.modalities))
        words = [text.encode() for text in _texts_of(tick, score)]
        # Written anew in place; a tuple of the whole row takes a third of the time of its fields.
        self._rows[self.added % self.capacity] = (
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
            self._written,
            tuple(map(len, words)),
        )
        text = np.frombuffer(b"".join(words), np.uint8)
        self._words[self._places(self._written, len(text))] = text
        self._written += len(text)
        self.added += 1
        self._count = min(self._count + 1, self.capacity)
        first = self._written - len(self._words)
        while self._count and self._rows["words_at"][self._order(1)[0]] < first:
            self._count -= 1

    def nearest(self, stamp_ns: int) -> Moment | None:
        """The moment nearest to a stamp, of equally near ones the last; None if none is kept.

        Args:
            stamp_ns: [ns]; 0: the newest moment.
        """
        if not self._count:
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

    def _order(self, count: int | None = None) -> NDArray[np.intp]:
        """Slots in use, the oldest first; of `count`, only so many."""
        places = np.arange(self._count if count is None else count)
        return (places + self.added - self._count) % self.capacity

    def _places(self, start: int, count: int) -> NDArray[np.intp]:
        """Where `count` bytes of words lie, of all that were written from the `start`-th on."""
        return (np.arange(count) + start) % len(self._words)

    def _texts(self, slot: int) -> list[str]:
        """What `_texts_of` said of the tick in a slot."""
        start, texts = int(self._rows["words_at"][slot]), []
        for count in self._rows["words_bytes"][slot].tolist():
            texts.append(self._words[self._places(start, count)].tobytes().decode())
            start += count
        return texts

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
            reason=self._texts(slot)[0],
        )

    def _modality_score(self, slot: int) -> ModalityScore:
        row = self._rows[slot]
        _, reason, invalid_reason, source, frame_id = self._texts(slot)
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
        count, rows, last = values["count"], values["rows"], len(self.modalities) - 1
        Range(0, min(self.capacity, values["added"])).check("count", count)
        used = rows[(np.arange(count) + values["added"] - count) % self.capacity]
        for name in ("modality", "dominant"):
            Range(-1, last).check(f"rows.{name}", used[name])
        size, written = len(self._words), values["written"]
        Range(0, size).check("rows.words_bytes", used["words_bytes"])
        Range(max(0, written - size), written).check("rows.words_at", used["words_at"])
        Range(0, written).check(
            "rows.words_bytes", used["words_at"] + used["words_bytes"].sum(axis=1)
        )


def _texts_of(tick: Tick, score: ModalityScore | None) -> tuple[str, str, str, str, str]:
    """What a tick says in words, but not what was said, which is not its to keep."""
    why = without_quotes(tick.reason)
    if score is None:
        return why, "", "", "", ""
    own = without_quotes(score.reason)
    return why, own, score.invalid_reason, score.source, score.frame_id
