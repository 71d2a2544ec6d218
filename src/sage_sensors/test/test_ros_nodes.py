"""Each node on the real ROS host: it starts, publishes, and stops."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from sage_common.ros.qos import PROFILES
from sage_common.ros.ros_host import RosHost
