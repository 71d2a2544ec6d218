"""Set before rclpy starts: a domain of our own, this host only."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_DOMAIN_ID", "61")
os.environ.setdefault("ROS_LOG_DIR", "/tmp/sage_test_ros_log")
os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
