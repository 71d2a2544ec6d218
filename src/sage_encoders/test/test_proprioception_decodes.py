"""What the body felt can be read back from the puzzle, to within one quantisation step."""

import csv
import gzip
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sage_encoders.core import body_layout as layout
from sage_encoders.core.joints import Joints
from sage_encoders.core.proprioception import AHEAD_S, ProprioceptionEncoder
from sage_encoders.core.tilt import GRAVITY, TiltFilter

START_NS = 10**18
TORSO = layout.TORSO
JOINT_NAMES = {
    "head": ("head_pan", "head_tilt"),
    "torso": ("waist",),
    "upper": ("arm_1", "arm_2", "arm_3", "arm_4"),
    "lower": ("left_knee", "right_knee", "wheel"),
    "effectors": ("gripper",),
}
Triple = tuple[float, float, float]


def within(limit: float) -> st.SearchStrategy[float]:
    return st.floats(-limit, limit, allow_nan=False)


RATE, FORCE = within(20.0), within(80.0)
IMU_SAMPLE = st.tuples(RATE, RATE, RATE, FORCE, FORCE, FORCE)
TURN = st.tuples(within(math.pi), within(math.pi / 2 - 0.01), within(math.pi))
JOINT = st.tuples(within(math.pi), within(20.0), within(200.0))
ALL_NAMES = sorted(name for names in JOINT_NAMES.values() for name in names)
# A loaded machine is no reason to fail.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
SOME_JOINTS = st.dictionaries(st.sampled_from(ALL_NAMES), JOINT, min_size=1)


def quaternion(roll: float, pitch: float, yaw: float) -> tuple[float, float, float, float]:
    """Of turns about x, y, z (REP-103), multiplied out."""
    (cr, sr), (cp, sp), (cy, sy) = ((math.cos(a / 2), math.sin(a / 2)) for a in (roll, pitch, yaw))
    return (
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
        cr * cp * cy + sr * sp * sy,
    )


def assert_within_one_step(decoded: np.ndarray, truth: np.ndarray) -> None:
    """Of bodies [5, 12]: the same values known, and each within a step, or both at its limit."""
    assert np.array_equal(np.isnan(decoded), np.isnan(truth))
    known = ~np.isnan(truth)
    off = np.abs(layout.compand(decoded) - layout.compand(truth))[known]
    assert (off <= layout.STEP + 1e-9).all()


def body_of(
    turn: Triple | None, samples: list[tuple[float, ...]], joints: dict[str, Triple]
) -> np.ndarray:
    """The body [5, 12] that was felt, put together from the documented layout."""
    body = np.full((5, 12), np.nan)
    if turn is not None:
        body[TORSO, :3] = turn
    if samples:
        body[TORSO, 3:9] = np.mean(samples, axis=0)
    for row, part in enumerate(("head", "torso", "upper", "lower", "effectors")):
        present = sorted(name for name in JOINT_NAMES[part] if name in joints)
        for place, name in enumerate(present):
            first = 9 if part == "torso" else 3 * place
            body[row, first : first + 3] = joints[name]
    return body


@UNHURRIED
@given(st.lists(IMU_SAMPLE, min_size=1, max_size=8), TURN)
def test_any_imu_alone(samples: list[tuple[float, ...]], turn: Triple) -> None:
    encoder = ProprioceptionEncoder("body", Joints())
    for index, six in enumerate(samples):
        encoder.add_imu(START_NS + index * 5_000_000, six[:3], six[3:], quaternion(*turn))
    percept = encoder.percept()
    assert percept is not None
    past, now, _ = layout.decode_body(percept.codes)
    assert np.isnan(past).all()
    assert_within_one_step(now, body_of(seen_turn(turn, now), samples, {}))


@UNHURRIED
@given(st.lists(IMU_SAMPLE, min_size=1, max_size=4), TURN, SOME_JOINTS)
def test_any_imu_with_joints(
    samples: list[tuple[float, ...]], turn: Triple, joints: dict[str, Triple]
) -> None:
    encoder = ProprioceptionEncoder("body", Joints())
    for index, six in enumerate(samples):
        encoder.add_imu(START_NS + index * 5_000_000, six[:3], six[3:], quaternion(*turn))
    position, velocity, effort = zip(*joints.values(), strict=True)
    encoder.add_joints(START_NS, list(joints), position, velocity, effort)
    percept = encoder.percept()
    assert percept is not None
    now = layout.decode_body(percept.codes)[1]
    assert_within_one_step(now, body_of(seen_turn(turn, now), samples, joints))


def seen_turn(turn: Triple, now: np.ndarray) -> Triple:
    """The turn, with half turns to the side that was decoded: both sides are the same."""
    roll, pitch, yaw = (
        math.copysign(angle, seen) if abs(angle) > math.pi - 1e-6 else angle
        for angle, seen in zip(turn, now[TORSO, :3], strict=True)
    )
    return roll, pitch, yaw


@UNHURRIED
@given(SOME_JOINTS)
def test_any_joints_alone(joints: dict[str, Triple]) -> None:
    encoder = ProprioceptionEncoder("body", Joints())
    position, velocity, effort = zip(*joints.values(), strict=True)
    encoder.add_joints(START_NS, list(joints), position, velocity, effort)
    percept = encoder.percept()
    assert percept is not None
    assert_within_one_step(layout.decode_body(percept.codes)[1], body_of(None, [], joints))


def walk(data: Path) -> Iterator[tuple[float, ...]]:
    """Time [s], rates [rad/s], specific force [m/s^2] of the recorded walk."""
    with (data / "video/gopro_max_walk_imu.csv").open(newline="") as stream:
        yield from (tuple(map(float, row)) for row in list(csv.reader(stream))[1:])


def hand(data: Path) -> Iterator[tuple[float, ...]]:
    """Of a sensor turned by hand."""
    with (data / "imu/fusion_sensor_data.csv").open(newline="") as stream:
        for row in list(csv.reader(stream))[1:4001]:
            time_s, *six = map(float, row[:7])
            yield (time_s, *np.radians(six[:3]), *(GRAVITY * np.array(six[3:])))


def flight(data: Path) -> Iterator[tuple[float, ...]]:
    """Of a flying vehicle."""
    with gzip.open(data / "imu/euroc_v101_imu.csv.gz", "rt", newline="") as stream:
        rows = [row for row in csv.reader(stream) if not row[0].startswith("#")][4000:10000]
    for row in rows:
        yield ((int(row[0]) - int(rows[0][0])) / 1e9, *map(float, row[1:7]))


@dataclass
class Followed:
    """A recording goes through the encoder; what it must say is worked out beside it."""

    with_joints: bool
    encoder: ProprioceptionEncoder = field(
        default_factory=lambda: ProprioceptionEncoder("body", Joints())
    )
    tilt: TiltFilter = field(default_factory=TiltFilter)
    bodies: list[tuple[int, np.ndarray]] = field(default_factory=list)
    checked_ahead: int = 0

    def follow(self, rows: Iterator[tuple[float, ...]]) -> int:
        """Feed all rows, with a percept every tenth: how many percepts were compared."""
        last_ns, recent, compared = 0, [], 0
        for index, (time_s, *six) in enumerate(rows):
            stamp_ns = START_NS + round(time_s * 1e9)
            interval_s = (stamp_ns - last_ns) / 1e9 if last_ns else 0.0
            orientation = self.tilt.update(interval_s, tuple(six[:3]), tuple(six[3:]))
            self.encoder.add_imu(stamp_ns, six[:3], six[3:], None)
            last_ns = stamp_ns
            recent.append(tuple(six))
            if index % 10 == 9:
                self._compare(
                    stamp_ns, body_of((*orientation, math.nan), recent, self._move(time_s))
                )
                recent, compared = [], compared + 1
        return compared

    def _move(self, time_s: float) -> dict[str, Triple]:
        if not self.with_joints:
            return {}
        swing = {
            name: (math.sin(time_s + at), math.cos(time_s + at), 20.0 * math.sin(at))
            for at, name in enumerate(ALL_NAMES)
        }
        position, velocity, effort = zip(*swing.values(), strict=True)
        stamp_ns = START_NS + round(time_s * 1e9)
        self.encoder.add_joints(stamp_ns, list(swing), position, velocity, effort)
        return swing

    def _compare(self, stamp_ns: int, body: np.ndarray) -> None:
        percept = self.encoder.percept()
        assert percept is not None and percept.stamp_ns == stamp_ns
        past, now, ahead = layout.decode_body(percept.codes)
        assert_within_one_step(now, body)
        older = [pair for pair in self.bodies if stamp_ns - pair[0] >= 500_000_000]
        before_ns, before = older[-1] if older else (0, np.full((5, 12), np.nan))
        assert_within_one_step(past, before)
        if older:
            expected = _continued(body, before, (stamp_ns - before_ns) / 1e9)
            assert_within_one_step(ahead, expected)
            self.checked_ahead += 1
        self.bodies.append((stamp_ns, body))


def _continued(body: np.ndarray, before: np.ndarray, lag_s: float) -> np.ndarray:
    """0.2 s ahead: angles by their rates, positions by their velocities, the rest by its trend."""
    ahead = body + (body - before) * AHEAD_S / lag_s
    for part in range(5):
        for slot in (9,) if part == TORSO else (0, 3, 6, 9):
            ahead[part, slot] = body[part, slot] + AHEAD_S * body[part, slot + 1]
    ahead[TORSO, :3] = body[TORSO, :3] + AHEAD_S * body[TORSO, 3:6]
    ahead[TORSO, layout.ROLL] = math.remainder(ahead[TORSO, layout.ROLL], 2 * math.pi)
    return ahead


@pytest.mark.parametrize("with_joints", [False, True], ids=["imu alone", "with joints"])
@pytest.mark.parametrize("recording", [walk, hand, flight])
def test_real_recordings(data: Path, recording: object, with_joints: bool) -> None:
    followed = Followed(with_joints)
    assert followed.follow(recording(data)) > 150  # type: ignore[operator]
    assert followed.checked_ahead > 100
