"""Faces in scenes: how many are blurred, by size, and what is blurred that is none.

The scenes are the photographs of tiny_coco, which chose nothing. Blurred is a face whose middle
lies in what becomes one colour.
"""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_bench.recognition.pictures import Pixels
from sage_bench.result import Row, row_of_samples
from sage_encoders.backends.model_registry import ModelRegistry
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.recognition.detector import overlaps
from sage_encoders.core.recognition.face_detector import MODEL, SIGNATURE, FaceDetector
from sage_memory.backends.face_blur import widened
from sage_memory.backends.payload_encoding import as_large_as_kept

SCENES = Path("images", "tiny_coco100.zip")
MARKED = Path(__file__).with_name("faces.json")
BANDS_PX = ((8, 15), (16, 31), (32, 1000))
ALIKE = 0.5
"""Intersection over union from which on a box that is found is that of the face."""
MS = 1e3
Edges = NDArray[np.float64]


@dataclass(frozen=True)
class Scene:
    """What is in a picture and what was found in it.

    Attributes:
        faces: edges of the faces that people marked, float64 [n, 4], in pixels.
        found: edges of those that the network finds, float64 [m, 4].
        blurred: edges of what becomes one colour, int64 [m, 4].
        taken_ms: time of finding them.
    """

    faces: Edges
    found: Edges
    blurred: NDArray[np.int64]
    taken_ms: float

    def hit(self, blurred: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether the middle of each face lies in one of `blurred`: bool [n]."""
        middles = (self.faces[:, :2] + self.faces[:, 2:]) / 2.0
        low, high = blurred[None, :, :2], blurred[None, :, 2:]
        inside = (low <= middles[:, None]) & (middles[:, None] <= high)
        return np.asarray(inside.all(axis=2).any(axis=1))

    def alike(self) -> NDArray[np.bool_]:
        """Whether a box that is found is that of the face: bool [n]."""
        near = [
            len(self.found) and overlaps(face, self.found).max() >= ALIKE for face in self.faces
        ]
        return np.array(near, np.bool_)

    def false(self) -> int:
        """How many blurred areas hold the middle of no face."""
        middles = (self.faces[:, :2] + self.faces[:, 2:]) / 2.0
        low, high = self.blurred[:, None, :2], self.blurred[:, None, 2:]
        inside = (low <= middles[None]) & (middles[None] <= high)
        return int((~inside.all(axis=2).any(axis=1)).sum())


def rows(data: Path, models: Path) -> tuple[Row, ...]:
    """Shares by size, beside boxes of another scene, and what is blurred that is no face."""
    with ModelRegistry().open(MODEL, models, "fp32", "cpu", signature=SIGNATURE) as model:
        detector = FaceDetector(model, resize)
        found = [_scene(detector, image, faces) for image, faces in scenes(data)]
    false = [scene.false() for scene in found]
    return (
        *(_band(found, least, most) for least, most in BANDS_PX),
        Row("faces: blurred areas that are none, a picture", float(np.mean(false)), "",
            samples=len(found)),
        row_of_samples("faces: finding them in a picture, p50",
                       [scene.taken_ms for scene in found], "ms"),
    )  # fmt: skip


def scenes(data: Path) -> Iterator[tuple[Pixels, Edges]]:
    """Pictures with the edges of the faces that people marked, all in order of their name."""
    marked = json.loads(MARKED.read_text(encoding="utf-8"))["faces"]
    with zipfile.ZipFile(data / SCENES) as archive:
        for name in sorted(name for name in archive.namelist() if name.endswith(".jpg")):
            coded = np.frombuffer(archive.read(name), np.uint8)
            image = cv2.cvtColor(cv2.imdecode(coded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
            boxes = np.array(marked.get(name, []), np.float64).reshape(-1, 4)
            faces = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
            yield np.asarray(image, np.uint8), faces


def _scene(detector: FaceDetector, image: Pixels, faces: Edges) -> Scene:
    """As the memory looks at a picture: as large as it is kept."""
    small = as_large_as_kept(image)
    began = time.perf_counter()
    found = detector.find(small)
    taken_ms = MS * (time.perf_counter() - began)
    scale = small.shape[1] / image.shape[1]
    return Scene(faces * scale, found, widened(found, *small.shape[:2]), taken_ms)


def _band(found: list[Scene], least_px: int, most_px: int) -> Row:
    """Of the faces of a size how many are blurred, beside boxes of the scene before."""
    hits, alike, elsewhere = [], [], []
    for scene, before in zip(found, found[-1:] + found[:-1], strict=True):
        width = scene.faces[:, 2] - scene.faces[:, 0]
        of_size = (width >= least_px) & (width < most_px + 1)
        hits += scene.hit(scene.blurred)[of_size].tolist()
        alike += scene.alike()[of_size].tolist()
        elsewhere += scene.hit(before.blurred)[of_size].tolist()
    sizes = f"{least_px} px and wider" if (least_px, most_px) == BANDS_PX[-1] else (
        f"{least_px} to {most_px} px wide"
    )  # fmt: skip
    beside = {f"box alike (IoU {ALIKE})": float(np.mean(alike)),
              "boxes of another picture": float(np.mean(elsewhere))}  # fmt: skip
    name = f"faces {sizes}: blurred"
    return Row(name, float(np.mean(hits)), "", None, "higher", beside, len(hits))
