"""Between what was recognised and the messages of vision_msgs.

`header.stamp` is that of the percept, `header.frame_id` its source, `class_id` the name of a class;
`LabelInfo` says which names a model has, in the order of their numbers, and in `header.frame_id`
which model it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from std_msgs.msg import Header
from vision_msgs.msg import (
    BoundingBox2D,
    Classification,
    Detection2D,
    Detection2DArray,
    LabelInfo,
    ObjectHypothesis,
    ObjectHypothesisWithPose,
    VisionClass,
)

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import MOST_LABELS, Label, Labels
from sage_common.ros.conversions.stamps import to_stamp

Size = tuple[int, int]
"""Width and height of a picture [px]."""


def label_info(model_id: str, names: Sequence[str]) -> LabelInfo:
    """The vocabulary of a model."""
    classes = [VisionClass(class_id=number, class_name=name) for number, name in enumerate(names)]
    message = LabelInfo(class_map=classes)
    message.header.frame_id = model_id
    return message


def vocabulary_of(message: LabelInfo) -> tuple[str, tuple[str, ...]]:
    """The id of a model, and its names in the order of their numbers.

    Raises:
        InvalidInput: numbers that are not 0, 1, 2 ...
    """
    names = {item.class_id: item.class_name for item in message.class_map}
    if sorted(names) != list(range(len(message.class_map))):
        raise InvalidInput("class_map.class_id", sorted(names)[:8], "each number from 0 on, once")
    return message.header.frame_id, tuple(names[number] for number in range(len(names)))


def classification(
    labels: Labels, names: Sequence[str], stamp_ns: int, source: str
) -> Classification:
    """Classes of a percept."""
    results = [_hypothesis(label, names) for label in labels.labels]
    return Classification(header=_header(stamp_ns, source), results=results)


def detection_array(
    labels: Labels, names: Sequence[str], stamp_ns: int, source: str, size: Size
) -> Detection2DArray:
    """Things in a picture of that size; each label has its box."""
    message = Detection2DArray(header=_header(stamp_ns, source))
    for label in labels.labels:
        found = ObjectHypothesisWithPose(hypothesis=_hypothesis(label, names))
        box = _box(label, size)
        message.detections.append(Detection2D(header=message.header, results=[found], bbox=box))
    return message


def labels_of_classification(
    message: Classification, model_id: str, numbers: Mapping[str, int]
) -> Labels:
    """The labels of a message, best first, at most 32.

    Args:
        numbers: of the classes, by name.

    Raises:
        InvalidInput: a class that the model does not have.
    """
    named = [_label(result, numbers, None) for result in message.results]
    return _best(model_id, named)


def labels_of_detections(
    message: Detection2DArray, model_id: str, numbers: Mapping[str, int], size: Size
) -> Labels:
    """The labels of a message, each with its box, best first, at most 32; of each thing the most
    probable class counts.

    Args:
        numbers: of the classes, by name.
        size: of the picture.

    Raises:
        InvalidInput: a class that the model does not have, or a thing without any.
    """
    named = []
    for place, found in enumerate(message.detections):
        if not found.results:
            raise InvalidInput(f"detections[{place}].results", [], "one hypothesis or more")
        best = max((result.hypothesis for result in found.results), key=lambda one: one.score)
        named.append(_label(best, numbers, _shares(found.bbox, size)))
    return _best(model_id, named)


def _header(stamp_ns: int, source: str) -> Header:
    return Header(stamp=to_stamp(stamp_ns), frame_id=source)


def _hypothesis(label: Label, names: Sequence[str]) -> ObjectHypothesis:
    return ObjectHypothesis(class_id=names[label.number], score=float(label.probability))


def _label(
    result: ObjectHypothesis, numbers: Mapping[str, int], box: tuple[float, ...] | None
) -> Label:
    if result.class_id not in numbers:
        raise InvalidInput("class_id", result.class_id, "a class of the LabelInfo of its topic")
    return Label(numbers[result.class_id], float(result.score), box)  # type: ignore[arg-type]


def _best(model_id: str, labels: list[Label]) -> Labels:
    ordered = sorted(labels, key=lambda label: -label.probability)
    return Labels(model_id, tuple(ordered[:MOST_LABELS]))


def _box(label: Label, size: Size) -> BoundingBox2D:
    """In pixels; the whole picture where a label has no box."""
    left, top, width, height = label.box or (0.0, 0.0, 1.0, 1.0)
    message = BoundingBox2D(size_x=width * size[0], size_y=height * size[1])
    message.center.position.x = (left + width / 2.0) * size[0]
    message.center.position.y = (top + height / 2.0) * size[1]
    return message


def _shares(box: BoundingBox2D, size: Size) -> tuple[float, float, float, float]:
    """In shares of the picture, what lies outside cut off."""
    width, height = size
    at = box.center.position
    left = min(max((at.x - box.size_x / 2.0) / width, 0.0), 1.0)
    top = min(max((at.y - box.size_y / 2.0) / height, 0.0), 1.0)
    right = min(max((at.x + box.size_x / 2.0) / width, left), 1.0)
    bottom = min(max((at.y + box.size_y / 2.0) / height, top), 1.0)
    return left, top, right - left, bottom - top
