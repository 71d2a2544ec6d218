"""Set before rclpy starts: a domain of our own, this host only; and rigs for both hosts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mailbox_ends import Camera

HERE = str(Path(__file__).parent)
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_DOMAIN_ID", "61")
os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)
if HERE not in sys.path:
    sys.path.insert(0, HERE)  # toy_nodes and rigs; child processes import them as well


@pytest.fixture
def ros(tmp_path: Path) -> Iterator[object]:
    """A rig on the ROS host."""
    from rigs import RosRig

    rig = RosRig(tmp_path)
    yield rig
    rig.close()


@pytest.fixture(params=["lockstep", "ros"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[object]:
    """The same handles on either host."""
    from rigs import LockstepRig, RosRig

    made = LockstepRig(tmp_path) if request.param == "lockstep" else RosRig(tmp_path)
    yield made
    made.close()


@pytest.fixture
def camera() -> Iterator[Camera]:
    """The writing end of a mailbox of pictures."""
    from mailbox_ends import Camera

    made = Camera()
    yield made
    made.output.close()
