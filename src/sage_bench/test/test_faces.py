"""What counts as a blurred face, and as a blurred area that is none."""

from __future__ import annotations

import json

import numpy as np

from sage_bench.recognition.faces import MARKED, Scene

FACES = np.array([[10.0, 10.0, 20.0, 20.0], [40.0, 40.0, 60.0, 60.0]])


def scene(found: list[list[float]], blurred: list[list[int]]) -> Scene:
    boxes = np.array(found, np.float64).reshape(-1, 4)
    return Scene(FACES, boxes, np.array(blurred, np.int64).reshape(-1, 4), 0.0)


def test_a_face_is_blurred_where_its_middle_is_and_alike_where_boxes_agree() -> None:
    one = scene([[10, 10, 20, 21], [0, 0, 5, 5]], [[9, 9, 21, 22], [0, 0, 6, 6]])
    assert one.hit(one.blurred).tolist() == [True, False]
    assert one.alike().tolist() == [True, False]
    assert one.false() == 1
    beside = scene([[16, 10, 26, 20]], [[14, 9, 28, 21]])
    assert beside.hit(beside.blurred).tolist() == [True, False]
    assert beside.alike().tolist() == [False, False] and beside.false() == 0


def test_where_nothing_is_found_nothing_is_blurred() -> None:
    none = scene([], [])
    assert none.hit(none.blurred).tolist() == none.alike().tolist() == [False, False]
    assert none.false() == 0


def test_what_was_marked_is_whole() -> None:
    faces = json.loads(MARKED.read_text(encoding="utf-8"))["faces"]
    assert sum(map(len, faces.values())) == 102
    for name, boxes in faces.items():
        assert name.endswith(".jpg")
        for left, top, width, height in boxes:
            assert left >= 0 and top >= 0 and width >= 8 and height >= 8
