"""What plugins recognise comes in, and goes to the moments that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

from sensor_msgs.msg import CameraInfo
from vision_msgs.msg import Classification, Detection2DArray, LabelInfo

from sage_common.core.labels import Labels
from sage_common.core.state.fields import Transient
from sage_common.core.state.stateful import Stateful
from sage_common.ros.conversions.labels import (
    labels_of_classification,
    labels_of_detections,
    vocabulary_of,
)
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.node import SageNode
from sage_memory.core.experience import Experience
from sage_memory.core.ingest.label_matcher import LabelMatcher, Sighting
from sage_memory.core.labels.packing import Recognised
from sage_memory.params import MemoryParameters

PAYLOADS = ("picture", "sound")
"""Kinds of senses in which something can be recognised."""
UNKNOWN_SIZE = (1, 1)
Label = Callable[[bytes, Recognised], None]


class LabelIntake(Stateful):
    """Hears classes, detections and vocabularies of the modalities that are remembered.

    Boxes come in pixels of the native picture, whose size the camera says; until it does, things
    are kept without them. Labels of a model whose vocabulary was not published yet are counted and
    dropped.

    Args:
        node: that hears.
        parameters: of the node.
        label: called with the id of a moment that is kept already, and what it shows.
    """

    _matcher: Transient[LabelMatcher]
    _unknown: Transient[int]

    def __init__(self, node: SageNode, parameters: MemoryParameters, label: Label) -> None:
        self._node = node
        self._label = label
        specs = node.modality_specs
        sounds = [m for m in parameters.modalities if specs[m].payload == "sound"]
        window_s, after_s = parameters.labels_window_s, parameters.sound_labels_s
        self._matcher = LabelMatcher(window_s, sounds, after_s)
        self._unknown = 0
        for modality in (m for m in parameters.modalities if specs[m].payload in PAYLOADS):
            hear = partial(node.subscribe, modality=modality)
            hear("label_info", partial(self._on_vocabulary, modality))
            hear("classes", partial(self._on_classes, modality))
            hear("detections", partial(self._on_detections, modality))
        self._camera = node.keep_latest("camera/info", 1, name=parameters.camera)

    def before(self, experience: Experience) -> list[Recognised]:
        """What was recognised up to now in a moment that is about to be kept; from any thread."""
        return self._named(experience.modality, self._matcher.before(experience))

    def kept(self, experience: Experience, had: list[Recognised]) -> None:
        """Note a moment that was kept with what it `had`, and label it with what has come since."""
        came = self._matcher.kept(experience, [labels for labels, _ in had])
        for identifier, labels in came:
            (recognised,) = self._named(experience.modality, [labels])
            self._label(identifier, recognised)

    def _named(self, modality: str, found: Iterable[Labels]) -> list[Recognised]:
        return [(one, self._matcher.vocabulary(modality, one.model_id).names) for one in found]

    def _on_vocabulary(self, modality: str, message: LabelInfo) -> None:
        self._matcher.announce(modality, *vocabulary_of(message))

    def _on_classes(self, modality: str, message: Classification) -> None:
        numbers, model_id = self._known(modality, [one.class_id for one in message.results])
        if model_id:
            found = labels_of_classification(message, model_id, numbers)
            self._see(modality, message, found, has_boxes=False)

    def _on_detections(self, modality: str, message: Detection2DArray) -> None:
        names = [one.hypothesis.class_id for each in message.detections for one in each.results]
        numbers, model_id = self._known(modality, names)
        if not model_id:
            return
        size = self._picture_size()
        found = labels_of_detections(message, model_id, numbers, size)
        if size == UNKNOWN_SIZE:
            found = replace(found, labels=tuple(replace(one, box=None) for one in found.labels))
        self._see(modality, message, found, has_boxes=True)

    def _picture_size(self) -> tuple[int, int]:
        info: CameraInfo | None = self._camera.newest()
        if info is None or not (info.width and info.height):
            return UNKNOWN_SIZE
        return int(info.width), int(info.height)

    def _known(self, modality: str, names: list[str]) -> tuple[Mapping[str, int], str]:
        """Numbers of the classes by name, and the model; empty if none that is known has them."""
        model_id = self._matcher.model_of(modality, names)
        if not model_id:
            self._unknown += 1
            self._node.diagnose(labels_of_unknown_models=self._unknown)
            return {}, ""
        return self._matcher.vocabulary(modality, model_id).numbers, model_id

    def _see(
        self,
        modality: str,
        message: Classification | Detection2DArray,
        found: Labels,
        has_boxes: bool,
    ) -> None:
        stamp, source = stamp_ns(message.header.stamp), message.header.frame_id
        sighting = Sighting(modality, source, stamp, has_boxes, found)
        for identifier, labels in self._matcher.see(sighting):
            (recognised,) = self._named(modality, [labels])
            self._label(identifier, recognised)
