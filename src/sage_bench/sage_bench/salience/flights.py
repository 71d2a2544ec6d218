"""Rows of the bench: are the events of flight logs among their most salient seconds?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row
from sage_bench.salience.scalars.detectors.charts import windowed_gaussian
from sage_bench.salience.trace import FUSED, modal
from sage_snarc.core.fusion import Fusion
from sage_snarc.core.scorer import VectorScorer

LOGS = {
    Path("logs", "px4_takeoff_small.ulg"): ("Takeoff detected", "Landing detected", "Disarmed"),
    Path("logs", "px4_sensor_failures.ulg"): ("no barometer",),
}
"""Messages that report an event have one of these words."""
TOPICS = {
    "inertial": (
        "sensor_combined",
        *(f"{kind}[{axis}]" for kind in ("gyro_rad", "accelerometer_m_s2") for axis in range(3)),
    ),
    "commands": ("actuator_controls_0", *(f"control[{axis}]" for axis in range(4))),
    "motors": ("actuator_outputs", *(f"output[{motor}]" for motor in range(4))),
    "motion": ("vehicle_local_position", "z", "vx", "vy", "vz"),
    "air": ("vehicle_air_data", "baro_alt_meter", "baro_temp_celcius"),
    "magnetic field": ("vehicle_magnetometer", *(f"magnetometer_ga[{axis}]" for axis in range(3))),
}
"""Topic and numbers of each signal; a log may lack some."""
WARM_UP = 20
"""Samples that the baseline is not judged by."""
FOUND_SHARE = 0.1
NS = 1e-9
NOTE = (
    "flights: logs of PX4, every signal of them (" + ", ".join(TOPICS) + ") at its own stamps "
    "through a `VectorScorer` of its own, and the times between its samples [ms] through another "
    "one; fused by `Fusion`. Rank of the second about an event's message by its largest total "
    "among all seconds of the log, 1: the most salient; the goal is the first tenth. Beside it the "
    "same by each signal alone, and by the largest of all of a windowed Gaussian. Nothing was "
    "chosen by these logs but the list of signals. The first lasts seven seconds, in which little "
    "can be learned"
)

Values = NDArray[np.float64]
Stamps = NDArray[np.int64]


@dataclass(frozen=True)
class Flight:
    """A flight log.

    Attributes:
        name: of its file.
        signals: stamps int64 [T] in ns and values float64 [T, n], by name.
        events: what was reported, and when [ns].
    """

    name: str
    signals: Mapping[str, tuple[Stamps, Values]]
    events: tuple[tuple[str, int], ...]

    @property
    def first_ns(self) -> int:
        """Stamp of the first sample."""
        return min(int(stamps[0]) for stamps, _ in self.signals.values())

    @property
    def length_s(self) -> float:
        """Time from the first sample to the last [s]."""
        last_ns = max(int(stamps[-1]) for stamps, _ in self.signals.values())
        return (last_ns - self.first_ns) * NS


@dataclass(frozen=True)
class Scores:
    """What a detector says of a log.

    Attributes:
        stamps_ns: int64 [T].
        values: float64 [T].
    """

    stamps_ns: Stamps
    values: Values

    def rank(self, stamp_ns: int) -> int:
        """Of the second about a stamp among all by their largest score; 1: larger than any other.

        Seconds without a sample are none; of equal ones the last rank counts.
        """
        seconds = (self.stamps_ns - stamp_ns + 10**9 // 2) // 10**9
        largest = {0: 0.0}
        for second, value in zip(seconds.tolist(), self.values.tolist(), strict=True):
            largest[second] = max(largest.get(second, 0.0), value)
        return sum(value >= largest[0] for value in largest.values())


def rows(setting: Setting) -> Figures:
    """Rank of the second of each event, by fused salience and by each signal alone.

    Raises:
        FileNotFoundError: a log is not there, or `pyulog` of requirements/bench.in.
    """
    if find_spec("pyulog") is None:
        raise FileNotFoundError(
            "pyulog: not installed; `make bench` installs requirements/bench.in"
        )
    made: list[Row] = []
    for path, words in LOGS.items():
        made += _ranks(read(setting.file(path), words))
    return Figures(tuple(made), (NOTE,))


def read(path: Path, words: tuple[str, ...]) -> Flight:
    """The signals of a log, and its messages that have one of some words."""
    from pyulog import ULog

    log = ULog(str(path))
    topics = {item.name: item.data for item in log.data_list if item.multi_id == 0}
    signals: dict[str, tuple[Stamps, Values]] = {}
    for name, (topic, *columns) in TOPICS.items():
        if topic not in topics:
            continue
        stamps = topics[topic]["timestamp"].astype(np.int64) * 1000
        values = np.stack([topics[topic][column] for column in columns], axis=1).astype(np.float64)
        good = np.r_[True, np.diff(stamps) > 0] & np.isfinite(values).all(axis=1)
        stamps, values = stamps[good], values[good]
        signals[name] = stamps, values
        signals[f"{name}, pauses"] = stamps[1:], np.diff(stamps)[:, None] * 1e-6
    events = tuple(
        (word, message.timestamp * 1000)
        for message in log.logged_messages
        for word in words
        if word in message.message
    )
    return Flight(path.stem, signals, events)


def fused(flight: Flight) -> dict[str, Scores]:
    """Salience, fused and of each signal."""
    fusion = Fusion(tuple(flight.signals))
    scorers = {name: VectorScorer(name) for name in flight.signals}
    order = sorted(
        (int(stamp), name, index)
        for name, (stamps, _) in flight.signals.items()
        for index, stamp in enumerate(stamps)
    )
    totals = np.zeros(len(order))
    each = {name: np.zeros(len(stamps)) for name, (stamps, _) in flight.signals.items()}
    for place, (stamp_ns, name, index) in enumerate(order):
        scored = scorers[name].score(stamp_ns, flight.signals[name][1][index])
        each[name][index] = scored.total
        totals[place] = fusion.fuse(modal(scored)).total
    alone = {name: Scores(flight.signals[name][0], scores) for name, scores in each.items()}
    return {FUSED: Scores(np.array([stamp for stamp, *_ in order]), totals), **alone}


def largest_deviation(flight: Flight) -> Scores:
    """The distance of each sample of any signal from its mean, in its standard deviations."""
    stamps = [stamps for stamps, _ in flight.signals.values()]
    scores = [windowed_gaussian(values, WARM_UP) for _, values in flight.signals.values()]
    return Scores(np.concatenate(stamps), np.concatenate(scores))


def _ranks(flight: Flight) -> list[Row]:
    beside = {**fused(flight), "windowed Gaussian, largest": largest_deviation(flight)}
    ours = beside.pop(FUSED)
    title = f"rank among {flight.length_s:.0f} seconds of {flight.name}"
    return [
        Row(
            f"{title}: {said} at {(stamp_ns - flight.first_ns) * NS:.1f} s",
            float(ours.rank(stamp_ns)), "", max(1.0, round(FOUND_SHARE * flight.length_s)),
            baselines={name: float(scores.rank(stamp_ns)) for name, scores in beside.items()},
        )
        for said, stamp_ns in flight.events
    ]  # fmt: skip
