"""Scorers: salience of percepts, and of any stream of stamped vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import CODES, GRID, Percept
from sage_common.core.specs.modality import ModalitySpecs
from sage_common.core.specs.places import PICTURE, Places
from sage_common.core.state.arrays import Arrays
from sage_common.core.state.fields import Fixed, State, Transient, renamed
from sage_common.core.state.ranges import Count
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.calibration.false_alarms import FALSE_ALARMS_PER_HOUR, checked_rate
from sage_snarc.core.dimensions.code_arousal import Layout
from sage_snarc.core.observation import Observation
from sage_snarc.core.reason import scorer_reason
from sage_snarc.core.scorer_inputs import (
    check_capacity,
    check_size,
    checked_size,
    checked_stamp,
    checked_vector,
)
from sage_snarc.core.stream import FREE, UNIT, Stream

LENGTH_TOLERANCE = 0.01
STATE_FORM = 2


@dataclass(frozen=True)
class SalienceResult:
    """Salience of one sample, before fusion (conflict is known only there).

    Attributes:
        stamp_ns: stamp of the sample [ns].
        modality, source: whose sample it was.
        surprise: [0, 1) prediction error, as a quantile of its own past.
        novelty: [0, 1] distance to the nearest remembered sample; 0: identical.
        arousal: [0, 1) intensity and change, as a quantile of its own past.
        reward: [0, 1] learned value of similar situations; 0.5: unknown.
        p_value: (0, 1] chance of a sample as unusual as this one, by the stream's own past; 1 while
            unknown.
        alarms_per_hour: how often the stream, while nothing happens, would say as much as `total`,
            > 0 [1/h]; at most the rate of its samples.
        total: [0, 1).
        grid: where it is, float32 [10, 10], each 0..1; [0, 0] for bare vectors.
        neighbour_id: sequence number of the nearest remembered sample; 0 if none.
        neighbour_age_s: time since that was last seen [s]; -1 if none.
        neighbour_distance: [0, 1] distance to it, 1: that of an independent sample; 1 if none.
        prediction_error: distance of the sample from its prediction, >= 0, in units of how
            errors usually vary; 0 if none was made.
        usual_error: the median of that distance in the past, >= 0.
        habituation: [0, 1] share of the total that repetition has taken away.
        reason: the main cause in words.
    """

    stamp_ns: int
    modality: str
    source: str
    surprise: float
    novelty: float
    arousal: float
    reward: float
    p_value: float
    alarms_per_hour: float
    total: float
    grid: NDArray[np.float32]
    neighbour_id: int
    neighbour_age_s: float
    neighbour_distance: float
    prediction_error: float
    usual_error: float
    habituation: float
    reason: str


class VectorScorer(Stateful):
    """Salience of any stream of stamped float32 vectors, without ROS and without an encoder.

    The vector's unit and offset do not matter; its size is fixed by the first sample.

    >>> scorer = VectorScorer("motor current")
    >>> scorer.score(0, [0.1]).neighbour_id
    0
    """

    old_keys = renamed(size=("size", "capacity"))
    capacity: Fixed[int]
    _form: Fixed[int] = STATE_FORM
    learning: Transient[bool] = True
    """False: samples are scored and nothing is learned; see `Stream.observe`."""
    _stream: State[Stream | None] = None

    def __init__(
        self,
        name: str,
        source: str = "",
        capacity: int = 1000,
        false_alarms_per_hour: float = FALSE_ALARMS_PER_HOUR,
    ) -> None:
        """Score the vectors of a stream.

        Args:
            name, source: whose it is, for words.
            capacity: number of vectors remembered for novelty.
            false_alarms_per_hour: false alarms that a total of 0.5 may cause, (0, 36000] [1/h].

        Raises:
            InvalidInput: a capacity or a rate that is out of range.
        """
        check_capacity(capacity)
        self.name = name
        self.source = source
        self.capacity = capacity
        self._false_alarms_per_hour = checked_rate(false_alarms_per_hour)

    def score(self, stamp_ns: int, vector: ArrayLike) -> SalienceResult:
        """Score one sample and, while `learning`, learn from it.

        Raises:
            InvalidInput: not a finite one-dimensional vector of the first one's size, or a stamp
                that is not an integer of 64 bits; nothing is learned.
        """
        stamp_ns = checked_stamp(stamp_ns)
        checked = checked_vector("vector", vector)
        if self._stream is None:
            self._stream = self._made(checked.size)
        check_size("vector", checked, self._stream.size)
        seen = self._stream.observe(stamp_ns, checked, None, self.learning)
        reason = scorer_reason(self.name, seen)
        return _result(stamp_ns, self.name, self.source, seen, reason)

    def learn(self, start_ns: int, end_ns: int, reward: float) -> int:
        """Judge what was scored within a time span by `reward` (-1..1); number of situations.

        Raises:
            InvalidInput: a reward beyond -1..1.
        """
        if self._stream is None or not self.learning:
            return 0
        return self._stream.reward.learn(start_ns, end_ns, reward)

    def make_part(self, key: str, values: Mapping[str, Any]) -> Stream:
        return self._made(checked_size(f"{key}.size", values[key]))

    def _made(self, size: int) -> Stream:
        return Stream(size, self.capacity, FREE, false_alarms_per_hour=self._false_alarms_per_hour)

    def from_old(self, old: Arrays) -> dict[str, Any]:
        return _stream_of_old(self, old)


class Scorer(Stateful):
    """Salience of the percepts of one modality.

    Embeddings of different encoders are never compared: when the encoder's identity changes,
    everything learned from the old one is dropped and `resets` counts it.
    """

    old_keys = renamed(size=("size", "capacity"))
    capacity: Fixed[int]
    _form: Fixed[int] = STATE_FORM
    learning: Transient[bool] = True
    """False: samples are scored and nothing is learned; see `Stream.observe`."""
    resets: State[Count] = 0
    encoder_id: State[str] = ""
    _stream: State[Stream | None] = None

    def __init__(
        self,
        modality: str,
        capacity: int = 1000,
        places: Places = PICTURE,
        layout: Layout | None = None,
        summary: int | None = None,
        false_alarms_per_hour: float = FALSE_ALARMS_PER_HOUR,
    ) -> None:
        """Score the percepts of a modality.

        Args:
            modality: its name.
            capacity: number of percepts remembered for novelty.
            places: for words.
            layout: of its puzzles; None: as the modality's spec says.
            summary: how many numbers at the end of its embeddings sum up the newest sample; None:
                as the modality's spec says.
            false_alarms_per_hour: false alarms that a total of 0.5 may cause, (0, 36000] [1/h].

        Raises:
            InvalidInput: a capacity or a rate that is out of range.
        """
        check_capacity(capacity)
        self.modality = modality
        self._false_alarms_per_hour = checked_rate(false_alarms_per_hour)
        self.capacity = capacity
        self.places = places
        spec = ModalitySpecs()[modality]
        self._layout = layout or Layout(spec.layout)
        self._summary = spec.summary if summary is None else summary
        self._speaks = spec.words

    @property
    def remembered(self) -> int:
        """Number of percepts in the novelty memory."""
        return 0 if self._stream is None else self._stream.memory.count

    def score(self, percept: Percept) -> SalienceResult:
        """Score one percept and, while `learning`, learn from it.

        Raises:
            InvalidInput: another modality, a stamp that is not an integer of 64 bits, codes that
                are not uint8 [30, 30] of 0..9, or an embedding that is not finite, of unit length
                and of its encoder's size.
        """
        stamp_ns = checked_stamp(percept.stamp_ns)
        vector = self._checked(percept)
        if self._stream is None or percept.encoder_id != self.encoder_id:
            self.resets += self._stream is not None
            self.encoder_id = percept.encoder_id
            self._stream = self._made(vector.size)
        check_size("embedding", vector, self._stream.size)
        seen = self._stream.observe(stamp_ns, vector, percept.codes, self.learning)
        reason = scorer_reason(self.modality, seen, self.places, percept.text, self._speaks)
        return _result(stamp_ns, self.modality, percept.source, seen, reason)

    def _checked(self, percept: Percept) -> NDArray[np.float32]:
        if percept.modality != self.modality:
            raise InvalidInput("modality", percept.modality, self.modality)
        codes = percept.codes
        if codes.shape != (GRID, GRID) or codes.dtype != np.uint8:
            shape = f"{codes.dtype} {list(codes.shape)}"
            raise InvalidInput("codes", shape, f"uint8 [{GRID}, {GRID}]")
        if int(codes.max()) >= CODES:
            raise InvalidInput("codes", int(codes.max()), f"codes 0..{CODES - 1}")
        vector = percept.embedding
        if vector.ndim != 1 or vector.dtype != np.float32:
            vector = checked_vector("embedding", vector)
        # NaN and infinity have no unit length either; then the longer check names them.
        if not abs(float(vector @ vector) - 1.0) <= 2.0 * LENGTH_TOLERANCE:
            length = float(np.linalg.norm(checked_vector("embedding", vector)))
            raise InvalidInput("embedding", f"length {length:.4g}", "unit length")
        return vector

    def learn(self, start_ns: int, end_ns: int, reward: float) -> int:
        """Judge what was scored within a time span by `reward` (-1..1).

        Returns:
            Number of situations judged; 0 if none of the last 4,096 percepts lies in the span.

        Raises:
            InvalidInput: a reward beyond -1..1.
        """
        if self._stream is None or not self.learning:
            return 0
        return self._stream.reward.learn(start_ns, end_ns, reward)

    def make_part(self, key: str, values: Mapping[str, Any]) -> Stream:
        return self._made(checked_size(f"{key}.size", values[key]))

    def _made(self, size: int) -> Stream:
        asked = self._false_alarms_per_hour
        return Stream(size, self.capacity, UNIT, self._layout, asked, self._summary)

    def from_old(self, old: Arrays) -> dict[str, Any]:
        return _stream_of_old(self, old)


def _result(
    stamp_ns: int, modality: str, source: str, seen: Observation, reason: str
) -> SalienceResult:
    return SalienceResult(
        stamp_ns=stamp_ns,
        modality=modality,
        source=source,
        surprise=seen.surprise.rank,
        novelty=seen.novelty.rank,
        arousal=seen.arousal.rank,
        reward=seen.reward,
        p_value=seen.p_value,
        alarms_per_hour=seen.alarms_per_hour,
        total=seen.total,
        grid=seen.grid,
        neighbour_id=seen.near.id,
        neighbour_age_s=seen.near.age_ns * 1e-9 if seen.near.slot >= 0 else -1.0,
        neighbour_distance=seen.near.relative,
        prediction_error=seen.error,
        usual_error=seen.usual_error,
        habituation=seen.habituation,
        reason=reason,
    )


def _stream_of_old(scorer: Scorer | VectorScorer, old: Arrays) -> dict[str, Any]:
    if "size" not in old:
        raise InvalidInput("state", sorted(old), "the state of a scorer")
    form = int(old.get("form", np.array(1)))
    values = {"stream": {"size": int(old["size"][0])}}
    return {"form": form, "stream": scorer.make_part("stream", values)}
