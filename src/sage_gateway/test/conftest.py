"""Shared by the tests of the gateway."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from stand_in import Served

# Set before rclpy starts: a domain of our own, this host only.
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_DOMAIN_ID", "68")
os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)


@pytest.fixture(scope="module")
def one() -> Iterator[Served]:
    with Served() as site:
        yield site


@pytest.fixture(scope="module")
def read_only() -> Iterator[Served]:
    with Served(allow_actions=False) as site:
        yield site


@pytest.fixture
def served(one: Served) -> Served:
    one.graph.done.clear()
    return one
