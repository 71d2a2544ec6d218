"""What plugins see along a recording: frames with photographs of known classes in them, and the
same from a second camera that is in the dark and out of focus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np

from sage_bench.encoders.section import Setting
from sage_bench.recognition.pictures import Pixels, photographs
from sage_bench.salience.streams import inertial
from sage_common.core.puzzle import Percept
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.joints import Joints
from sage_encoders.core.proprioception import ProprioceptionEncoder
from sage_encoders.core.recognition.concepts import read_concepts
from sage_encoders.core.vision import MODEL, VisionEncoder
from sage_orchestrator.core.plugin import Region

TICK_NS = 100_000_000
FRAMES_A_TICK = 3
SIDES_PX = (56, 200)
KITCHEN, WALK = Path("video", "kitchen_sound.mkv"), Path("video", "gopro_max_walk.mp4")
HUSKY = Path("bags", "husky_imu_odom_gps.bag")
WARM_UP_PASSES, PASSES = 1, 4
"""The scorers first get used to the recording; a short run measures one pass."""
SHOWN_TICKS = 5
"""So long each photograph is there: a new one stands out, and then no longer."""
BRIGHTNESS, BLUR_PX = 0.03, 8.0
"""Of the second camera: what it shows of the light, and the standard deviation of its blur."""


@dataclass(frozen=True)
class Scene:
    """Pictures with a photograph of a known class in what is attended.

    Attributes:
        images: by source, "front" and "dark".
        region: of both that is attended.
        number: of the class.
    """

    images: Mapping[str, Pixels]
    region: Region
    number: int


class Moment(NamedTuple):
    """What is sensed at one tick.

    Attributes:
        percept, dark: of the recording, and of the second camera.
        scene: what is looked at; None: nothing, the scorers warm up.
    """

    percept: Percept
    dark: Percept
    scene: Scene | None


def moments(name: str, setting: Setting) -> Iterator[Moment]:
    """One each 0.1 s."""
    frames = _frames(setting.file(WALK if name == "walk" else KITCHEN))
    photos = list(photographs(setting.data, read_concepts(setting.models)))
    passes = WARM_UP_PASSES + (1 if setting.quick else PASSES)
    rng = np.random.default_rng(0)
    encoder = VisionEncoder(REGISTRY.open(MODEL, setting.models, "auto", "cpu").model, resize)
    felt = _felt(setting.file(HUSKY)) if name == "husky" else None
    for tick in range(passes * len(frames)):
        if tick % SHOWN_TICKS == 0:
            number, photo = photos[int(rng.integers(len(photos)))]
            region = _place(frames[0], rng)
        scene = _scene(frames[tick % len(frames)].copy(), photo, number, region)
        seen = {
            source: encoder.encode(image, 10**12 + tick * TICK_NS, source)
            for source, image in scene.images.items()
        }
        percept = seen["front"] if felt is None else next(felt)
        is_warm = tick >= WARM_UP_PASSES * len(frames)
        yield Moment(percept, seen["dark"], scene if is_warm else None)


def _frames(path: Path) -> list[Pixels]:
    with av.open(str(path)) as recording:
        return [
            np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            for number, frame in enumerate(recording.decode(video=0))
            if number % FRAMES_A_TICK == 0
        ]


def _felt(path: Path) -> Iterator[Percept]:
    """Percepts of the IMU, ten a second, from when it has been heard for a second."""
    encoder = ProprioceptionEncoder("imu", Joints())
    for number, row in enumerate(inertial.of_bag(path).tolist()):
        encoder.add_imu(10**12 + number * 10_000_000, row[3:], row[:3], None)
        percept = encoder.percept() if number >= 100 and number % 10 == 0 else None
        if percept is not None:
            yield percept


def _place(frame: Pixels, rng: np.random.Generator) -> Region:
    height, width = frame.shape[:2]
    side = int(rng.integers(*SIDES_PX))
    return Region(int(rng.integers(width - side)), int(rng.integers(height - side)), side, side)


def _scene(frame: Pixels, photo: Pixels, number: int, region: Region) -> Scene:
    size = (region.width, region.height)
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    right, bottom = region.left + region.width, region.top + region.height
    frame[region.top : bottom, region.left : right] = small
    dark = cv2.GaussianBlur(frame, (0, 0), BLUR_PX) * BRIGHTNESS
    return Scene({"front": frame, "dark": dark.astype(np.uint8)}, region, number)
