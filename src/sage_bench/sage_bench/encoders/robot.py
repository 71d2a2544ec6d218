"""Time that a standard robot message takes to encode, on inputs of a stated size."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import count

import numpy as np

from sage_bench.encoders.section import Figures, Setting
from sage_bench.encoders.timing import Variant, alternating_ms
from sage_bench.result import row_of_samples
from sage_encoders.core.robot.battery import BatteryEncoder, BatterySample
from sage_encoders.core.robot.diagnostics import ERROR, OK, DiagnosticsEncoder, Status
from sage_encoders.core.robot.laser_scan import LaserScanEncoder
from sage_encoders.core.robot.odometry import OdometryEncoder
from sage_encoders.core.robot.point_fields import CloudLayout, PointField
from sage_encoders.core.robot.range_image import PointCloudEncoder

BEAMS, POINTS, PARTS = 1081, 100_000, 100
SCAN_GOAL_MS, CLOUD_GOAL_MS = 2.0, 20.0
POINT_STEP = 32
PERIOD_NS = 100_000_000

Run = Callable[[int], object]


def time_rows(setting: Setting) -> Figures:
    """Percepts of a scan, a cloud and reports of as many beams, points and parts as named here."""
    rng = np.random.default_rng(0)
    runs: dict[str, tuple[Run, float | None]] = {
        f"scan encode, {BEAMS:,} beams, p50": (_scan(rng), SCAN_GOAL_MS),
        f"cloud encode, {POINTS:,} points, p50": (_cloud(rng), CLOUD_GOAL_MS),
        "odometry encode, p50": (_odometry(), None),
        "battery encode, p50": (_battery(), None),
        f"diagnostics encode, {PARTS} parts, p50": (_diagnostics(), None),
    }
    variants = {name: Variant(run) for name, (run, _) in runs.items()}
    taken = alternating_ms(variants, setting.runs, setting.limit_s)
    rows = [row_of_samples(name, taken[name], "ms", goal=goal) for name, (_, goal) in runs.items()]
    return Figures(tuple(rows))


def _scan(rng: np.random.Generator) -> Run:
    encoder, increment = LaserScanEncoder(), math.radians(270.0) / (BEAMS - 1)
    ranges = rng.uniform(0.5, 10.0, BEAMS).astype(np.float32)
    angles = (-math.radians(135.0), increment)
    return lambda number: encoder.encode(number, ranges, angles, (0.05, 30.0))


def _cloud(rng: np.random.Generator) -> Run:
    points = np.zeros((POINTS, POINT_STEP // 4), np.float32)
    points[:, :3] = rng.normal(0.0, 5.0, (POINTS, 3))
    data = np.frombuffer(points.tobytes(), np.uint8)
    fields = tuple(PointField(name, 4 * at, 7, 1) for at, name in enumerate("xyz"))
    layout = CloudLayout(1, POINTS, fields, POINT_STEP, POINTS * POINT_STEP, False)
    encoder = PointCloudEncoder()
    return lambda number: encoder.encode(number, layout.coordinates(data))


def _odometry() -> Run:
    encoder, stamps = OdometryEncoder(), count(PERIOD_NS, PERIOD_NS)
    turn, still = (0.0, 0.0, 0.0, 1.0), (0.0, 0.0, 0.0)

    def run(number: int) -> object:
        encoder.add(next(stamps), (0.1 * number, 0.0, 0.0), turn, still, still)
        return encoder.percept()

    return run


def _battery() -> Run:
    encoder, stamps = BatteryEncoder(), count(PERIOD_NS, PERIOD_NS)

    def run(number: int) -> object:
        encoder.add(next(stamps), BatterySample(12.0 + 0.01 * (number % 7), -2.0, 0.8, 25.0))
        return encoder.percept()

    return run


def _diagnostics() -> Run:
    encoder, stamps = DiagnosticsEncoder(), count(PERIOD_NS, PERIOD_NS)
    reports = [Status(f"/part_{at}", ERROR if at % 20 == 0 else OK, "") for at in range(PARTS)]

    def run(_: int) -> object:
        encoder.add(next(stamps), reports)
        return encoder.percept()

    return run
