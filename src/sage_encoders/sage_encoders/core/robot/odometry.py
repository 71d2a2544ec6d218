"""Odometry as a strip chart of three seconds, and an embedding of how the robot moves.

Rows: ten quantities of three rows each, in the order of `QUANTITIES`; columns: 0.1 s each, the
newest at the right. Speeds and accelerations are signed and finer around 0: half a bar is rest, and
a full one the limit (`LIMITS`) forwards, to the left, upwards or counter-clockwise; tilt, and slip
of place and of heading, begin at the lowest level.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import State
from sage_encoders.core.robot import polar
from sage_encoders.core.robot.collector import Collector, View
from sage_encoders.core.robot.strip_chart import BARS, StripChart, bars, chart_places, signed_level

Floats = NDArray[np.float64]

QUANTITIES = (
    "forward speed",
    "sideways speed",
    "vertical speed",
    "turning",
    "tilt",
    "forward acceleration",
    "sideways acceleration",
    "turning acceleration",
    "slip of place",
    "slip of heading",
)
LIMITS = np.array([20.0, 20.0, 20.0, 10.0, math.pi / 2, 50.0, 50.0, 50.0, 10.0, 5.0])
"""m/s, rad/s, rad, m/s^2, rad/s^2, m/s and rad/s."""
NOISE = np.array([0.05, 0.05, 0.05, 0.05, 0.05, 1.0, 1.0, 2.0, 0.1, 0.1])
"""What a robot at rest or at an even speed shows anyway, so that it hardly turns the vector."""
UNSIGNED = np.isin(np.arange(BARS), (4, 8, 9))
COLUMN_S = 0.1
SLIP_S = 0.3
"""Time over which the way by the pose is compared with the way by the twist."""
GAP_S = 1.0
RECENT_COLUMNS = 10
STRENGTH = 8.0
LARGEST = 1e9
"""Of any number of a sample; a robot is neither that far away nor that fast."""
ENCODER_ID = polar.encoder_id("odometry", 1, (*LIMITS, *NOISE, COLUMN_S, SLIP_S, STRENGTH))
PLACES = chart_places(QUANTITIES, COLUMN_S)


class OdometryEncoder(Collector):
    """Collects poses and twists; `percept` encodes the last three seconds.

    Slip is how fast the pose leaves the way that the twist says: wheels that spin or are blocked
    beside a pose that other sensors have corrected, or a pose that jumps. Where both come from the
    wheels alone it stays at 0, and slip shows as acceleration.
    """

    encoder_id = ENCODER_ID
    _chart: State[StripChart]
    _now: State[Floats]
    _twist: State[Floats]
    _way: State[Floats]
    _turned: State[float] = 0.0
    _ways: State[deque[tuple[int, Floats]]]

    def __init__(self, modality: str = "odometry", source: str = "odometry") -> None:
        super().__init__(modality, source)
        self._chart = StripChart(BARS, round(COLUMN_S * NS_PER_S))
        self._now, self._twist = np.zeros(BARS), np.zeros(6)
        self._way = np.zeros(3)
        self._ways = deque()

    def add(
        self,
        stamp_ns: int,
        position: Sequence[float],
        quaternion: Sequence[float],
        linear: Sequence[float],
        angular: Sequence[float],
    ) -> None:
        """Take a sample.

        Args:
            position: x, y, z in the fixed frame [m].
            quaternion: orientation x, y, z, w in it.
            linear, angular: twist x, y, z in the robot's own frame [m/s], [rad/s].

        Raises:
            InvalidInput: not finite, no rotation, or not newer than the last sample.
        """
        _check(position, quaternion, linear, angular)
        self._is_set_back(stamp_ns)  # then it starts anew below
        self._check_newer(stamp_ns)
        elapsed_s = (stamp_ns - self._stamp_ns) / NS_PER_S
        if self._stamp_ns < 0 or elapsed_s > GAP_S:
            self._start_anew()
            elapsed_s = 0.0
        turn = _rotation(np.array(quaternion) / math.hypot(*quaternion))
        twist = np.array([*linear, *angular], np.float64)
        sample = np.zeros(BARS)
        sample[:3], sample[3] = twist[:3], twist[5]
        sample[4] = math.acos(max(-1.0, min(1.0, turn[2, 2])))
        if elapsed_s > 0.0:
            rates = (twist - self._twist) / elapsed_s
            sample[5:8] = rates[0], rates[1], rates[5]
            sample[8:] = self._slip(stamp_ns, elapsed_s, np.array(position), turn, twist)
        else:
            self._follow(stamp_ns, np.array(position), _heading(turn))
        self._stamp_ns, self._twist = stamp_ns, twist
        self._chart.add(stamp_ns, sample)
        self._now = sample

    def _view(self) -> View:
        values, limits = self._chart.values, LIMITS[:, None]
        levels = signed_level(values, limits)
        levels[UNSIGNED] = 2.0 * levels[UNSIGNED] - 1.0
        return View(bars(levels), embedding(self._now, values[:, -RECENT_COLUMNS:]))

    def _start_anew(self) -> None:
        """What was before a gap says nothing of what came after it."""
        self._chart = StripChart(BARS, round(COLUMN_S * NS_PER_S))
        self._way = np.zeros(3)
        self._ways.clear()

    def _slip(
        self, stamp_ns: int, elapsed_s: float, position: Floats, turn: Floats, twist: Floats
    ) -> tuple[float, float]:
        """How fast the pose leaves the way by the twist, in place [m/s] and heading [rad/s]."""
        middle = (twist + self._twist) / 2.0
        self._way = self._way + turn @ middle[:3] * elapsed_s
        self._turned += middle[5] * elapsed_s
        self._follow(stamp_ns, position - self._way, _heading(turn) - self._turned)
        then_ns, then = self._ways[0]
        offset = self._ways[-1][1] - then
        seconds = (stamp_ns - then_ns) / NS_PER_S
        heading = math.remainder(float(offset[3]), 2.0 * math.pi)
        return float(np.linalg.norm(offset[:3])) / seconds, abs(heading) / seconds

    def _follow(self, stamp_ns: int, offset: Floats, heading: float) -> None:
        """Note how far pose and twist are apart; at least `SLIP_S` are kept once they are there."""
        self._ways.append((stamp_ns, np.append(offset, heading)))
        while len(self._ways) > 2 and stamp_ns - self._ways[1][0] >= SLIP_S * NS_PER_S:
            self._ways.popleft()


def embedding(now: Floats, recent: Floats) -> NDArray[np.float32]:
    """How the robot moves, as a unit vector [31].

    A constant, the ten quantities now, their largest of the last second and their spread in it;
    each by its strength, log(1 + (value / noise)^2) / 8 with the value's sign, so that noise is
    next to nothing and a doubling counts the same at every speed.

    Args:
        now: the ten quantities.
        recent: [10, n], the newest columns of the chart; NaN: not known.
    """
    known = np.nan_to_num(recent)
    largest = known[np.arange(BARS), np.abs(known).argmax(axis=1)]
    parts = np.stack((now, largest, known.std(axis=1)))
    strength = np.sign(parts) * np.log1p((parts / NOISE) ** 2) / STRENGTH
    vector = np.concatenate(([1.0], strength.ravel()))
    unit: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


def _check(
    position: Sequence[float],
    quaternion: Sequence[float],
    linear: Sequence[float],
    angular: Sequence[float],
) -> None:
    for field, values in (
        ("pose.pose.position", position),
        ("pose.pose.orientation", quaternion),
        ("twist.twist.linear", linear),
        ("twist.twist.angular", angular),
    ):
        if not all(map(math.isfinite, values)):
            raise InvalidInput(field, tuple(values), "finite numbers")
        if max(map(abs, values)) > LARGEST:
            raise InvalidInput(field, tuple(values), f"numbers up to {LARGEST:g}")
    norm = math.hypot(*quaternion)
    if not 0.9 <= norm <= 1.1:
        raise InvalidInput("pose.pose.orientation", f"norm {norm:g}", "norm 1")


def _rotation(quaternion: Floats) -> Floats:
    """Rotation [3, 3] from the robot's frame into the fixed one."""
    x, y, z, w = quaternion
    return np.array(
        [
            [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - z * w), 2.0 * (x * z + y * w)],
            [2.0 * (x * y + z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - x * w)],
            [2.0 * (x * z - y * w), 2.0 * (y * z + x * w), 1.0 - 2.0 * (x * x + y * y)],
        ]
    )


def _heading(turn: Floats) -> float:
    return math.atan2(float(turn[1, 0]), float(turn[0, 0]))
