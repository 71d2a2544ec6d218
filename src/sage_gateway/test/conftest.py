"""Shared by the tests of the gateway."""

from __future__ import annotations

import os
import sys

# Set before rclpy starts: a domain of our own, this host only.
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_DOMAIN_ID", "68")
os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
