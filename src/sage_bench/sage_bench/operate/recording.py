"""What a recording of salient moments keeps of a full one: bytes, and labelled events."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from audio_common_msgs.msg import AudioDataStamped
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Imu
from std_msgs.msg import Header

from sage.bags.metadata import QOS_BY_PROFILE
from sage.bags.salient_writer import SalientWriter
from sage.bags.writer import BagWriter
from sage.commands.graph.record import AFTER_S, BEFORE_S, FALSE_ALARMS_PER_HOUR, MEMORY_MB
from sage_bench.encoders.section import Figures, Setting
from sage_bench.operate.sparse_stream import sparse_streams
from sage_bench.result import Row
from sage_bench.salience.played import chosen_half
from sage_bench.salience.streams.percepts import Percepts, cache_folder, percepts_of, stamp_ns
from sage_bench.salience.streams.schedule import WARM_UP_S
from sage_bench.salience.streams.stream import Moment, Stream, streams
from sage_bench.salience.trace import FUSED, Scores, fuse, score
from sage_common.core.clock import NS_PER_S
from sage_common.ros.conversions.images import rgb_to_compressed
from sage_msgs.msg import FusedSalience
from sage_snarc.core.calibration.false_alarms import FALSE_ALARMS_PER_HOUR as MEMORY_RATE
from sage_snarc.core.calibration.false_alarms import USUAL_PER_HOUR, Salience, rate_of

CAMERA, SOUND, IMU, SALIENCE = "/camera", "/sound", "/imu", "/salience"
TYPES = {
    CAMERA: ("sensor_msgs/msg/CompressedImage", "sensor"),
    SOUND: ("audio_common_msgs/msg/AudioDataStamped", "sensor"),
    IMU: ("sensor_msgs/msg/Imu", "sensor"),
    SALIENCE: ("sage_msgs/msg/FusedSalience", "standard"),
}
RATES = (FALSE_ALARMS_PER_HOUR, MEMORY_RATE)
"""Of sage record, and of everything else [1/h]."""
SHIFTS = 200
SEED = 0
Span = tuple[float, float]
Streams = Callable[[str, Path, bool], Sequence[Stream]]
KINDS: dict[str, Streams] = {
    "an event a minute": sparse_streams,
    "an event every 8 s": streams,
}
"""Streams by how often something happens in them, in words."""


@dataclass(frozen=True)
class Kept:
    """What a recording holds of one stream.

    Attributes:
        spans: that are in it [s], in order.
        salient_bytes, full_bytes: of its file, and of one of everything.
        length_s: of the stream, without its beginning.
        events: from onset to end [s].
        rarest_per_hour: of each event, the rarest salience from `AFTER_S` before it to `BEFORE_S`
            after it [1/h].
    """

    spans: tuple[Span, ...]
    salient_bytes: int
    full_bytes: int
    length_s: float
    events: tuple[Span, ...]
    rarest_per_hour: tuple[float, ...] = ()

    @property
    def lost_per_hour(self) -> list[float]:
        """`rarest_per_hour` of the events that are not whole in it."""
        both = zip(self.events, self.rarest_per_hour, strict=True)
        return [rate for event, rate in both if not _whole([event], self.spans)]

    @property
    def whole_events(self) -> int:
        """Events that are in it from onset to end."""
        return _whole(self.events, self.spans)

    def chance(self) -> float:
        """The same, on average, of the same spans moved together to random times."""
        moves_s = np.random.default_rng(SEED).uniform(0.0, self.length_s, SHIFTS)
        return float(np.mean([_whole(self.events, self._moved(by_s)) for by_s in moves_s]))

    def _moved(self, by_s: float) -> list[Span]:
        """The spans later by so much; what leaves the end comes in at the beginning."""
        moved = [(first_s + by_s, last_s + by_s) for first_s, last_s in self.spans]
        return [*moved, *((first - self.length_s, last - self.length_s) for first, last in moved)]


def rows(setting: Setting) -> Figures:
    """Share of the bytes of a full bag, and of the events that are whole in it."""
    half = chosen_half(setting.quick)
    made: list[Row] = []
    seen = []
    for kind, streams_of in KINDS.items():
        chosen = streams_of(half, setting.data, setting.quick)
        recordings = [recorded(stream, setting) for stream in chosen]
        for rate in RATES:
            goal = 1.0 if rate == FALSE_ALARMS_PER_HOUR else None
            title = f"{rate:g} false alarms an hour, {kind}"
            made += rows_of(title, [kept[rate] for kept in recordings], goal)
            lost = sorted(lost for kept in recordings for lost in kept[rate].lost_per_hour)
            if goal is not None and lost:
                rarest = ", ".join(f"{per_hour:.0f}" for per_hour in lost)
                seen.append(
                    f"not whole, {kind}: events whose salience was no rarer than {rarest} an hour"
                )
        minutes = sum(kept[RATES[0]].length_s for kept in recordings) / 60.0
        seen.append(f"{minutes:.3g} min with {kind}")
    return Figures(tuple(made), (_circumstances(half, seen),))


def recorded(stream: Stream, setting: Setting) -> dict[float, Kept]:
    """A stream through encoders, scorers and fusion into bags, a complete one and one a rate."""
    percepts = percepts_of(stream, setting.models, cache_folder())
    totals = fuse(score(percepts)).scores[FUSED]
    with tempfile.TemporaryDirectory(prefix="sage_bench_") as folder:
        full = BagWriter(Path(folder, "full"))
        bags = {rate: BagWriter(Path(folder, f"{rate:g}")) for rate in RATES}
        writers = {rate: salient_writer(bag, rate) for rate, bag in bags.items()}
        for name, (type_name, qos) in TYPES.items():
            for each in (full, *writers.values()):
                each.add_topic(name, type_name, QOS_BY_PROFILE[qos])
        for name, time_ns, data in _messages(stream, totals):
            for each in (full, *writers.values()):
                each.write(name, time_ns, data)
        for closed in (*writers.values(), full, *bags.values()):
            closed.close()
        full_bytes = full.path.stat().st_size
        sizes = {rate: bag.path.stat().st_size for rate, bag in bags.items()}
    length_s, events = stream.length_s - WARM_UP_S, _events(percepts)
    rarest = tuple(_rarest_per_hour(stream, totals, event) for event in events)
    return {
        rate: Kept(_spans(writer), sizes[rate], full_bytes, length_s, events, rarest)
        for rate, writer in writers.items()
    }


def _rarest_per_hour(stream: Stream, totals: Scores, event: Span) -> float:
    first_s, last_s = event[0] - AFTER_S + WARM_UP_S, event[1] + BEFORE_S + WARM_UP_S
    times_s = np.linspace(0.0, stream.length_s, len(totals) + 1)[1:]
    near = [
        _per_hour(t) for t, at_s in zip(totals, times_s, strict=True) if first_s < at_s < last_s
    ]
    return min(near)


def _per_hour(total: float) -> float:
    return rate_of(Salience().rarity(float(total)), USUAL_PER_HOUR)


def salient_writer(bag: BagWriter, false_alarms_per_hour: float) -> SalientWriter:
    """As `sage record --salient` makes it."""
    before_ns, after_ns = round(BEFORE_S * NS_PER_S), round(AFTER_S * NS_PER_S)
    most_bytes = round(MEMORY_MB * 1e6)
    return SalientWriter(bag, SALIENCE, false_alarms_per_hour, before_ns, after_ns, most_bytes)


def _spans(writer: SalientWriter) -> tuple[Span, ...]:
    begin_ns = stamp_ns(WARM_UP_S)
    return tuple(
        ((moment.start_ns - begin_ns) / 1e9, (moment.end_ns - begin_ns) / 1e9)
        for moment in writer.moments
    )


def _messages(stream: Stream, totals: Scores) -> Iterator[tuple[str, int, bytes]]:
    """What a robot's sensors and fusion send, without the first half minute."""
    for moment, total in zip(stream.moments(), totals, strict=True):
        if moment.time_s <= WARM_UP_S:
            continue
        now_ns = stamp_ns(moment.time_s)
        for index, name, data in _sensed(moment):
            yield name, now_ns - index * NS_PER_S // 100, data
        fused = FusedSalience(total=float(total), alarms_per_hour=_per_hour(total))
        yield SALIENCE, now_ns, serialize_message(fused)


def _sensed(moment: Moment) -> Iterator[tuple[int, str, bytes]]:
    """Messages of a tick, each with how many hundredths of a second before its end it came."""
    for index, (force, rate) in enumerate(zip(moment.acceleration, moment.rotation, strict=True)):
        message = Imu()
        for vector, values in (
            (message.linear_acceleration, force),
            (message.angular_velocity, rate),
        ):
            vector.x, vector.y, vector.z = map(float, values)
        yield len(moment.acceleration) - 1 - index, IMU, serialize_message(message)
    sound = AudioDataStamped()
    sound.audio.data = moment.sound.tobytes()
    yield 0, SOUND, serialize_message(sound)
    yield 0, CAMERA, serialize_message(rgb_to_compressed(moment.frame, Header()))


def _events(percepts: Percepts) -> tuple[Span, ...]:
    return tuple((e.onset_s - WARM_UP_S, e.end_s - WARM_UP_S) for e in percepts.events)


def _whole(events: Sequence[Span], spans: Sequence[Span]) -> int:
    return sum(
        any(first <= onset and end <= last for first, last in spans) for onset, end in events
    )


def rows_of(title: str, kept: Sequence[Kept], goal: float | None) -> list[Row]:
    """What was kept of some streams, as they were recorded in one way."""
    events = sum(len(item.events) for item in kept)
    found = sum(item.whole_events for item in kept)
    low, high = _wilson(found, events)
    by_chance = sum(item.chance() for item in kept) / events
    share = sum(item.salient_bytes for item in kept) / sum(item.full_bytes for item in kept)
    needed_s = sum(end - onset + BEFORE_S + AFTER_S for item in kept for onset, end in item.events)
    return [
        Row(
            f"labelled events that are whole in a salient recording, {title}", found / events, "",
            goal, "higher", {"as much at random times": by_chance}, events, low=low, high=high,
        ),
        Row(
            f"bytes of a salient recording over those of a full one, {title}", share, "",
            baselines={"the labelled events alone": needed_s / sum(k.length_s for k in kept)},
            samples=len(kept),
        ),
        Row(
            f"moments an hour that hold no event, {title}",
            sum(_empty(item) for item in kept) / sum(k.length_s for k in kept) * 3600.0, "1/h",
            samples=sum(len(item.spans) for item in kept),
        ),
    ]  # fmt: skip


def _empty(item: Kept) -> int:
    """Moments that touch no event."""
    return sum(
        all(end < first or last < onset for onset, end in item.events) for first, last in item.spans
    )


def _wilson(found: int, of: int) -> Span:
    """Wilson's 95 % interval of a share."""
    z2, share = 1.96**2, found / of
    middle, spread = share + z2 / (2 * of), (share * (1 - share) / of + z2 / (4 * of**2)) ** 0.5
    return (middle - 1.96 * spread) / (1 + z2 / of), (middle + 1.96 * spread) / (1 + z2 / of)


def _circumstances(half: str, seen: Sequence[str]) -> str:
    return (
        f"recording: streams mixed from recordings of the {half} half ({'; '.join(seen)}), the "
        f"first {WARM_UP_S:g} s of each left out; sage record --salient with {BEFORE_S:g} s before "
        f"and {AFTER_S:g} s after, by itself at {FALSE_ALARMS_PER_HOUR:g} false alarms an hour; "
        "camera as JPEG 224x224 and sound ten times a second, IMU at 100 Hz, fused salience "
        "without its parts; MCAP files with Zstandard; intervals: Wilson, 95 %"
    )
