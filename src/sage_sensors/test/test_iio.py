"""IMUs of the kernel, on a made-up sysfs tree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sage_common.core.clock import ManualClock
from sage_sensors.backends.iio import IioImu
from sage_sensors.core.samples import SourceError


def device(root: Path, number: int, name: str, files: dict[str, str]) -> Path:
    folder = root / f"iio:device{number}"
    folder.mkdir(parents=True)
    for file, text in {"name": name, **files}.items():
        (folder / file).write_text(text + "\n")
    return folder


def axes(prefix: str, values: tuple[int, int, int]) -> dict[str, str]:
    return {f"{prefix}_{axis}_raw": str(v) for axis, v in zip("xyz", values, strict=True)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    device(tmp_path, 0, "ads1015", {"in_voltage0_raw": "12"})
    device(
        tmp_path,
        1,
        "bmi160",
        {
            **axes("in_accel", (0, 0, 16384)),
            **axes("in_anglvel", (10, 20, -30)),
            "in_accel_scale": "0.000598",
            "in_anglvel_scale": "0.001",
            "in_anglvel_z_scale": "0.002",
            "in_accel_x_offset": "100",
        },
    )
    return tmp_path


def test_raw_values_become_si_units_with_the_time_of_reading(root: Path) -> None:
    imu = IioImu(root, "", 100.0, ManualClock(42))
    imu.open()
    sample = imu.read()
    assert sample is not None and sample.time_ns == 42
    np.testing.assert_allclose(sample.value.linear_acceleration, [0.0598, 0.0, 16384 * 0.000598])
    np.testing.assert_allclose(sample.value.angular_velocity, [0.01, 0.02, -0.06])
    assert imu.source == "iio:bmi160"


def test_the_mounting_matrix_turns_the_axes(root: Path) -> None:
    (root / "iio:device1" / "in_mount_matrix").write_text("0, 0, 1; 1, 0, 0; 0, 1, 0\n")
    imu = IioImu(root, "bmi160", 100.0, ManualClock())
    imu.open()
    sample = imu.read()
    assert sample is not None
    np.testing.assert_allclose(sample.value.angular_velocity, [-0.06, 0.01, 0.02])


def test_accelerometer_and_gyroscope_may_be_two_devices(tmp_path: Path) -> None:
    device(tmp_path, 0, "accel_3d", axes("in_accel", (1, 2, 3)))
    device(tmp_path, 1, "gyro_3d", axes("in_anglvel", (4, 5, 6)))
    imu = IioImu(tmp_path, "", 100.0, ManualClock())
    imu.open()
    sample = imu.read()
    assert sample is not None
    np.testing.assert_allclose(sample.value.linear_acceleration, [1, 2, 3])
    np.testing.assert_allclose(sample.value.angular_velocity, [4, 5, 6])


def test_what_is_missing_is_named(tmp_path: Path, root: Path) -> None:
    with pytest.raises(SourceError, match="no device named mpu6050"):
        IioImu(root, "mpu6050", 100.0, ManualClock()).open()
    with pytest.raises(SourceError, match="in_accel_x_raw"):
        IioImu(root, "ads1015", 100.0, ManualClock()).open()
    with pytest.raises(SourceError, match="no device under"):
        IioImu(tmp_path / "empty", "", 100.0, ManualClock()).open()


def test_a_device_that_vanishes_or_lies_is_lost(root: Path) -> None:
    imu = IioImu(root, "", 100.0, ManualClock())
    assert imu.read() is None
    imu.open()
    (root / "iio:device1" / "in_accel_x_raw").write_text("garbage")
    with pytest.raises(SourceError, match="in_accel_x_raw"):
        imu.read()
    (root / "iio:device1" / "in_accel_x_raw").unlink()
    with pytest.raises(SourceError, match="in_accel_x_raw"):
        imu.read()
    imu.close()
    assert imu.read() is None


def test_a_broken_mounting_matrix_is_refused(root: Path) -> None:
    (root / "iio:device1" / "in_mount_matrix").write_text("1, 0; 0, 1\n")
    with pytest.raises(SourceError, match="3 rows of 3 numbers"):
        IioImu(root, "", 100.0, ManualClock()).open()
