"""The camera on the lock-step host: pictures of a scene, a file and another node."""

from __future__ import annotations

import array
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from node_traffic import health, offsets, publish_foreign, texts
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.images import array_to_image, image_to_array
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.lockstep.host import LockstepHost
from sage_sensors.core.synthetic_scene import SyntheticScene
from sage_sensors.nodes.camera_node import CameraNode


def test_a_synthetic_camera_shows_the_scene_at_exact_times(host: LockstepHost) -> None:
    start_ns = host.clock.now_ns()
    parameters = {"backend": "synthetic", "name": "left", "width_px": 64, "height_px": 48}
    host.add(CameraNode, parameters={**parameters, "seed": 3})
    host.run_for(1.02)
    raw = host.messages("camera/image_raw", name="left")
    assert offsets(raw, start_ns) == [round(n * NS_PER_S / 30) for n in range(31)]
    expected = SyntheticScene(64, 48, 30.0, 3).render(offsets(raw, start_ns)[17])
    np.testing.assert_array_equal(image_to_array(raw[17]), expected)
    assert raw[0].header.frame_id == "synthetic/camera_left_optical_frame"
    assert texts(host, "warning") == ""


def test_a_video_file_plays_as_a_camera(host: LockstepHost, media: Path) -> None:
    host.add(CameraNode, parameters={"backend": "file", "path": str(media), "loop": False})
    host.run_for(3.0)
    assert len(host.messages("camera/image_raw", name="front")) == 40


@pytest.mark.parametrize("compressed", [False, True])
def test_images_of_another_node_pass_with_their_stamp_and_frame(
    host: LockstepHost, compressed: bool
) -> None:
    topic = "/robot/image/compressed" if compressed else "/robot/image"
    host.add(CameraNode, parameters={"backend": "topic", "topic": topic})
    header = Header(stamp=to_stamp(host.clock.now_ns() - 5_000_000), frame_id="eye")
    pixels = np.full((8, 10, 3), 77, np.uint8)
    if compressed:
        data = array.array("B", cv2.imencode(".png", pixels)[1].tobytes())
        good: Any = CompressedImage(header=header, format="png", data=data)
        bad: Any = CompressedImage(header=header, format="png", data=array.array("B", b"junk"))
        type_name = "sensor_msgs/msg/CompressedImage"
    else:
        good = array_to_image(pixels, "bgr8", header)
        bad = array_to_image(pixels, "bgr8", header)
        bad.encoding = "nonsense"
        type_name = "sensor_msgs/msg/Image"
    publish_foreign(host, topic, type_name, bad)
    publish_foreign(host, topic, type_name, good)
    host.run_for(0.1)
    raw = host.messages("camera/image_raw", name="front")
    assert len(raw) == 1
    assert raw[0].header == header and raw[0].encoding == "rgb8"
    assert (image_to_array(raw[0]) == 77).all()
    assert "dropped a message" in texts(host, "warning")


def test_wrong_camera_parameters_are_refused(host: LockstepHost) -> None:
    with pytest.raises(InvalidInput, match="backend"):
        host.add(CameraNode, parameters={"backend": "no such"})
    with pytest.raises(InvalidInput, match="topic"):
        host.add(CameraNode, parameters={"backend": "topic"})
    with pytest.raises(InvalidInput, match="path"):
        host.add(CameraNode, parameters={"backend": "file"})


def test_a_foreign_topic_that_falls_silent_is_stale(host: LockstepHost) -> None:
    parameters = {"backend": "topic", "topic": "/robot/image", "rate_hz": 10.0}
    host.add(CameraNode, parameters=parameters)
    start_ns = host.clock.now_ns()
    for number in range(40):
        host.run_until(start_ns + number * 100_000_000)
        header = Header(stamp=to_stamp(host.clock.now_ns()))
        picture = array_to_image(np.full((16, 16, 3), number, np.uint8), "rgb8", header)
        publish_foreign(host, "/robot/image", "sensor_msgs/msg/Image", picture)
    host.run_for(0.1)
    assert health(host)[0] == 0
    host.run_for(3.0)
    level, message = health(host)
    assert level == 1 and "stale" in message
