"""Recording of salient moments: what gets into the bag, what is said of it, and what it costs."""

from __future__ import annotations

from pathlib import Path

import pytest
from lockstep_replay import replay
from mcap.reader import make_reader
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Imu
from small_bag import CAMERA, MICROPHONE_INFO, small_bag

from sage.bags.metadata import QOS_BY_PROFILE, OfferedQos
from sage.bags.reader import open_bag
from sage.bags.salient_summary import in_lines, notes, salient_summary
from sage.bags.salient_writer import MOMENT, SalientWriter
from sage.bags.writer import BagWriter
from sage_common.core.clock import NS_PER_S
from sage_msgs.msg import FusedSalience, MetabolicState

IMU, FUSED, STATE, BUDGET = "/sage/imu/body/data", "/sage/salience", "/sage/state", "/sage/budget"
TYPES = {
    IMU: ("sensor_msgs/msg/Imu", "sensor"),
    FUSED: ("sage_msgs/msg/FusedSalience", "standard"),
    STATE: ("sage_msgs/msg/MetabolicState", "latched"),
    BUDGET: ("sage_msgs/msg/BudgetState", "latched"),
}
BEGIN_S = 1_000.0
PERIOD_S = 0.1


def types(name: str) -> tuple[str, OfferedQos]:
    type_name, qos = TYPES[name]
    return type_name, QOS_BY_PROFILE[qos]


class Stream:
    """A robot's messages, ten a second on the IMU, with salience where the test wants it."""

    def __init__(self, folder: Path, most_bytes: int = 1_000_000) -> None:
        self.bag = BagWriter(folder)
        before_ns, after_ns = 2 * NS_PER_S, NS_PER_S
        self.writer = SalientWriter(self.bag, FUSED, 60.0, before_ns, after_ns, most_bytes)
        for name in TYPES:
            self.writer.add_topic(name, *types(name))
        self.tick = 0

    def run(self, seconds: float, per_hour: float = 3600.0, reason: str = "") -> None:
        """So long, ending with salience of this many false alarms an hour."""
        for _ in range(round(seconds / PERIOD_S)):
            self.tick += 1
            self.write(IMU, serialize_message(Imu()))
        fused = FusedSalience(alarms_per_hour=per_hour, reason=reason)
        fused.dominant_modality = "audio"
        self.write(FUSED, serialize_message(fused))

    def write(self, name: str, data: bytes) -> None:
        self.writer.write(name, round((BEGIN_S + self.tick * PERIOD_S) * NS_PER_S), data)

    def close(self) -> list[float]:
        """When the IMU's messages in the bag came [s], from the beginning."""
        self.writer.close()
        self.bag.close()
        messages = open_bag(self.bag.folder).messages([IMU])
        return [round(m.time_ns / NS_PER_S - BEGIN_S, 1) for m in messages]


def ticks(start_s: float, end_s: float) -> list[float]:
    first, last = round(start_s / PERIOD_S), round(end_s / PERIOD_S)
    return [round(tick * PERIOD_S, 1) for tick in range(first, last + 1)]


def spans(stream: Stream) -> list[tuple[float, float]]:
    return [
        (m.start_ns / NS_PER_S - BEGIN_S, m.end_ns / NS_PER_S - BEGIN_S)
        for m in stream.writer.moments
    ]


def test_what_comes_before_and_after_is_in_the_bag_and_nothing_else(tmp_path: Path) -> None:
    stream = Stream(tmp_path / "bag")
    stream.run(10.0, 60.0, reason="audio: a bang")
    stream.run(10.0)
    assert stream.close() == ticks(8.0, 11.0)
    assert spans(stream) == [(8.0, 11.0)]
    summary = salient_summary(stream.writer)
    assert 0.1 < summary["share_of_bytes"] < 0.25
    counted, stood_out = in_lines(summary)
    assert counted.startswith("1 moment, ") and "audio: a bang" in stood_out
    assert notes(stream.writer) == []


def test_what_comes_more_often_than_asked_is_not_salient_nor_is_what_nobody_rated(
    tmp_path: Path,
) -> None:
    stream = Stream(tmp_path / "bag")
    stream.run(10.0, 0.0)
    stream.run(10.0, 61.0)
    assert stream.close() == [] and stream.writer.moments == []
    assert in_lines(salient_summary(stream.writer))[0].startswith("0 moments, 0.0% of")


@pytest.mark.parametrize(("gap_s", "count"), [(0.5, 1), (2.9, 1), (3.2, 2)])
def test_moments_that_touch_are_one(tmp_path: Path, gap_s: float, count: int) -> None:
    stream = Stream(tmp_path / "bag")
    stream.run(10.0, 50.0, reason="first")
    stream.run(gap_s, 5.0, reason="second")
    stream.run(10.0)
    found = stream.close()
    assert len(stream.writer.moments) == count
    assert len(found) == len(set(found))
    assert set(ticks(8.0, 11.0) + ticks(8.0 + gap_s, 11.0 + gap_s)) == set(found)
    last = stream.writer.moments[-1]
    assert (last.alarms_per_hour, last.reason) == (5.0, "second")


def test_the_reason_of_each_moment_is_in_the_file(tmp_path: Path) -> None:
    stream = Stream(tmp_path / "bag")
    for reason in ("audio: a bang", "audio: a dog"):
        stream.run(10.0, 6.0, reason=reason)
    stream.close()
    with stream.bag.path.open("rb") as file:
        records = [r for r in make_reader(file).iter_metadata() if r.name == MOMENT]
    assert [r.metadata["reason"] for r in records] == ["audio: a bang", "audio: a dog"]
    assert [r.metadata["modality"] for r in records] == ["audio", "audio"]
    times = [(int(r.metadata["start_ns"]), int(r.metadata["end_ns"])) for r in records]
    assert times == [(m.start_ns, m.end_ns) for m in stream.writer.moments]


def test_latched_topics_are_always_in_it_but_those_that_come_at_a_rate(tmp_path: Path) -> None:
    stream = Stream(tmp_path / "bag")
    stream.write(STATE, serialize_message(MetabolicState()))
    stream.write(BUDGET, b"\0\1\0\0")
    stream.run(10.0)
    stream.close()
    counts = {name: topic.count for name, topic in open_bag(tmp_path / "bag").topics.items()}
    assert (counts[STATE], counts[BUDGET], counts[IMU]) == (1, 0, 0)


def test_a_bag_of_moments_is_replayed(tmp_path: Path) -> None:
    whole = open_bag(small_bag(tmp_path / "whole"))
    writer = SalientWriter(
        bag := BagWriter(tmp_path / "bag"), FUSED, 60.0, NS_PER_S // 2, NS_PER_S // 10, 1_000_000
    )
    writer.add_topic(FUSED, *types(FUSED))
    for topic in whole.topics.values():
        assert topic.qos is not None
        writer.add_topic(topic.name, topic.type_name, topic.qos)
    for message in whole.messages():
        writer.write(message.topic, message.time_ns, message.data)
    writer.write(FUSED, whole.end_ns, serialize_message(FusedSalience(alarms_per_hour=1.0)))
    writer.close()
    bag.close()
    found = open_bag(tmp_path / "bag")
    assert found.topics[MICROPHONE_INFO].count == 1 and found.topics[CAMERA].count == 15
    summary = replay(str(tmp_path / "bag"))
    assert summary["messages"]["/sage/vision/puzzle"] == 15


def test_the_oldest_make_room_where_memory_is_short_and_it_is_said(tmp_path: Path) -> None:
    half_a_second = 5 * (len(serialize_message(Imu())) + 200)
    stream = Stream(tmp_path / "bag", half_a_second)
    stream.run(10.0, 6.0)
    stream.run(10.0, 6.0)
    found = stream.close()
    assert found == ticks(9.6, 11.0) + ticks(19.6, 20.0)
    assert [m.missing_ns / NS_PER_S for m in stream.writer.moments] == pytest.approx([1.5, 1.5])
    (note,) = notes(stream.writer)
    assert note.startswith("2 of 2 moments lack up to 1.5 s")


def test_a_clock_that_is_set_back_ends_a_moment(tmp_path: Path) -> None:
    stream = Stream(tmp_path / "bag")
    stream.run(10.0, 6.0)
    stream.tick = -36_000
    stream.run(10.0)
    assert stream.close() == ticks(8.0, 10.0)
    assert spans(stream) == [(8.0, 10.0)]


def test_salience_of_another_version_is_counted(tmp_path: Path) -> None:
    stream = Stream(tmp_path / "bag")
    stream.write(FUSED, b"\0\1\0\0")
    assert stream.close() == []
    assert notes(stream.writer)[0].startswith("1 messages of fused salience")
