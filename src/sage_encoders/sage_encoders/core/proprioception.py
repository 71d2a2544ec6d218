"""How the body moves, as a puzzle by fixed layout and an embedding of the physical values."""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_common.core.ring import RingBuffer
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_encoders.core import body_layout as layout
from sage_encoders.core.joints import Joints
from sage_encoders.core.motion import (
    MOTION_NUMBERS,
    WINDOW_S,
    motion_features,
    motion_summary,
)
from sage_encoders.core.tilt import TiltFilter, euler

NS_PER_S = 1_000_000_000
PAST_S, AHEAD_S = 0.5, 0.2
GAP_S = 1.0
CAPACITY = 1024
JOINT_WEIGHT = 0.5
SUMMARY_WEIGHT = 0.2
VERSION = "2"


def _encoder_id() -> str:
    """There are no weights; the hash is that of the numbers which define codes and embedding."""
    weights = [layout.STEP, JOINT_WEIGHT, SUMMARY_WEIGHT]
    numbers = np.concatenate((layout.LIMITS.ravel(), weights, MOTION_NUMBERS))
    return f"sage-proprioception-{VERSION}@{hashlib.sha256(numbers.tobytes()).hexdigest()[:12]}"


ENCODER_ID = _encoder_id()


class ProprioceptionEncoder(Stateful):
    """Collects IMU and joint samples; `percept` encodes what they say.

    Args:
        source: name of the IMU.
        joints: newest joint values; empty for a body without joints.
    """

    _joints: State[Joints]
    _tilt: State[TiltFilter]
    _samples: State[RingBuffer]
    _stamps: State[RingBuffer]
    _orientation: State[tuple[float, float, float]]
    _imu_stamp_ns: State[int] = -1
    _joint_stamp_ns: State[int] = -1
    _percept_stamp_ns: State[int] = -1
    _since_percept: State[int] = 0
    _past: State[deque[tuple[int, layout.Values]]]

    def __init__(self, source: str, joints: Joints) -> None:
        self._source, self._joints = source, joints
        self._tilt = TiltFilter()
        self._samples = RingBuffer(CAPACITY, (6,), np.float64)
        self._stamps = RingBuffer(CAPACITY, (), np.int64)
        self._orientation = (math.nan, math.nan, math.nan)
        self._past = deque()

    @property
    def stamp_ns(self) -> int:
        """Stamp of the newest sample; -1 before the first."""
        return max(self._imu_stamp_ns, self._joint_stamp_ns)

    def add_imu(
        self,
        stamp_ns: int,
        rate: Sequence[float],
        acceleration: Sequence[float],
        quaternion: Sequence[float] | None,
    ) -> None:
        """Take an IMU sample (REP-145).

        Args:
            rate: angular rate x, y, z [rad/s].
            acceleration: specific force x, y, z [m/s^2], gravity included.
            quaternion: orientation x, y, z, w; None if the IMU does not know it: then roll and
                pitch come from the other two, and yaw stays unknown.

        Raises:
            InvalidInput: not finite, or not newer than the last sample, by less than a gap.
        """
        six = (*rate, *acceleration)
        if len(six) != 6 or not all(map(math.isfinite, six)):
            raise InvalidInput("imu", six, "3 rates and 3 accelerations, finite")
        is_set_back = _is_set_back(stamp_ns, self._imu_stamp_ns)
        if quaternion is not None and not 0.5 < math.hypot(*quaternion) < 2.0:
            raise InvalidInput("quaternion", tuple(quaternion), "unit length")
        if is_set_back:
            self._begin_anew()
        interval_s = (stamp_ns - self._imu_stamp_ns) / NS_PER_S
        if self._imu_stamp_ns < 0 or interval_s > GAP_S:
            self._forget_motion()
            interval_s = 0.0
        self._imu_stamp_ns = stamp_ns
        roll, pitch = self._tilt.update(interval_s, six[:3], six[3:])
        self._orientation = (roll, pitch, math.nan)
        if quaternion is not None:
            x, y, z, w = quaternion
            self._orientation = euler(x, y, z, w)
        self._samples.extend(np.array([six]))
        self._stamps.extend(np.array([stamp_ns], np.int64))
        self._since_percept = min(self._since_percept + 1, CAPACITY)

    def add_joints(
        self,
        stamp_ns: int,
        names: Sequence[str],
        position: Sequence[float],
        velocity: Sequence[float],
        effort: Sequence[float],
    ) -> None:
        """Take a joint state; see `Joints.update`.

        Raises:
            InvalidInput: as there, or not newer than the last one, by less than a gap.
        """
        is_set_back = _is_set_back(stamp_ns, self._joint_stamp_ns)
        self._joints.update(names, position, velocity, effort)
        if is_set_back:
            self._begin_anew()
        self._joint_stamp_ns = stamp_ns

    def percept(self) -> Percept | None:
        """Encode the present; None if nothing arrived since the last percept."""
        stamp_ns = self.stamp_ns
        if stamp_ns <= self._percept_stamp_ns:
            return None
        self._percept_stamp_ns = stamp_ns
        now = self._body()
        lag_s, past = self._before(stamp_ns)
        bodies = np.stack((past, now, predict(past, now, lag_s)))
        self._past.append((stamp_ns, now))
        return Percept(
            stamp_ns=stamp_ns,
            modality="proprioception",
            source=self._source,
            codes=layout.encode_body(bodies),
            embedding=self._embedding(now),
            encoder_id=ENCODER_ID,
        )

    def _begin_anew(self) -> None:
        """The clock was set back: all stamps so far lie in the future."""
        self._imu_stamp_ns = self._joint_stamp_ns = self._percept_stamp_ns = -1
        self._forget_motion()

    def _forget_motion(self) -> None:
        self._tilt.reset()
        self._samples = RingBuffer(CAPACITY, (6,), np.float64)
        self._stamps = RingBuffer(CAPACITY, (), np.int64)
        self._past.clear()
        self._since_percept = 0

    def _body(self) -> layout.Values:
        body = layout.absent()
        if self._stamps.written:
            torso = body[layout.TORSO]
            torso[[layout.ROLL, layout.PITCH, layout.YAW]] = self._orientation
            recent = self._samples.latest(max(self._since_percept, 1))
            torso[3:9] = recent.mean(axis=0)
        self._since_percept = 0
        self._joints.fill(body)
        return body

    def _before(self, stamp_ns: int) -> tuple[float, layout.Values]:
        """Age [s] and body of half a second ago; unknown while the memory is shorter."""
        while self._past and stamp_ns - self._past[0][0] > GAP_S * NS_PER_S:
            self._past.popleft()
        old_enough = [pair for pair in self._past if stamp_ns - pair[0] >= PAST_S * NS_PER_S]
        if not old_enough:
            return 0.0, layout.absent()
        then_ns, body = old_enough[-1]
        return (stamp_ns - then_ns) / NS_PER_S, body

    def _embedding(self, body: layout.Values) -> NDArray[np.float32]:
        stamps = np.asarray(self._stamps.latest(), np.int64)
        samples = np.asarray(self._samples.latest(), np.float64)
        age_s = (self._imu_stamp_ns - stamps) / NS_PER_S
        recent = age_s <= WINDOW_S
        moving = motion_features(age_s[recent], samples[recent])
        summary = SUMMARY_WEIGHT * motion_summary(age_s[recent], samples[recent])
        held = np.nan_to_num(layout.compand(body))
        held[layout.TORSO, : layout.TORSO_JOINT_SLOT] = 0.0
        vector = np.concatenate((moving, JOINT_WEIGHT * held.ravel()))
        # The summary keeps its scale, whatever the length of the rest.
        vector *= math.sqrt(1.0 - float(summary @ summary)) / np.linalg.norm(vector)
        return np.concatenate((vector, summary)).astype(np.float32)


def _is_set_back(stamp_ns: int, newest_ns: int) -> bool:
    """Whether a stamp lies so far before the newest that the clock must have been set back.

    Raises:
        InvalidInput: it is not newer, by less than that.
    """
    behind_s = (newest_ns - stamp_ns) / NS_PER_S
    if 0.0 <= behind_s <= GAP_S:
        raise InvalidInput("stamp", stamp_ns, f"after {newest_ns}")
    return behind_s > GAP_S


def predict(past: layout.Values, now: layout.Values, lag_s: float) -> layout.Values:
    """The body [5, 12] in 0.2 s.

    Orientation goes on with its angular rates and joint positions with their velocities; every
    other value follows its trend since the past body, or stays where there is none.
    """
    trend = np.nan_to_num((now - past) * (AHEAD_S / lag_s)) if lag_s > 0 else np.zeros_like(now)
    ahead = now + trend
    positions = np.zeros_like(layout.ANGLES)
    positions[:, ::3] = True
    positions[layout.TORSO, : layout.TORSO_JOINT_SLOT] = False
    speed = np.roll(now, -1, axis=1)
    ahead = np.where(positions & ~np.isnan(speed), now + AHEAD_S * speed, ahead)
    torso, rates = layout.TORSO, np.nan_to_num(now[layout.TORSO, layout.RATES])
    ahead[torso, :3] = now[torso, :3] + AHEAD_S * rates
    for slot in (layout.ROLL, layout.YAW):
        ahead[torso, slot] = math.remainder(ahead[torso, slot], 2 * math.pi)
    return ahead
