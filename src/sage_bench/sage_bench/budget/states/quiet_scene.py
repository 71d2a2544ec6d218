"""A quiet scene with bangs: a still picture with a camera's noise, near silence, and now and then a
loud recorded sound, or a photograph that is moved through the picture.

Scene, noise and times are generated from a seed; the sounds are the loudest parts of clips of
ESC-10 (folds 1 to 4), and the photographs those of the data folder, none of them twice.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import soundfile
from numpy.typing import NDArray

SOUNDS = Path("audio", "esc10_folds1to4_16k_flac.zip")
PHOTOS = Path("images", "photos800_224px.zip")
SUDDEN = ("dog", "sneez", "rooster", "cry")
"""Classes of sounds, by parts of their names."""
WIDTH, HEIGHT, FRAMES_PER_S, SAMPLES_PER_S = 424, 240, 30, 16_000
NOISE, HISS = 1.5, 0.002
"""Standard deviations: of a pixel, of 255, and of a sample of full scale 1."""
NOISES = 61
"""Pictures of noise, from which one is drawn for each frame."""
BANG_S, MOTION_S, PEAK, SIDE = 0.6, 0.6, 0.8, 160
SEED = 20


@dataclass(frozen=True)
class Event:
    """Something sudden.

    Attributes:
        time_s: when, in the scene [s].
        sound: float64 samples at 16 kHz; None: it is a motion.
        photo: uint8 RGB [160, 160, 3] that is moved; None: it is a sound.
        is_soft: it is a sound that is not loud.
    """

    time_s: float
    sound: NDArray[np.float64] | None = None
    photo: NDArray[np.uint8] | None = None
    is_soft: bool = False

    def softened(self, factor: float) -> Event:
        """The same sound, its samples multiplied by `factor`."""
        assert self.sound is not None
        return Event(self.time_s, self.sound * factor, is_soft=True)


def events_of(data: Path, count: int) -> list[Event]:
    """Sounds and motions by turns, all at time 0.

    Raises:
        FileNotFoundError: the recordings are not in the folder `data`.
    """
    sounds, photos = _sounds(data / SOUNDS, count), _photos(data / PHOTOS, count)
    pairs = zip(sounds[: (count + 1) // 2], photos, strict=False)
    return [
        event
        for sound, photo in pairs
        for event in (Event(0.0, sound=sound), Event(0.0, photo=photo))
    ][:count]


def write_scene(path: Path, length_s: int, events: Sequence[Event]) -> None:
    """Write the scene as H.264 and FLAC in Matroska."""
    generator = np.random.default_rng(SEED)
    still = _still()
    noise = generator.normal(0.0, NOISE, (NOISES, HEIGHT, WIDTH, 1)).round().astype(np.int16)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FRAMES_PER_S)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"preset": "ultrafast", "crf": "23"}
        video.gop_size = 1  # a picture that is coded anew now and then looks changed
        audio = container.add_stream("flac", rate=SAMPLES_PER_S)
        audio.layout = "mono"
        for second in range(length_s):
            for packet in audio.encode(_sound_frame(_heard(second, events, generator), second)):
                container.mux(packet)
            for index in range(FRAMES_PER_S):
                time_s = second + index / FRAMES_PER_S
                seen = _with_motion(still, time_s, events) + noise[generator.integers(NOISES)]
                picture = np.clip(seen, 0, 255).astype(np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts = second * FRAMES_PER_S + index
                frame.time_base = Fraction(1, FRAMES_PER_S)
                for packet in video.encode(frame):
                    container.mux(packet)
        for stream in (video, audio):
            for packet in stream.encode():
                container.mux(packet)


def _still() -> NDArray[np.int16]:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    grey = 90.0 + 60.0 * np.sin(columns / 37.0) * np.cos(rows / 23.0)
    return np.stack([grey, grey * 0.9 + 10.0, grey * 0.8 + 20.0], axis=2).astype(np.int16)


def _with_motion(
    still: NDArray[np.int16], time_s: float, events: Sequence[Event]
) -> NDArray[np.int16]:
    """The still picture with the photograph that moves through it at this time."""
    for event in events:
        if event.photo is not None and event.time_s <= time_s < event.time_s + MOTION_S:
            picture = still.copy()
            left = round((WIDTH - SIDE) * (time_s - event.time_s) / MOTION_S)
            top = (HEIGHT - SIDE) // 2
            picture[top : top + SIDE, left : left + SIDE] = event.photo
            return picture
    return still


def _heard(
    second: int, events: Sequence[Event], generator: np.random.Generator
) -> NDArray[np.float64]:
    samples = generator.normal(0.0, HISS, SAMPLES_PER_S)
    for event in events:
        if event.sound is not None:
            first = round((event.time_s - second) * SAMPLES_PER_S)
            begin, end = max(first, 0), min(first + len(event.sound), SAMPLES_PER_S)
            if begin < end:
                samples[begin:end] += event.sound[begin - first : end - first]
    return samples


def _sounds(path: Path, count: int) -> list[NDArray[np.float64]]:
    """The loudest parts of clips, class by class in turn; each begins where it is loud."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".flac")]
        classes = [[name for name in names if part in name.lower()] for part in SUDDEN]
        chosen = [group[place] for place in range(count) for group in classes if place < len(group)]
        return [_loudest(archive.read(name)) for name in chosen[:count]]


def _loudest(clip: bytes) -> NDArray[np.float64]:
    samples, _ = soundfile.read(io.BytesIO(clip))
    size = round(BANG_S * SAMPLES_PER_S)
    onset = int(np.argmax(np.abs(samples) > 0.5 * np.abs(samples).max()))
    part = samples[onset : onset + size]
    return np.asarray(part * PEAK / np.abs(part).max())


def _photos(path: Path, count: int) -> list[NDArray[np.uint8]]:
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        step = max(len(names) // count, 1)
        return [_square(archive.read(name)) for name in names[::step][:count]]


def _square(data: bytes) -> NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise FileNotFoundError("a photograph that cannot be read")
    resized = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), (SIDE, SIDE))
    return np.asarray(resized, np.uint8)


def _sound_frame(samples: NDArray[np.float64], second: int) -> av.AudioFrame:
    values = (np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16)[None, :]
    frame = av.AudioFrame.from_ndarray(values, format="s16", layout="mono")
    frame.sample_rate, frame.pts = SAMPLES_PER_S, second * SAMPLES_PER_S
    frame.time_base = Fraction(1, SAMPLES_PER_S)
    return frame
