"""IMU files: columns, units, axes, and what is wrong with the wrong ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_sensors.core.inertial_table import InertialTable
from sage_sensors.core.samples import SourceError

HEADER = "t_s,gyro_x_rad_s,gyro_y_rad_s,gyro_z_rad_s,accel_x_m_s2,accel_y_m_s2,accel_z_m_s2"


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "imu.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_body_axes_are_taken_as_they_are(tmp_path: Path) -> None:
    table = InertialTable(written(tmp_path, HEADER, "0,1,2,3,4,5,6", "0.01,1,2,3,4,5,6"))
    items = list(table.items())
    np.testing.assert_allclose(items[0].value.angular_velocity, [1, 2, 3])
    np.testing.assert_allclose(items[1].value.linear_acceleration, [4, 5, 6])
    assert [item.time_ns for item in items] == [0, 10_000_000]
    assert table.length_ns == 20_000_000
    assert table.period_s == pytest.approx(0.01)


def test_gopro_axes_are_turned_to_forward_left_up(tmp_path: Path) -> None:
    header = HEADER.replace("_x_", "_0_").replace("_y_", "_1_").replace("_z_", "_2_")
    path = written(tmp_path, header.replace("accel", "accl"), "0,1,2,3,4,-9.8,6", "1,0,0,0,0,0,0")
    reading = next(iter(InertialTable(path).items())).value
    np.testing.assert_allclose(reading.angular_velocity, [-3, 1, -2])
    np.testing.assert_allclose(reading.linear_acceleration, [-6, 4, 9.8])


def test_other_units_and_spellings_are_converted(tmp_path: Path) -> None:
    header = "Time (s),Gyroscope X (deg/s),Gyroscope Y (deg/s),Gyroscope Z (deg/s),"
    header += "Accelerometer X (g),Accelerometer Y (g),Accelerometer Z (g),Magnetometer X (uT)"
    path = written(tmp_path, header, "0,180,0,0,0,0,1,5", "1,180,0,0,0,0,1,5")
    reading = next(iter(InertialTable(path).items())).value
    np.testing.assert_allclose(reading.angular_velocity, [np.pi, 0, 0])
    np.testing.assert_allclose(reading.linear_acceleration, [0, 0, 9.80665])


@pytest.mark.parametrize("text", ["nan", "inf", "", "abc"])
def test_a_value_that_is_no_number_names_row_and_column(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, HEADER, "0,1,2,3,4,5,6", f"1,1,{text},3,4,5,6")
    with pytest.raises(InvalidInput) as caught:
        InertialTable(path)
    assert caught.value.field == "row 3, gyro_y_rad_s"
    assert caught.value.value == text


def test_a_short_row_names_the_column_that_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="row 3, accel_z_m_s2"):
        InertialTable(written(tmp_path, HEADER, "0,1,2,3,4,5,6", "1,1,2,3,4,5"))


def test_missing_columns_are_named_by_what_is_expected(tmp_path: Path) -> None:
    path = written(tmp_path, "t_s,gyro_x_rad_s", "0,1", "1,1")
    with pytest.raises(InvalidInput, match=r"header = .*accel_"):
        InertialTable(path)


def test_times_must_increase(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER, "0,1,2,3,4,5,6", "1,1,2,3,4,5,6", "1,1,2,3,4,5,6")
    with pytest.raises(InvalidInput) as caught:
        InertialTable(path)
    assert caught.value.field == "row 4, t_s"


def test_too_short_absent_or_binary_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="2 rows"):
        InertialTable(written(tmp_path, HEADER, "0,1,2,3,4,5,6"))
    with pytest.raises(SourceError, match="No such file"):
        InertialTable(tmp_path / "no.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="CSV"):
        InertialTable(tmp_path / "b.csv")


def test_the_recorded_walk_is_upright_after_conversion(recorded_data: Path) -> None:
    table = InertialTable(recorded_data / "video" / "gopro_max_walk_imu.csv")
    mean = table.linear_acceleration.mean(axis=0)
    assert mean[2] == pytest.approx(9.8, abs=0.2)
    assert abs(mean[1]) < 0.2
    # The camera looks down a little, so forward, tilted down, reads against gravity.
    assert -2.0 < mean[0] < -0.5
    # It turns right at the end: negative about the upward axis.
    end = table.times_ns > table.times_ns[-1] - NS_PER_S
    assert table.angular_velocity[end, 2].mean() < -0.3
    assert len(table.times_ns) == 2082
