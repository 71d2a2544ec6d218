"""What a reader of handles loses that comes late, over real DDS."""

from __future__ import annotations

from pathlib import Path

import pytest
from rclpy.duration import Duration
from rigs import RosRig

from sage_common.core.topics import topic
from sage_common.ros.qos import OFFERED, PROFILES
from sage_msgs.msg import TensorHandle

TENSOR = topic("camera/tensor")
DEPTH = PROFILES[TENSOR.qos].depth


@pytest.mark.parametrize("late_by", [DEPTH, DEPTH + 3])
def test_it_loses_what_is_more_than_the_depth(ros: RosRig, tmp_path: Path, late_by: int) -> None:
    heard: list[int] = []
    ros.driver.create_subscription(
        TensorHandle, "late", lambda handle: heard.append(handle.tag), PROFILES[TENSOR.qos]
    )
    publisher = ros.driver.create_publisher(TensorHandle, "late", OFFERED[TENSOR.qos])
    assert ros.until(lambda: publisher.get_subscription_count() > 0)
    for tag in range(late_by):  # nothing of the driver is spun meanwhile
        publisher.publish(TensorHandle(tag=tag))
    assert publisher.wait_for_all_acked(Duration(seconds=30))
    assert ros.until(lambda: len(heard) >= DEPTH)
    ros.for_a_while(0.2)
    assert heard == list(range(late_by - DEPTH, late_by))
