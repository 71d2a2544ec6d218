"""Static transforms: published once for all sensors of a node, and only if nobody else does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from geometry_msgs.msg import TransformStamped
from node_traffic import publish_foreign, texts
from tf2_msgs.msg import TFMessage

from sage_common.core.errors import InvalidInput
from sage_common.ros.lockstep.host import LockstepHost
from sage_sensors.nodes.camera_node import CameraNode
from sage_sensors.nodes.imu_node import ImuNode
from sage_sensors.nodes.microphone_node import MicrophoneNode
from sage_sensors.nodes.recording_node import RecordingNode

TYPE = "tf2_msgs/msg/TFMessage"
SYNTHETIC = {"backend": "synthetic"}
LINK, OPTICAL = "synthetic/camera_front_link", "synthetic/camera_front_optical_frame"


def published(host: LockstepHost) -> list[list[tuple[str, str]]]:
    """Parent and child of each transform, message by message."""
    messages = [item.message() for item in host.outputs if item.topic == "/tf_static"]
    return [[(t.header.frame_id, t.child_frame_id) for t in m.transforms] for m in messages]


def robot_publishes(host: LockstepHost, topic: str, child: str) -> None:
    item = TransformStamped()
    item.header.frame_id, item.child_frame_id = "torso", child
    item.transform.translation.z = 1.5
    publish_foreign(host, topic, TYPE, TFMessage(transforms=[item]))


def test_each_sensor_says_where_it_sits(host: LockstepHost) -> None:
    place = {"position_m": [0.0, 0.0, 0.25], "base_frame": "torso"}
    host.add(ImuNode, parameters={**SYNTHETIC, **place})
    host.add(MicrophoneNode, parameters=SYNTHETIC)
    host.run_for(1.5)
    assert published(host) == []
    host.run_for(5.0)
    assert sorted(published(host)) == [
        [("base_link", "synthetic/microphone_front")],
        [("torso", "synthetic/imu_link")],
    ]
    imu = next(m for m in transforms(host) if m.child_frame_id == "synthetic/imu_link")
    assert imu.transform.translation.z == 0.25
    assert imu.transform.rotation.w == 1.0


def transforms(host: LockstepHost) -> list[Any]:
    return [
        item
        for output in host.outputs
        if output.topic == "/tf_static"
        for item in output.message().transforms
    ]


def test_a_recording_publishes_one_message_for_all_its_sensors(
    host: LockstepHost, media: Path, imu_csv: Path
) -> None:
    host.add(RecordingNode, parameters={"media": str(media), "imu_csv": str(imu_csv)})
    host.run_for(3.0)
    assert published(host) == [
        [
            ("base_link", "camera_front_link"),
            ("camera_front_link", "camera_front_optical_frame"),
            ("base_link", "microphone_front"),
            ("base_link", "imu_link"),
        ]
    ]


@pytest.mark.parametrize("topic", ["/tf_static", "/tf"])
def test_frames_of_the_robot_are_left_to_it(host: LockstepHost, topic: str) -> None:
    host.add(CameraNode, parameters=SYNTHETIC)
    host.run_for(1.5)
    robot_publishes(host, topic, LINK)
    host.run_for(2.0)
    assert published(host) == [[(LINK, OPTICAL)]]
    assert "camera_front_link" in texts(host, "info")


def test_a_robot_that_comes_later_takes_its_frame_over(host: LockstepHost) -> None:
    host.add(ImuNode, parameters=SYNTHETIC)
    host.run_for(3.0)
    robot_publishes(host, "/tf_static", "synthetic/imu_link")
    host.run_for(1.0)
    assert published(host) == [[("base_link", "synthetic/imu_link")], []]


def test_the_same_transform_from_elsewhere_changes_nothing(host: LockstepHost) -> None:
    host.add(ImuNode, parameters=SYNTHETIC)
    host.run_for(3.0)
    publish_foreign(host, "/tf_static", TYPE, TFMessage(transforms=transforms(host)))
    host.run_for(1.0)
    assert published(host) == [[("base_link", "synthetic/imu_link")]]


@pytest.mark.parametrize(
    "parameters", [{"publish_tf": False}, {"backend": "topic", "topic": "/robot/imu"}]
)
def test_nothing_is_published_when_not_wanted_or_for_the_frame_of_another_node(
    host: LockstepHost, parameters: dict[str, object]
) -> None:
    host.add(ImuNode, parameters={**SYNTHETIC, **parameters})
    host.run_for(5.0)
    assert published(host) == []


def test_of_a_sensor_that_is_not_there_nothing_is_published(
    host: LockstepHost, tmp_path: Path
) -> None:
    host.add(ImuNode, parameters={"iio_root": str(tmp_path)})
    host.run_for(5.0)
    assert published(host) == []


def test_a_place_of_two_numbers_is_refused(host: LockstepHost) -> None:
    with pytest.raises(InvalidInput, match="position_m"):
        host.add(ImuNode, parameters={**SYNTHETIC, "position_m": [1.0, 2.0]})
