"""What was recognised, as vision_msgs has it."""

from __future__ import annotations

import pytest
from vision_msgs.msg import VisionClass

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Label, Labels
from sage_common.ros.conversions.labels import (
    classification,
    detection_array,
    label_info,
    labels_of_classification,
    labels_of_detections,
    vocabulary_of,
)
from sage_common.ros.conversions.stamps import stamp_ns

NAMES = ("cup", "dog", "red car")
NUMBERS = {name: number for number, name in enumerate(NAMES)}
SIZE = (640, 480)
SEEN = Labels(
    "m-1@0", (Label(2, 0.5, (0.25, 0.5, 0.5, 0.25)), Label(0, 0.25, (0.0, 0.0, 1.0, 1.0)))
)


def test_classes_there_and_back() -> None:
    named = Labels("m-1@0", (Label(2, 0.5), Label(0, 0.25)))
    message = classification(named, NAMES, 7, "front")
    assert [result.class_id for result in message.results] == ["red car", "cup"]
    assert stamp_ns(message.header.stamp) == 7 and message.header.frame_id == "front"
    assert labels_of_classification(message, "m-1@0", NUMBERS) == named


def test_detections_there_and_back() -> None:
    message = detection_array(SEEN, NAMES, 7, "front", SIZE)
    box = message.detections[0].bbox
    assert (box.center.position.x, box.center.position.y) == (320.0, 300.0)
    assert (box.size_x, box.size_y) == (320.0, 120.0)
    assert labels_of_detections(message, "m-1@0", NUMBERS, SIZE) == SEEN


def test_the_best_come_first_and_a_box_is_cut_at_the_edges() -> None:
    message = detection_array(SEEN, NAMES, 7, "front", SIZE)
    message.detections[1].results[0].hypothesis.score = 0.75
    message.detections[1].bbox.center.position.x = -320.0
    found = labels_of_detections(message, "m-1@0", NUMBERS, SIZE)
    assert [label.number for label in found.labels] == [0, 2]
    assert found.labels[0].box == (0.0, 0.0, 0.0, 1.0)


def test_unknown_classes_are_refused_by_name() -> None:
    message = classification(SEEN, NAMES, 7, "front")
    with pytest.raises(InvalidInput, match="red car"):
        labels_of_classification(message, "m-1@0", {"cup": 0})
    found = detection_array(SEEN, NAMES, 7, "front", SIZE)
    found.detections[1].results = []
    with pytest.raises(InvalidInput, match=r"detections\[1\]\.results"):
        labels_of_detections(found, "m-1@0", NUMBERS, SIZE)


def test_a_vocabulary_there_and_back() -> None:
    message = label_info("m-1@0", NAMES)
    message.class_map.reverse()
    assert vocabulary_of(message) == ("m-1@0", NAMES)
    message.class_map.append(VisionClass(class_id=9, class_name="lamp"))
    with pytest.raises(InvalidInput, match="class_id"):
        vocabulary_of(message)
    message.class_map[-1].class_id = 0
    with pytest.raises(InvalidInput, match="class_id"):
        vocabulary_of(message)
