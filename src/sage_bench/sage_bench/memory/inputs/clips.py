"""Real pictures and seconds of sound, and what our vision and audio encoders make of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import Setting
from sage_bench.memory.inputs.embedded import Embedded
from sage_bench.salience.streams.percepts import cache_folder, fingerprint, write_arrays
from sage_common.core.puzzle import Percept
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core import audio, framing, log_mel, vision
from sage_training import data as recordings

VIDEOS = (Path("video/gopro_max_walk.mp4"), Path("video/kitchen_sound.mkv"))
SOUNDS = (recordings.ESC10, recordings.SPEECH, recordings.NOISE)
SQUARES = ((1, 3), (2, 6))
"""Of a frame: rows and columns of squares that overlap, whole height, then half of it."""
SEED = 11

Named = Iterator[tuple[str, Percept]]


def pictures(setting: Setting, apart: int) -> Embedded:
    """Squares of the frames of the recorded videos, and the photographs.

    Args:
        setting: folders of recordings and models.
        apart: each so-manyth frame and photograph is taken.

    Raises:
        FileNotFoundError: a recording is missing.
        ModelError: the encoder is missing.
    """
    model = setting.open(vision.MODEL)
    encoder = vision.VisionEncoder(model, resize)

    def percepts() -> Named:
        for name, pixels in _seen(setting, apart):
            yield name, encoder.encode(pixels, 0, "bench")

    files = [*VIDEOS, recordings.PHOTOGRAPHS, recordings.SCENES]
    words = ("pictures 1", model.encoder_id, str(apart), *_sizes(setting, files))
    return _kept(model.encoder_id, fingerprint(words, (vision, framing)), percepts)


def seconds(setting: Setting, apart: int) -> Embedded:
    """Seconds that end 100 ms after one another, as a graph hears them, of every recorded sound.

    Args:
        setting: folders of recordings and models.
        apart: each so-manyth is taken.

    Raises:
        FileNotFoundError: a recording is missing.
        ModelError: the encoder is missing.
    """
    model = setting.open(audio.MODEL)

    def percepts() -> Named:
        block = audio.PERIOD * apart
        for name, samples in _heard(setting):
            encoder = audio.AudioEncoder(model, "bench")
            for end in range(block, len(samples) + 1, block):
                stamp_ns = end * 1_000_000_000 // log_mel.SAMPLE_RATE
                percept = encoder.push(samples[end - block : end], stamp_ns)
                if percept is not None:
                    yield f"{name}, {end / log_mel.SAMPLE_RATE:.1f} s", percept

    words = ("seconds 1", model.encoder_id, str(apart), *_sizes(setting, [*VIDEOS, *SOUNDS]))
    return _kept(model.encoder_id, fingerprint(words, (audio, log_mel)), percepts)


def _sizes(setting: Setting, files: list[Path]) -> list[str]:
    """What distinguishes the recordings from others of the same names."""
    return [f"{path} {setting.file(path).stat().st_size}" for path in files]


def _kept(encoder_id: str, name: str, percepts: Callable[[], Named]) -> Embedded:
    """What an encoder makes of everything, or what the cache has of it, in random order."""
    cache = cache_folder()
    path = None if cache is None else cache / f"clips-{name}.npz"
    if path is not None and path.is_file():
        with np.load(path, allow_pickle=False) as kept:
            arrays = dict(kept)
    else:
        named = list(percepts())
        order = np.random.default_rng(SEED).permutation(len(named)).tolist()
        arrays = {
            "texts": np.array([named[index][0] for index in order]),
            "embeddings": np.stack([named[index][1].embedding for index in order]),
            "codes": np.stack([named[index][1].codes for index in order]),
        }
        if path is not None:
            write_arrays(path, arrays)
    return Embedded(tuple(arrays["texts"].tolist()), arrays["embeddings"], arrays["codes"],
                    encoder_id)  # fmt: skip


def _seen(setting: Setting, apart: int) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    for path in VIDEOS:
        with av.open(str(setting.file(path))) as container:
            frames = itertools.islice(enumerate(container.decode(video=0)), 0, None, apart)
            for number, frame in frames:
                pixels = frame.to_ndarray(format="rgb24")
                for index, square in enumerate(squares(pixels)):
                    yield f"{path.name} frame {number}, square {index}", square
    names, photographs = recordings.photographs(setting.file(recordings.PHOTOGRAPHS))
    yield from list(zip(names, photographs, strict=True))[::apart]
    scenes = recordings.scenes(setting.file(recordings.SCENES))
    yield from [(f"scene {number}", scene) for number, scene in enumerate(scenes)][::apart]


def squares(frame: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Squares of a picture that is at least as wide as high, evenly apart, by `SQUARES`."""
    height, width = frame.shape[:2]
    for rows, columns in SQUARES:
        side = height // rows
        for top in np.linspace(0, height - side, rows).astype(int).tolist():
            for left in np.linspace(0, width - side, columns).astype(int).tolist():
                yield np.ascontiguousarray(frame[top : top + side, left : left + side])


def _heard(setting: Setting) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for path in VIDEOS:
        yield path.name, _sound_of(setting.file(path))
    for path in SOUNDS:
        yield from recordings.sounds(setting.file(path))


def _sound_of(path: Path) -> NDArray[np.float32]:
    """Sound of a video, mono at 16 kHz, full scale 1."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=log_mel.SAMPLE_RATE)
    with av.open(str(path)) as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])
