"""Where the robot was lately: the place that goes with a moment, if it is known well enough."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.state.arrays import Arrays, json_of
from sage_common.core.state.fields import State, Transient
from sage_common.core.state.stateful import Stateful
from sage_memory.core.experience import Place, check_place

CAPACITY = 256
_POSITION, _ORIENTATION = 3, 4


class PoseBuffer(Stateful):
    """The newest poses, found by time.

    Args:
        max_sigma_m: a pose is known well enough up to this standard deviation in the plane, in
            its worst direction [m].
        max_age_s: a pose goes with what happens up to this long before and after it [s].
    """

    _poses: State[deque[tuple[int, Place]]]
    vague: Transient[int] = 0
    sigma_m: Transient[float] = math.nan

    def __init__(self, max_sigma_m: float, max_age_s: float) -> None:
        self._max_sigma_m = max_sigma_m
        self._max_age_ns = round(max_age_s * NS_PER_S)
        self._poses = deque(maxlen=CAPACITY)

    def add(self, stamp_ns: int, place: Place) -> None:
        """Note a pose; one that is not known well enough is counted in `vague`, and ends the last.

        Raises:
            InvalidInput: a field is wrong; nothing was noted.
        """
        check_place(place)
        self.sigma_m = worst_sigma_m(place)
        if self.sigma_m > self._max_sigma_m:
            self.vague += 1
            self._poses.clear()  # where it was before says nothing about now
            return
        self._poses.append((stamp_ns, place))

    def at(self, stamp_ns: int) -> Place | None:
        """The place nearest in time; None if none is near enough."""
        away = [(abs(stamp_ns - pose_ns), index) for index, (pose_ns, _) in enumerate(self._poses)]
        nearest_ns, index = min(away, default=(self._max_age_ns + 1, -1))
        return self._poses[index][1] if nearest_ns <= self._max_age_ns else None

    def around(self, stamp_ns: int) -> list[Place]:
        """The last place that was known up to then and the first after it, whenever that was."""
        before = [(pose_ns, index) for index, (pose_ns, _) in enumerate(self._poses)
                  if pose_ns <= stamp_ns]  # fmt: skip
        after = [(pose_ns, -index) for index, (pose_ns, _) in enumerate(self._poses)
                 if pose_ns > stamp_ns]  # fmt: skip
        found = [max(before)[1]] if before else []
        found += [-min(after)[1]] if after else []
        return [self._poses[index][1] for index in found]

    def facts(self) -> dict[str, object]:
        """Poses that were too vague, and how vague the newest one was, for diagnostics."""
        return {"vague_poses": self.vague, "place_sigma_m": f"{self.sigma_m:.2f}"}

    def from_old(self, old: Arrays) -> dict[str, object]:
        rows = zip(old["stamps"], json_of(old["frames"]), old["numbers"].tolist(), strict=True)
        return {"poses": [(int(stamp), _place(frame, numbers)) for stamp, frame, numbers in rows]}


def worst_sigma_m(place: Place) -> float:
    """Standard deviation in the x-y plane in its worst direction [m]; 0 for a covariance of 0.

    Raises:
        InvalidInput: the covariance is none.
    """
    plane = np.asarray(place.covariance, np.float64).reshape(6, 6)[:2, :2]
    variances = np.linalg.eigvalsh((plane + plane.T) / 2.0)
    if variances[0] < -1e-9 * max(float(variances[1]), 1.0):
        raise InvalidInput("place.covariance", float(variances[0]), "variances of at least 0")
    return math.sqrt(max(float(variances[1]), 0.0))


def _place(frame: str, numbers: list[float]) -> Place:
    x, y, z = numbers[:_POSITION]
    qx, qy, qz, qw = numbers[_POSITION : _POSITION + _ORIENTATION]
    covariance = tuple(numbers[_POSITION + _ORIENTATION :])
    return Place(frame, (x, y, z), (qx, qy, qz, qw), covariance)
