import csv
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_encoders.core import body_layout as layout
from sage_encoders.core.joints import Joints, assignments, part_of
from sage_encoders.core.proprioception import ProprioceptionEncoder
from sage_encoders.core.tilt import GRAVITY, TiltFilter, euler

START_NS = 10**18
Motion = Callable[[float, np.random.Generator], tuple[list[float], list[float]]]


def rest(_: float, rng: np.random.Generator) -> tuple[list[float], list[float]]:
    return rng.normal(0, 0.01, 3).tolist(), [*rng.normal(0, 0.05, 2), GRAVITY]


def walk(time_s: float, _: np.random.Generator) -> tuple[list[float], list[float]]:
    rate = [0.5 * math.sin(11 * time_s), 0.3 * math.cos(6 * time_s), 0.2]
    return rate, [math.sin(6 * time_s), 0.5, GRAVITY + 3 * math.sin(12 * time_s)]


def knock(time_s: float, rng: np.random.Generator) -> tuple[list[float], list[float]]:
    rate, force = rest(time_s, rng)
    return rate, [force[0] + (30.0 if 2.95 < time_s < 2.98 else 0.0), *force[1:]]


def feel(motion: Motion, seed: int = 0, seconds: float = 3.0) -> ProprioceptionEncoder:
    encoder, rng = ProprioceptionEncoder("body", Joints()), np.random.default_rng(seed)
    for index in range(int(seconds * 100)):
        rate, force = motion(index / 100, rng)
        encoder.add_imu(START_NS + index * 10_000_000, rate, force, None)
        if index % 5 == 4 and index < seconds * 100 - 1:
            encoder.percept()
    return encoder


def embedding(motion: Motion, seed: int = 0) -> np.ndarray:
    encoder, rng = ProprioceptionEncoder("body", Joints()), np.random.default_rng(seed)
    for index in range(300):
        encoder.add_imu(START_NS + index * 10_000_000, *motion(index / 100, rng), None)
    percept = encoder.percept()
    assert percept is not None
    return percept.embedding


def test_rest_walking_and_a_knock_differ_but_rest_is_rest() -> None:
    vectors = np.stack([embedding(motion) for motion in (rest, walk, knock)])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    similarity = vectors @ vectors.T
    assert similarity[~np.eye(3, dtype=bool)].max() < 0.8
    assert embedding(rest, 0) @ embedding(rest, 1) > 0.99


def summary(motion: Motion, seconds: float = 3.0) -> list[float]:
    percept = feel(motion, seconds=seconds).percept()
    assert percept is not None
    assert np.linalg.norm(percept.embedding) == pytest.approx(1.0, abs=1e-5)
    return percept.embedding[-3:].tolist()


def test_the_last_numbers_sum_up_turning_swaying_and_knocks() -> None:
    def turn(side: float) -> Motion:
        def moving(time_s: float, rng: np.random.Generator) -> tuple[list[float], list[float]]:
            # Lying on its side: the vertical is its x axis.
            return [side, *rng.normal(0, 0.01, 2)], [GRAVITY, *rng.normal(0, 0.05, 2)]

        return moving

    def sway(time_s: float, _: np.random.Generator) -> tuple[list[float], list[float]]:
        return [math.sin(40 * time_s), 0.0, 0.0], [0.0, 0.0, GRAVITY]

    calm, left, right = summary(rest), summary(turn(0.5)), summary(turn(-0.5))
    assert abs(calm[0]) < 0.01
    assert left[0] > 0.05 and right[0] == pytest.approx(-left[0], abs=0.002)
    assert summary(sway)[1] > 4.0 * calm[1] and abs(summary(sway)[0]) < 0.02
    assert summary(knock, 2.99)[2] > 1.5 * calm[2]
    assert summary(knock, 3.2)[2] == pytest.approx(calm[2], abs=0.03), "0.2 s later it is past"


def test_joints_alone_have_an_empty_summary() -> None:
    encoder = ProprioceptionEncoder("body", Joints())
    encoder.add_joints(START_NS, ["left_knee"], [0.1], [], [])
    percept = encoder.percept()
    assert percept is not None
    assert not percept.embedding[-3:].any()


def test_imu_alone_fills_the_torso_and_predicts() -> None:
    encoder = feel(walk)
    encoder.add_imu(START_NS + 3_000_000_000, [0.1, 0.2, 0.3], [0.0, 0.0, GRAVITY], None)
    percept = encoder.percept()
    assert percept is not None
    past, now, ahead = layout.decode_body(percept.codes)
    torso = layout.TORSO
    for body in (past, now, ahead):
        assert np.isnan(np.delete(body, torso, axis=0)).all()
        assert not np.isnan(body[torso, [0, 1, 3, 4, 5, 6, 7, 8]]).any()
        assert np.isnan(body[torso, layout.YAW])
    assert abs(now[torso, 8] - GRAVITY) < 4


def test_orientation_goes_on_with_its_rate() -> None:
    encoder = ProprioceptionEncoder("body", Joints())
    for index in range(80):
        angle = 0.5 * index / 100
        turn = (0.0, 0.0, math.sin(angle / 2), math.cos(angle / 2))
        encoder.add_imu(START_NS + index * 10_000_000, [0, 0, 0.5], [0, 0, GRAVITY], turn)
        percept = encoder.percept()
    assert percept is not None
    past, now, ahead = layout.decode_body(percept.codes)[:, layout.TORSO, layout.YAW]
    step = layout.STEP * math.pi
    assert now == pytest.approx(0.395, abs=step / 2)
    assert past == pytest.approx(0.145, abs=step / 2)
    assert ahead == pytest.approx(0.495, abs=step / 2)


def test_joints_alone() -> None:
    encoder = ProprioceptionEncoder("body", Joints())
    for index in range(20):
        names = ["left_knee", "right_knee", "gripper", "head_pan"]
        encoder.add_joints(
            START_NS + index * 50_000_000, names, [0.1, -0.2, 0.5, 1.0], [1.0, 0.0, 0.0, 0.0], []
        )
        percept = encoder.percept()
    assert percept is not None
    _, now, ahead = layout.decode_body(percept.codes)
    lower, effectors, head = (layout.PARTS.index(p) for p in ("lower", "effectors", "head"))
    step = layout.STEP * math.pi
    assert now[lower, 0] == pytest.approx(0.1, abs=step / 2)
    assert now[lower, 3] == pytest.approx(-0.2, abs=step / 2)
    assert now[effectors, 0] == pytest.approx(0.5, abs=step / 2)
    assert now[head, 0] == pytest.approx(1.0, abs=step / 2)
    assert np.isnan(now[:, 2]).all(), "efforts were not sent"
    assert ahead[lower, 0] == pytest.approx(0.3, abs=step / 2), "moves on with its velocity"
    assert np.isnan(now[layout.TORSO]).all()
    assert np.linalg.norm(percept.embedding) == pytest.approx(1.0, abs=1e-5)


def test_more_joints_than_slots_share_them() -> None:
    joints = Joints()
    names = [f"leg_{index}" for index in range(8)]
    joints.update(names, [float(index) for index in range(8)], [], [])
    body = layout.absent()
    joints.fill(body)
    assert body[layout.PARTS.index("lower"), ::3].tolist() == [0.5, 2.5, 4.5, 6.5]


def test_joint_parts_by_name_and_by_assignment() -> None:
    assigned = assignments(["j7=head"])
    parts = [part_of(name, assigned) for name in ("j7", "j8", "l_wrist_roll", "wheel_rear", "neck")]
    assert parts == ["head", "upper", "effectors", "lower", "head"]
    with pytest.raises(InvalidInput, match="joint_parts"):
        assignments(["j7=tail"])


def test_nothing_new_gives_nothing() -> None:
    encoder = ProprioceptionEncoder("body", Joints())
    assert encoder.percept() is None
    encoder.add_imu(START_NS, [0, 0, 0], [0, 0, GRAVITY], None)
    assert encoder.percept() is not None
    assert encoder.percept() is None


def test_refuses_bad_samples() -> None:
    encoder = ProprioceptionEncoder("body", Joints())
    encoder.add_imu(START_NS, [0, 0, 0], [0, 0, GRAVITY], None)
    with pytest.raises(InvalidInput, match="stamp"):
        encoder.add_imu(START_NS, [0, 0, 0], [0, 0, GRAVITY], None)
    with pytest.raises(InvalidInput, match="imu"):
        encoder.add_imu(START_NS + 1, [0, math.nan, 0], [0, 0, GRAVITY], None)
    with pytest.raises(InvalidInput, match="quaternion"):
        encoder.add_imu(START_NS + 1, [0, 0, 0], [0, 0, GRAVITY], (0, 0, 0, 0))
    with pytest.raises(InvalidInput, match="velocity"):
        encoder.add_joints(START_NS, ["knee"], [0.0], [0.0, 1.0], [])
    with pytest.raises(InvalidInput, match="effort"):
        encoder.add_joints(START_NS, ["knee"], [0.0], [], [math.inf])
    encoder.add_imu(START_NS + 1, [0, 0, 0], [0, 0, GRAVITY], None)


@pytest.mark.parametrize("comes_first", ["imu", "joints"])
def test_a_clock_that_is_set_back_starts_anew(comes_first: str) -> None:
    encoder = feel(walk)

    def add(stream: str, stamp_ns: int) -> None:
        if stream == "imu":
            encoder.add_imu(stamp_ns, [0, 0, 0], [0, 0, GRAVITY], None)
        else:
            encoder.add_joints(stamp_ns, ["left_knee"], [0.1], [], [])

    streams = [comes_first, *({"imu", "joints"} - {comes_first})]
    for stream in streams:
        add(stream, START_NS + 3600 * 10**9)
    assert encoder.percept() is not None
    for number, stream in enumerate(streams):
        add(stream, START_NS + number)
        with pytest.raises(InvalidInput, match="stamp"):
            add(stream, START_NS + number)
        percept = encoder.percept()
        assert percept is not None and percept.stamp_ns == START_NS + number


def test_a_gap_starts_anew() -> None:
    encoder = feel(walk)
    encoder.add_imu(START_NS + 60 * 10**9, [0, 0, 0], [0, 0, GRAVITY], None)
    percept = encoder.percept()
    assert percept is not None
    past, now, _ = layout.decode_body(percept.codes)
    assert np.isnan(past).all()
    assert abs(now[layout.TORSO, 8] - GRAVITY) < 2


def test_tilt_follows_a_slow_turn_and_ignores_a_push() -> None:
    tilt = TiltFilter()
    for index in range(400):
        angle = 0.3 * min(index / 200, 1.0)
        rate = (0.3 / 2.0 if index < 200 else 0.0, 0.0, 0.0)
        force = (0.0, GRAVITY * math.sin(angle), GRAVITY * math.cos(angle))
        if 300 <= index < 310:
            force = (30.0, 0.0, GRAVITY)
        roll, pitch = tilt.update(0.01, rate, force)
    assert roll == pytest.approx(0.3, abs=0.02)
    assert pitch == pytest.approx(0.0, abs=0.02)


def test_euler_of_known_turns() -> None:
    half = math.sqrt(0.5)
    assert euler(half, 0, 0, half) == pytest.approx((math.pi / 2, 0, 0))
    assert euler(0, half, 0, half)[1] == pytest.approx(math.pi / 2)
    assert euler(0, 0, half, half) == pytest.approx((0, 0, math.pi / 2))


def test_a_real_walk_varies_and_stays_itself(data: Path) -> None:
    with (data / "video/gopro_max_walk_imu.csv").open(newline="") as stream:
        rows = [[float(cell) for cell in row] for row in list(csv.reader(stream))[1:]]
    encoder, vectors = ProprioceptionEncoder("body", Joints()), []
    for index, row in enumerate(rows):
        encoder.add_imu(START_NS + int(row[0] * 1e9), row[1:4], row[4:7], None)
        if index % 10 == 9:
            percept = encoder.percept()
            assert percept is not None
            vectors.append(percept.embedding)
    similarity = np.stack(vectors[20:]) @ np.stack(vectors[20:]).T
    assert similarity.min() > 0.5 and similarity.min() < 0.99
