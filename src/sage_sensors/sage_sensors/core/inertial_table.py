"""IMU recordings in CSV files, converted to REP-145 axes (x forward, y left, z up)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_sensors.core.samples import Inertial, SourceError, Stamped

STANDARD_GRAVITY = 9.80665
_TIME = re.compile(r"(t|time)[ _]*\(?s\)?")
_QUANTITY = re.compile(
    r"(gyro|gyroscope|accl|accel|accelerometer)[ _]([0-2xyz])[ _]"
    r"\(?(rad[_/]s|deg[_/]s|m[_/]s2|g)\)?"
)
_SCALES = {
    ("gyro", "rad_s"): 1.0,
    ("gyro", "deg_s"): np.pi / 180.0,
    ("acc", "m_s2"): 1.0,
    ("acc", "g"): STANDARD_GRAVITY,
}
# Axes named 0, 1, 2 are a GoPro Max's, in the order in which it stores them: 0 points left,
# 1 down and 2 back. Its own metadata says so (ORIN "XzY": channels X, -Z, Y, with Z up), and the
# recordings agree: gravity reads -9.7 on axis 1, turning right is positive about axis 1, and with
# the horizon above the middle of the picture (camera pitched down by 8 degrees) axis 2 reads
# +1.3 m/s^2, so it points away from the view.
_GOPRO_MAX_TO_BODY = np.array([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


class InertialTable:
    """An IMU recording as a track.

    Columns are found by name, in any order, upper or lower case; others are ignored:
    a time `t_s` or `Time (s)`; gyroscope `gyro_x_rad_s`, `gyro_x_deg_s` or `Gyroscope X (deg/s)`;
    accelerometer `accel_x_m_s2` (or `accl_`), `accel_x_g` or `Accelerometer X (g)`; axes x, y, z
    are REP-145's already, axes 0, 1, 2 are those of a GoPro Max and are converted.

    Args:
        path: CSV file with one header line.

    Attributes:
        times_ns: int64 [n], since the start of the recording.
        angular_velocity: float64 [n, 3], rad/s.
        linear_acceleration: float64 [n, 3], m/s^2.

    Raises:
        SourceError: the file cannot be read.
        InvalidInput: a column is missing, a value is not a finite number, times do not increase,
            or there are fewer than two rows; names the column and the row.
    """

    def __init__(self, path: Path) -> None:
        self.source = f"file:{path.name}"
        header, rows = _read(path)
        columns, numeric = _columns(header)
        table = _numbers(rows, header, columns)
        self.times_ns = np.round(table[:, 0] * NS_PER_S).astype(np.int64)
        late = np.flatnonzero(np.diff(self.times_ns) <= 0)
        if late.size:
            row = int(late[0]) + 3
            raise InvalidInput(
                f"row {row}, {header[columns[0][0]]}", rows[row - 2][columns[0][0]],
                "a time after the row before",
            )  # fmt: skip
        turn = _GOPRO_MAX_TO_BODY.T if numeric else np.eye(3)
        self.angular_velocity: NDArray[np.float64] = table[:, 1:4] @ turn
        self.linear_acceleration: NDArray[np.float64] = table[:, 4:7] @ turn

    @property
    def period_s(self) -> float:
        """Median time between samples [s]."""
        return float(np.median(np.diff(self.times_ns))) / NS_PER_S

    @property
    def length_ns(self) -> int:
        return int(self.times_ns[-1]) + round(self.period_s * NS_PER_S)

    def items(self) -> Iterator[Stamped[Inertial]]:
        for index in range(len(self.times_ns)):
            yield Stamped(
                int(self.times_ns[index]),
                Inertial(self.angular_velocity[index], self.linear_acceleration[index]),
            )


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [row for row in csv.reader(file) if row]
    except OSError as error:
        raise SourceError(f"IMU recording {path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput("IMU recording", path.name, "a CSV file of UTF-8 text") from error
    if len(lines) < 3:
        raise InvalidInput("IMU recording", f"{len(lines)} lines", "a header and at least 2 rows")
    return lines[0], lines[1:]


def _columns(header: list[str]) -> tuple[list[tuple[int, float]], bool]:
    """Index and scale of time, three gyroscope and three accelerometer columns."""
    found: dict[str, tuple[int, float]] = {}
    for index, name in enumerate(name.strip().lower() for name in header):
        if _TIME.fullmatch(name):
            found["t"] = (index, 1.0)
            continue
        match = _QUANTITY.fullmatch(name)
        if match is None:
            continue
        quantity = "gyro" if match[1].startswith("gyro") else "acc"
        scale = _SCALES.get((quantity, match[3].replace("/", "_")))
        if scale is not None:
            found[quantity + match[2]] = (index, scale)
    for axes in ("012", "xyz"):
        wanted = ["t", *("gyro" + axis for axis in axes), *("acc" + axis for axis in axes)]
        if all(name in found for name in wanted):
            return [found[name] for name in wanted], axes == "012"
    raise InvalidInput(
        "header", ",".join(header),
        "t_s, gyro_{x,y,z}_rad_s (or _deg_s) and accel_{x,y,z}_m_s2 (or _g); axes 0, 1, 2 "
        "for a GoPro Max",
    )  # fmt: skip


def _numbers(
    rows: list[list[str]], header: list[str], columns: list[tuple[int, float]]
) -> NDArray[np.float64]:
    table = np.empty((len(rows), len(columns)))
    for number, row in enumerate(rows):
        for place, (index, scale) in enumerate(columns):
            text = row[index] if index < len(row) else ""
            try:
                value = float(text)
            except ValueError:
                value = float("nan")
            if not np.isfinite(value):
                raise InvalidInput(f"row {number + 2}, {header[index]}", text, "a finite number")
            table[number, place] = value * scale
    return table
