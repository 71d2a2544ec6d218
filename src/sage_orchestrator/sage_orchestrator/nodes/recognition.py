"""Publishes what plugins recognised, as vision_msgs has it."""

from __future__ import annotations

from collections.abc import Sequence

from std_msgs.msg import Header

from sage_common.core.state.fields import Transient
from sage_common.core.state.stateful import Stateful
from sage_common.ros.conversions.labels import classification, detection_array, label_info
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.node import SageNode
from sage_msgs.msg import Utterance
from sage_orchestrator.core.plugin import Task
from sage_orchestrator.core.running.recognised import Recognised
from sage_orchestrator.core.running.words import RecognisedWords

PAYLOADS = ("picture", "sound")
"""Kinds of senses in which something can be recognised."""


class Recognition(Stateful):
    """Classes, detections, and the vocabularies of their models, for each sense that has a
    picture or a sound; and words.

    Args:
        node: that publishes.
        modalities: that it works on.
    """

    _described: Transient[dict[str, list[str]]]
    """Models whose vocabularies were published, by modality."""

    def __init__(self, node: SageNode, modalities: Sequence[str]) -> None:
        specs = node.modality_specs
        named = [m for m in modalities if m in specs and specs[m].payload in PAYLOADS]
        self._classes = {m: node.publisher("classes", modality=m) for m in named}
        self._detections = {m: node.publisher("detections", modality=m) for m in named}
        self._label_info = {m: node.publisher("label_info", modality=m) for m in named}
        self._text = node.publisher("text")
        self._described = {}

    def publish(self, task: Task, found: Sequence[Recognised]) -> None:
        """Publish what models recognised in the percept of a task, where that can be."""
        if task.modality in self._classes:
            for one in found:
                self._publish(task, one)

    def _publish(self, task: Task, found: Recognised) -> None:
        modality, vocabulary = task.modality, found.vocabulary
        described = self._described.setdefault(modality, [])
        if vocabulary.model_id not in described:
            described.append(vocabulary.model_id)
            self._label_info[modality].publish(label_info(vocabulary.model_id, vocabulary.names))
        stamp, source, names = task.stamp_ns, task.source, vocabulary.names
        if found.classes is not None:
            self._classes[modality].publish(classification(found.classes, names, stamp, source))
        if found.detections is not None:
            size = found.width, found.height
            message = detection_array(found.detections, names, stamp, source, size)
            self._detections[modality].publish(message)

    def utter(self, plugin: str, task: Task, words: RecognisedWords | None) -> None:
        """Publish what a plugin read or heard in the percept of a task, if anything."""
        if words is not None:
            stamp_ns = task.stamp_ns if words.end_ns is None else words.end_ns
            header = Header(stamp=to_stamp(stamp_ns), frame_id=plugin)
            self._text.publish(
                Utterance(header=header, text=words.text, confidence=words.confidence)
            )
