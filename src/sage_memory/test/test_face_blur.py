"""Faces in kept pictures become one colour, or pictures are not kept."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import node_inputs as inputs
import numpy as np
import pytest

from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.core.recognition.face_detector import MODEL
from sage_memory import Memory, Query
from sage_memory.backends import face_blur
from sage_memory.backends.face_blur import FaceBlur, widened
from sage_memory.backends.payload_decoding import picture
from sage_memory.nodes.memory_node import MemoryNode

FRAME = 1_000_000_000 // 30
PEAK = [0.2] * 6 + [0.9] + [0.2] * 8


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGE_MODELS", str(Path(sys.prefix, "share", "sage_encoders", "models")))


FACE = np.s_[110:130, 164:176]
"""Eyes to mouth of the drawn one."""


def drawn_face() -> np.ndarray:
    """A small face as a child draws it; RGB."""
    image = np.full((240, 320, 3), 120, np.uint8)
    cv2.ellipse(image, (160, 120), (45, 60), 0, 0, 360, (225, 180, 150), -1)
    cv2.ellipse(image, (160, 75), (48, 25), 0, 180, 360, (60, 40, 30), -1)
    for x in (143, 177):
        cv2.ellipse(image, (x, 105), (8, 5), 0, 0, 360, (255, 255, 255), -1)
        cv2.circle(image, (x, 105), 4, (30, 20, 20), -1)
        cv2.ellipse(image, (x, 95), (10, 3), 0, 0, 360, (70, 45, 35), -1)
    cv2.line(image, (160, 108), (156, 130), (190, 140, 120), 3)
    cv2.ellipse(image, (160, 150), (18, 7), 0, 0, 180, (170, 60, 60), -1)
    small = cv2.resize(cv2.GaussianBlur(image, (5, 5), 0), None, fx=0.25, fy=0.25)
    picture = np.full((240, 320, 3), 120, np.uint8)
    picture[90:150, 130:210] = small
    return picture


def colours(picture: np.ndarray) -> int:
    """By how much the colours of the face differ, at most."""
    return int(np.ptp(picture[FACE].astype(int), axis=(0, 1)).max())


def live(home: Path, image: np.ndarray, **parameters) -> LockstepHost:
    host = LockstepHost(home=home)
    settings = {"device_id": "robot", "name_pictures": False, "blur_faces": True, **parameters}
    host.add(MemoryNode, parameters=settings)
    for index, total in enumerate(PEAK):
        stamp = DEFAULT_START_NS + index * FRAME
        message = array_to_image(image, "rgb8", inputs.header(stamp))
        host.publish("camera/image_raw", message, name="front")
        host.publish("puzzle", inputs.puzzle(stamp), modality="vision")
        host.publish("fused_salience", inputs.fused(stamp, total))
    host.run_until(DEFAULT_START_NS + len(PEAK) * FRAME)
    return host


def kept_picture(home: Path) -> np.ndarray | None:
    with Memory.open(home, read_only=True) as memory:
        (answer,) = memory.recall(Query())
        data, fault = memory.payload(answer.experience)
        assert data or "no payload was kept" in fault
        return picture(data) if data else None


def test_of_a_face_one_colour_is_left() -> None:
    blur = FaceBlur()
    try:
        image = drawn_face()
        blurred = blur.blurred(image)
        assert colours(image) > 100 and colours(blurred) == 0
        assert (blurred[:20] == image[:20]).all() and (image == drawn_face()).all()
        bare = np.full((240, 320, 3), 120, np.uint8)
        assert (blur.blurred(bare) == bare).all()
        for size in ((1, 1), (7, 300), (33, 65)):
            assert blur.blurred(np.zeros((*size, 3), np.uint8)).shape == (*size, 3)
    finally:
        blur.close()


def test_what_is_coloured_is_larger_than_the_box_and_in_the_picture() -> None:
    found = widened(np.array([[10.0, 20.0, 30.0, 60.0], [0.0, 0.0, 4.0, 4.0]]), 100, 31)
    assert found.tolist() == [[7, 14, 31, 66], [0, 0, 5, 5]]
    assert widened(np.zeros((0, 4)), 10, 10).shape == (0, 4)


def test_a_kept_picture_has_no_face_and_the_network_is_given_back(tmp_path: Path) -> None:
    before = REGISTRY.open_models
    host = live(tmp_path, drawn_face())
    kept = kept_picture(tmp_path)
    assert kept is not None and colours(kept) <= 8, "what WebP makes of one colour"
    host.close()
    assert REGISTRY.open_models == before


def test_without_the_network_pictures_are_not_kept_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = models_folder() / f"{MODEL}.json"
    (tmp_path / card.name).write_bytes(card.read_bytes())
    monkeypatch.setenv("SAGE_MODELS", str(tmp_path))
    host = live(tmp_path / "home", drawn_face())
    assert kept_picture(tmp_path / "home") is None
    said = [line.text for line in host.logs if "OPTIONS=1" in line.text]
    assert "pictures are not kept" in said[0] and "kept without payload" in said[1]
    host.close()


def test_faces_are_as_they_were_unless_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face_blur, "FaceBlur", None)
    host = live(tmp_path, drawn_face(), blur_faces=False)
    kept = kept_picture(tmp_path)
    assert kept is not None and colours(kept) > 60
    host.close()


def test_pictures_of_another_sensor_are_not_kept(tmp_path: Path) -> None:
    own = ["rear /rear/image sensor_msgs/msg/Image"]
    host = LockstepHost(home=tmp_path)
    host.add(MemoryNode, parameters={"own_sensors": own, "blur_faces": True})
    assert any("rear: not kept" in line.text for line in host.logs)
    host.close()
