"""The memory node names the pictures that it keeps."""

from __future__ import annotations

from pathlib import Path

import node_inputs as inputs
import pytest
from sensor_msgs.msg import CameraInfo

from sage_common.core.labels import Label, Labels
from sage_common.ros.conversions.labels import detection_array, label_info
from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.core.card import read_card
from sage_encoders.core.recognition import detector
from sage_encoders.core.recognition.concepts import read_concepts
from sage_encoders.core.recognition.picture_classifier import MODEL
from sage_memory import Memory
from sage_memory.core.recall.query import Query
from sage_memory.nodes.memory_node import MemoryNode

DETECTS = (models_folder() / f"{detector.MODEL}.onnx").is_file()
"""It is an option of the set-up."""
FRAME = 1_000_000_000 // 30
PEAK = [0.2] * 6 + [0.9] + [0.2] * 8


def kept_after(home: Path, **parameters) -> tuple[list[str], LockstepHost]:
    """Ids of the models that named the moment which is kept, and the host."""
    host = LockstepHost(home=home)
    host.add(MemoryNode, parameters={"device_id": "robot", **parameters})
    for index, total in enumerate(PEAK):
        stamp = DEFAULT_START_NS + index * FRAME
        host.publish("camera/image_raw", inputs.image(stamp), name="front")
        host.publish("puzzle", inputs.puzzle(stamp), modality="vision")
        host.publish("fused_salience", inputs.fused(stamp, total))
    host.run_until(DEFAULT_START_NS + len(PEAK) * FRAME)
    assert len(host.messages("experience")) == 1
    with Memory.open(home, read_only=True) as memory:
        (answer,) = memory.recall(Query())
        found = memory.labels(answer.experience.id)
    by_classes = [one for one in found if len(one.vocabulary) == 1000]
    by_objects = [one for one in found if len(one.vocabulary) == 80]
    assert all(len(one.labels) == 10 for one in by_classes)
    assert all(label.box is not None for one in by_objects for label in one.labels)
    assert not DETECTS or len(by_classes) == len(by_objects)
    return [one.model_id for one in by_classes], host


def test_a_kept_picture_is_named_and_the_model_is_given_back(tmp_path: Path) -> None:
    before = REGISTRY.open_models
    models, host = kept_after(tmp_path)
    (model,) = models
    assert model.startswith("efficientnet-lite0-1@")
    host.close()
    assert REGISTRY.open_models == before


def test_what_the_classifier_said_of_a_region_joins_what_its_picture_shows(tmp_path: Path) -> None:
    concepts, card = (
        read_concepts(models_folder()),
        read_card(models_folder() / f"{MODEL}_int8.json"),
    )
    names, host = concepts.class_names, LockstepHost(home=tmp_path)
    host.add(MemoryNode, parameters={"device_id": "robot"})
    host.publish("label_info", label_info(card.encoder_id, names), modality="vision")
    for index, total in enumerate(PEAK):
        stamp = DEFAULT_START_NS + index * FRAME
        host.publish(
            "camera/info", CameraInfo(header=inputs.header(stamp), width=16, height=8), name="front"
        )
        host.publish("camera/image_raw", inputs.image(stamp), name="front")
        host.publish("puzzle", inputs.puzzle(stamp), modality="vision")
        host.publish("fused_salience", inputs.fused(stamp, total))
        host.run_until(stamp)
        if total > 0.5:
            box = Labels(card.encoder_id, (Label(7, 0.6, (0.5, 0.0, 0.5, 1.0)),))
            found = detection_array(box, names, stamp, "front", (16, 8))
            host.publish("detections", found, modality="vision")
    host.run_for(1.0)
    host.close()
    with Memory.open(tmp_path, read_only=True) as memory:
        (answer,) = memory.recall(Query())
        found = memory.labels(answer.experience.id)
    ((_, _, labels),) = [one for one in found if one.model_id == card.encoder_id]
    assert len(labels) == 11 and [label.number for label in labels if label.box] == [7]


def test_objects_of_a_kept_picture_are_those_that_it_shows_not_those_of_a_frame_near_it(
    tmp_path: Path,
) -> None:
    if not DETECTS:
        pytest.skip("the detector is not installed: make demo OPTIONS=1, where npm is there")
    host = LockstepHost(home=tmp_path)
    card = read_card(models_folder() / f"{detector.MODEL}_int8.json")
    names = read_concepts(models_folder()).object_names
    host.add(MemoryNode, parameters={"device_id": "robot"})
    host.publish("label_info", label_info(card.encoder_id, names), modality="vision")
    zebra = Labels(card.encoder_id, (Label(names.index("zebra"), 0.9, (0.0, 0.0, 1.0, 1.0)),))
    for index, total in enumerate(PEAK):
        stamp = DEFAULT_START_NS + index * FRAME
        host.publish("camera/image_raw", inputs.image(stamp), name="front")
        host.publish("puzzle", inputs.puzzle(stamp), modality="vision")
        if total > 0.5:
            near = detection_array(zebra, names, stamp, "front", (16, 8))
            host.publish("detections", near, modality="vision")
        host.publish("fused_salience", inputs.fused(stamp, total))
    host.run_until(DEFAULT_START_NS + len(PEAK) * FRAME)
    host.close()
    with Memory.open(tmp_path, read_only=True) as memory:
        (answer,) = memory.recall(Query())
        found = memory.labels(answer.experience.id)
    (objects,) = [one for one in found if one.model_id == card.encoder_id]
    assert names.index("zebra") not in [label.number for label in objects.labels]


def test_one_parameter_switches_it_off(tmp_path: Path) -> None:
    models, host = kept_after(tmp_path, name_pictures=False)
    assert models == []
    host.close()


def test_without_the_model_moments_are_kept_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGE_MODELS", str(tmp_path))
    models, host = kept_after(tmp_path / "home")
    assert models == []
    assert any("kept pictures are not named" in line.text for line in host.logs)
    host.close()
