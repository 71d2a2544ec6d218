"""Accelerometers and gyroscopes of Linux's Industrial I/O, through sysfs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import Clock
from sage_sensors.core.samples import Inertial, SourceError, Stamped

AXES = "xyz"


class IioImu:
    """An IMU that a kernel driver offers as one device, or as two (accelerometer, gyroscope).

    The kernel's unit after scaling is m/s^2 and rad/s (Documentation/ABI/testing/sysfs-bus-iio);
    a mounting matrix, where the driver has one, turns the axes into the machine's.

    Args:
        root: where the kernel lists the devices, normally /sys/bus/iio/devices.
        device: folder or `name` of the device; empty: the first that has the channels.
        rate_hz: readings per second.
        clock: for the stamps, taken before the reading.
    """

    polled = True
    overruns = 0

    def __init__(self, root: Path, device: str, rate_hz: float, clock: Clock) -> None:
        self.source = f"iio:{device or 'auto'}"
        self.period_s = 1.0 / rate_hz
        self._root = root
        self._device = device
        self._clock = clock
        self._accelerometer: _Channel | None = None
        self._gyroscope: _Channel | None = None

    def open(self) -> None:
        folders = sorted(self._root.glob("iio:device*"))
        if self._device:
            folders = [f for f in folders if self._device in (f.name, _text(f / "name"))]
        if not folders:
            wanted = f" named {self._device}" if self._device else ""
            raise SourceError(f"{self.source}: no device{wanted} under {self._root}")
        self._accelerometer = _find(folders, "in_accel")
        self._gyroscope = _find(folders, "in_anglvel")
        self.source = f"iio:{self._accelerometer.name}"

    def read(self) -> Stamped[Inertial] | None:
        if self._accelerometer is None or self._gyroscope is None:
            return None
        stamp_ns = self._clock.now_ns()
        return Stamped(stamp_ns, Inertial(self._gyroscope.read(), self._accelerometer.read()))

    def close(self) -> None:
        self._accelerometer = self._gyroscope = None


class _Channel:
    """Three axes of one quantity of one device."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.name = _text(folder / "name") or folder.name
        self._files = [folder / f"{prefix}_{axis}_raw" for axis in AXES]
        self._scales = np.array([_setting(folder, prefix, axis, "scale", 1.0) for axis in AXES])
        self._offsets = np.array([_setting(folder, prefix, axis, "offset", 0.0) for axis in AXES])
        self._turn = _mount_matrix(folder, prefix)

    def read(self) -> NDArray[np.float64]:
        raw = np.array([_number(file) for file in self._files])
        turned: NDArray[np.float64] = self._turn @ ((raw + self._offsets) * self._scales)
        return turned


def _find(folders: list[Path], prefix: str) -> _Channel:
    for folder in folders:
        if all((folder / f"{prefix}_{axis}_raw").exists() for axis in AXES):
            return _Channel(folder, prefix)
    names = ", ".join(folder.name for folder in folders)
    raise SourceError(f"iio: no device with {prefix}_x_raw .. {prefix}_z_raw among {names}")


def _setting(folder: Path, prefix: str, axis: str, what: str, default: float) -> float:
    for file in (folder / f"{prefix}_{axis}_{what}", folder / f"{prefix}_{what}"):
        if file.exists():
            return _number(file)
    return default


def _mount_matrix(folder: Path, prefix: str) -> NDArray[np.float64]:
    """Rows "a, b, c; d, e, f; g, h, i"; the unit matrix if the driver gives none."""
    for file in (folder / f"{prefix}_mount_matrix", folder / "in_mount_matrix"):
        if file.exists():
            text = _text(file)
            try:
                rows = [[float(value) for value in row.split(",")] for row in text.split(";")]
                return np.array(rows).reshape(3, 3)
            except ValueError as error:
                raise SourceError(f"{file} = {text!r}: expected 3 rows of 3 numbers") from error
    return np.eye(3)


def _number(file: Path) -> float:
    try:
        return float(file.read_text())
    except (OSError, ValueError) as error:
        raise SourceError(f"{file}: {error}") from error


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
