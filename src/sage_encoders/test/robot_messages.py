"""Standard robot messages of the streams in `robot_streams`."""

from __future__ import annotations

import array
import math

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from encoder_inputs import header
from nav_msgs.msg import Odometry
from numpy.typing import NDArray
from robot_streams import Motion, Scanner
from sensor_msgs.msg import BatteryState, LaserScan, PointCloud2, PointField


def laser_scan(stamp_ns: int, ranges: NDArray[np.float32], scanner: Scanner) -> LaserScan:
    message = LaserScan(header=header(stamp_ns, "laser"))
    message.angle_min, message.angle_increment = scanner.first, scanner.increment
    message.angle_max = scanner.first + scanner.increment * (len(ranges) - 1)
    message.range_min, message.range_max = scanner.limits
    message.ranges = array.array("f", ranges.tobytes())
    return message


def point_cloud(stamp_ns: int, points: NDArray[np.float32], frame_id: str = "lidar") -> PointCloud2:
    """A cloud that is not organised, of points [n, 3] with an intensity."""
    message = PointCloud2(header=header(stamp_ns, frame_id))
    message.height, message.width = 1, len(points)
    message.fields = [
        PointField(name=name, offset=4 * place, datatype=PointField.FLOAT32, count=1)
        for place, name in enumerate(("x", "y", "z", "intensity"))
    ]
    message.point_step, message.row_step = 16, 16 * len(points)
    whole = np.zeros((len(points), 4), np.float32)
    whole[:, :3] = points
    message.data = array.array("B", whole.tobytes())
    message.is_dense = bool(np.isfinite(points).all())
    return message


def odometry_message(motion: Motion) -> Odometry:
    message = Odometry(header=header(motion.stamp_ns, "odom"), child_frame_id="base_link")
    place, turn = message.pose.pose.position, message.pose.pose.orientation
    place.x, place.y, place.z = motion.position
    turn.x, turn.y, turn.z, turn.w = motion.quaternion
    linear, angular = message.twist.twist.linear, message.twist.twist.angular
    linear.x, linear.y, linear.z = motion.linear
    angular.x, angular.y, angular.z = motion.angular
    return message


def battery_state(stamp_ns: int, voltage: float, current: float = -2.0) -> BatteryState:
    """A battery that knows its voltage and current, and not its charge."""
    message = BatteryState(header=header(stamp_ns, "battery"), voltage=voltage, current=current)
    message.percentage = message.temperature = math.nan
    message.power_supply_status = BatteryState.POWER_SUPPLY_STATUS_DISCHARGING
    message.present = True
    return message


def diagnostic_array(stamp_ns: int, frame_id: str = "", **levels: int) -> DiagnosticArray:
    """Reports of parts by name; __ in a name stands for /."""
    message = DiagnosticArray(header=header(stamp_ns, frame_id))
    message.status = [
        DiagnosticStatus(
            name=name.replace("__", "/"), level=bytes([level]), message=f"level {level}"
        )
        for name, level in levels.items()
    ]
    return message
