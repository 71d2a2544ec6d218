"""Salience of standard robot messages, from samples through their encoders to the scorer.

The streams are synthetic, by the models in `robot_streams`; one is a real robot's odometry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from robot_streams import (
    START_NS,
    Lidar,
    Motion,
    S,
    Scanner,
    battery_voltage,
    odometry,
)
from rosbags.highlevel import AnyReader

from sage_common.core.puzzle import Percept
from sage_encoders.core.robot.battery import BatteryEncoder, BatterySample
from sage_encoders.core.robot.diagnostics import ERROR, OK, WARN, DiagnosticsEncoder, Status
from sage_encoders.core.robot.laser_scan import LaserScanEncoder
from sage_encoders.core.robot.odometry import OdometryEncoder
from sage_encoders.core.robot.range_image import PointCloudEncoder
from sage_snarc.core.scorer import SalienceResult, Scorer

QUIET = 0.1
EVENT = 0.5
SETTLED = 50
"""Samples after which a scorer knows the stream."""

Stream = Callable[[np.random.Generator, int, int], Iterator[Percept]]
"""Percepts of a stream: noise, how many, and from which one on the event lasts."""


def scans(rng: np.random.Generator, count: int, event: int) -> Iterator[Percept]:
    """A person steps in front of a scanner, 1.5 m ahead."""
    scanner, encoder = Scanner(), LaserScanEncoder()
    for index in range(count):
        people = [(1.5, 0.3)] if index >= event else []
        ranges = scanner.scan(rng, people)
        angles = (scanner.first, scanner.increment)
        yield encoder.encode(START_NS + index * S // 10, ranges, angles, scanner.limits)


def clouds(rng: np.random.Generator, count: int, event: int) -> Iterator[Percept]:
    """A person steps in front of a lidar, 2 m ahead."""
    lidar, encoder = Lidar(), PointCloudEncoder()
    for index in range(count):
        people = [(2.0, 0.3)] if index >= event else []
        yield encoder.encode(START_NS + index * S // 10, lidar.cloud(rng, people).T)


def moves(motions: Iterable[Motion], rate_hz: float = 20.0) -> Iterator[Percept]:
    """What the node encodes of them, so many times a second."""
    encoder, due_ns = OdometryEncoder(), 0
    for motion in motions:
        encoder.add(
            motion.stamp_ns, motion.position, motion.quaternion, motion.linear, motion.angular
        )
        if motion.stamp_ns >= due_ns:
            due_ns = motion.stamp_ns + round(S / rate_hz)
            percept = encoder.percept()
            assert percept is not None
            yield percept


def slips(rng: np.random.Generator, count: int, event: int) -> Iterator[Percept]:
    """The wheels of a robot that drives evenly slip."""
    yield from moves(odometry(rng, count / 16.7, slips_at_s=event / 16.7))


def bumps(rng: np.random.Generator, count: int, event: int) -> Iterator[Percept]:
    """A robot that drives evenly is stopped by something."""
    yield from moves(odometry(rng, count / 16.7, bumps_at_s=event / 16.7))


def sags(rng: np.random.Generator, count: int, event: int) -> Iterator[Percept]:
    """A motor that is blocked draws 25 A instead of 2, and the voltage drops by 1.4 V."""
    encoder = BatteryEncoder()
    for index in range(count):
        charge = 0.8 - 1e-5 * index
        current = (-25.0 if index >= event else -2.0) + rng.normal(0.0, 0.05)
        voltage = battery_voltage(rng, charge, current)
        sample = BatterySample(voltage, current, round(charge, 2), 25.0, status=2, health=1)
        encoder.add(START_NS + index * S, sample)
        percept = encoder.percept()
        assert percept is not None
        yield percept


def faults(rng: np.random.Generator, count: int, event: int) -> Iterator[Percept]:
    """One of forty parts reports an error; another one wavers between OK and WARN all the time."""
    encoder = DiagnosticsEncoder()
    for index in range(count):
        reports = [Status(f"/robot/part_{part}", OK, "") for part in range(40)]
        reports.append(Status("/robot/wifi", WARN if rng.random() < 0.3 else OK, "weak"))
        if index >= event:
            reports[7] = Status("/robot/part_7", ERROR, "over temperature")
        encoder.add(START_NS + index * S, reports)
        percept = encoder.percept()
        assert percept is not None
        yield percept


STREAMS = {
    "scan": scans,
    "cloud": clouds,
    "odometry, slip": slips,
    "odometry, collision": bumps,
    "battery": sags,
    "diagnostics": faults,
}
every_stream = pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)


def scored(percepts: Iterable[Percept]) -> list[SalienceResult]:
    scorer: Scorer | None = None
    results = []
    for percept in percepts:
        scorer = scorer or Scorer(percept.modality)
        results.append(scorer.score(percept))
    return results


def totals(results: Iterable[SalienceResult]) -> np.ndarray:
    return np.array([result.total for result in results])


class Still(np.random.Generator):
    """Noise that is the same every time."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def normal(self, loc: float = 0.0, scale: float = 1.0, size: object = None) -> object:
        return np.zeros(size) if size is not None else 0.0

    def random(self, size: object = None, *_: object, **__: object) -> object:
        return np.ones(size) if size is not None else 1.0


@every_stream
def test_a_constant_stream_falls_below_a_tenth(stream: Stream) -> None:
    results = scored(stream(Still(), 200, 1000))
    assert totals(results)[SETTLED:].max() < QUIET


@every_stream
@pytest.mark.parametrize("seed", [0, 1])
def test_noise_stays_low_and_an_event_stands_out(stream: Stream, seed: int) -> None:
    results = scored(stream(np.random.default_rng(seed), 320, 300))
    quiet, event = totals(results)[SETTLED:295], totals(results)[298:310]
    assert quiet.mean() < 0.05
    assert np.quantile(quiet, 0.95) < 0.3
    assert event.max() > EVENT
    alarms = np.array([result.alarms_per_hour for result in results])
    assert alarms[298:310].min() < 0.1 * np.quantile(alarms[SETTLED:295], 0.01)


def test_what_is_wrong_is_in_the_reason() -> None:
    results = scored(faults(np.random.default_rng(0), 302, 300))
    assert "ERROR of /robot/part_7: over temperature" in results[300].reason


def test_a_place_that_is_seen_again_is_known() -> None:
    rng, scanner, encoder, scorer = np.random.default_rng(0), Scanner(), LaserScanEncoder(), None
    turns = [*np.linspace(0.0, 1.5, 60), *np.linspace(1.5, 0.0, 60)]
    scorer, novelty = Scorer("scan"), []
    for index, turned in enumerate(turns):
        ranges = scanner.scan(rng, turned=turned)
        angles = (scanner.first, scanner.increment)
        percept = encoder.encode(START_NS + index * S // 10, ranges, angles, scanner.limits)
        novelty.append(scorer.score(percept).neighbour_distance)
    assert max(novelty[62:]) < 0.5 * np.median(novelty[2:60])


def husky(bag: Path) -> Iterator[Motion]:
    """Odometry of a real robot, 10 samples a second, of its wheels alone."""
    with AnyReader([bag]) as reader:
        connections = [c for c in reader.connections if c.msgtype == "nav_msgs/msg/Odometry"]
        for connection, _, data in reader.messages(connections):
            message = reader.deserialize(data, connection.msgtype)
            pose, twist, stamp = message.pose.pose, message.twist.twist, message.header.stamp
            place, turn = pose.position, pose.orientation
            yield Motion(
                stamp.sec * S + stamp.nanosec,
                (place.x, place.y, place.z),
                (turn.x, turn.y, turn.z, turn.w),
                (twist.linear.x, twist.linear.y, twist.linear.z),
                (twist.angular.x, twist.angular.y, twist.angular.z),
            )


def test_a_real_robot_is_salient_when_it_starts_or_stops(data: Path) -> None:
    motions = list(husky(data / "bags" / "husky_imu_odom_gps.bag"))
    total = totals(scored(moves(motions)))
    speed = np.array([motion.linear[0] for motion in motions])
    change = np.abs(speed[SETTLED:] - speed[SETTLED - 20 : -20])  # within two seconds
    starts_or_stops, steady = total[SETTLED:][change > 0.4], total[SETTLED:][change < 0.1]
    assert len(starts_or_stops) > 50 and len(steady) > 2000
    assert steady.mean() < 0.05
    assert starts_or_stops.mean() > 5.0 * steady.mean()
