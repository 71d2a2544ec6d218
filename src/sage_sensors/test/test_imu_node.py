"""The IMU on the lock-step host: readings of a file, a walk and another node."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from node_traffic import offsets, publish_foreign
from sensor_msgs.msg import Imu
from std_msgs.msg import Header

from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.lockstep.host import LockstepHost
from sage_sensors.nodes.imu_node import ImuNode


def test_a_csv_file_and_a_synthetic_walk_play_as_imus(host: LockstepHost, imu_csv: Path) -> None:
    start_ns = host.clock.now_ns()
    host.add(ImuNode, parameters={"backend": "file", "path": str(imu_csv)})
    noise = {"gyro_std_rad_s": 0.1, "accel_std_m_s2": 0.2}
    host.add(ImuNode, "other", parameters={"backend": "synthetic", "name": "hand", **noise})
    host.run_for(1.005)
    assert len(host.messages("imu/data", name="body")) == 51
    walk = host.messages("imu/data", name="hand")
    assert offsets(walk, start_ns) == [n * 10_000_000 for n in range(101)]
    assert walk[0].angular_velocity_covariance[4] == pytest.approx(0.01)
    assert walk[0].linear_acceleration_covariance[8] == pytest.approx(0.04)


def test_another_nodes_imu_passes_with_its_covariances_and_gains_an_orientation(
    host: LockstepHost,
) -> None:
    host.add(ImuNode, parameters={"backend": "topic", "topic": "/robot/imu"})
    start_ns = host.clock.now_ns()
    for number in range(500):
        host.run_until(start_ns + number * 10_000_000)
        message = Imu(header=Header(stamp=to_stamp(host.clock.now_ns()), frame_id="chip"))
        message.linear_acceleration.z = 9.81
        message.angular_velocity_covariance = np.full(9, 0.5)
        message.orientation_covariance[0] = -1.0
        publish_foreign(host, "/robot/imu", "sensor_msgs/msg/Imu", message)
    host.run_for(0.1)
    passed = host.messages("imu/data", name="body")
    assert len(passed) == 500
    assert passed[0].orientation_covariance[0] == -1.0
    assert passed[-1].orientation_covariance[0] > 0.0
    assert passed[-1].orientation.w == pytest.approx(1.0, abs=1e-3)
    assert passed[-1].angular_velocity_covariance[3] == 0.5
    assert passed[-1].header.frame_id == "chip"
