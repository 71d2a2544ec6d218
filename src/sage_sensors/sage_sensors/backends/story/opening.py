"""Compositions read from files, and opened as tracks."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.synthetic import SYNTHETIC
from sage_sensors.backends.drawing import FrameDrawer
from sage_sensors.backends.media import MediaFile
from sage_sensors.backends.recording import RecordingTracks
from sage_sensors.backends.story.clip import VideoClip
from sage_sensors.backends.story.files import LONGEST_SOUND_S, Places
from sage_sensors.backends.story.tracks import StoryMotion, StoryPictures, StorySound, StoryWords
from sage_sensors.core.inertial_table import InertialTable
from sage_sensors.core.samples import ABSENT, Canvas, SourceError, blank_frame
from sage_sensors.core.story.composition import Composition, composition_of
from sage_sensors.core.story.laps import Happening, Laps
from sage_sensors.core.story.mixing import at_level, edged, looped
from sage_sensors.core.synthetic_walk import SyntheticWalk

STORY = "story"
"""The source that the demo plays."""
SUFFIXES = (".yaml", ".yml")
_DEMO = Path(str(importlib.resources.files("sage_sensors"))) / "demo"
EXTENDS = "extends"
DEEPEST = 3
OPEN_FILES = 8


def read_composition(path: Path, data: Path) -> Composition:
    """The composition of a file, all of whose recordings are there.

    `extends: other.yaml` takes everything from another file that is not said anew: keys of the
    top, and of `recordings` each recording.

    Raises:
        InvalidInput: naming the key and what was expected.
        SourceError: the file cannot be read.
    """
    try:
        composition = composition_of(_content(path))
        places = Places(path.parent, data)
        for name, file, is_media in _used(composition):
            places.check(f"recordings.{name}.file", file, is_media)
    except InvalidInput as fault:
        raise InvalidInput(f"{path}: {fault.field}", fault.value, fault.expected) from fault
    return composition


def demo_story(data: Path) -> Path:
    """The composition that the demo plays: of the recordings in `data` where they are at hand, else
    of what Python packages ship."""
    story = _DEMO / "story.yaml"
    try:
        read_composition(story, data)
    except InvalidInput:  # one of the recordings is not there
        return _DEMO / "story_of_packages.yaml"
    return story


def backends_of(composition: Composition, file: str) -> dict[str, str]:
    """For "camera", "microphone", "imu" and "text" what it is: "file:<name>, with what <file>
    mixes in", "synthetic" or "absent"."""
    bed = composition.bed

    def shown(name: str) -> str:
        if name == SYNTHETIC:
            return SYNTHETIC
        files = composition.recordings[name].files if name else ()
        return f"file:{Path(files[0]).name}, with what {file} mixes in" if files else ABSENT

    return {
        "camera": shown(bed.video),
        "microphone": shown(bed.sound),
        "imu": shown(bed.imu),
        "text": f"file:{file}" if any(event.words for event in composition.events) else ABSENT,
    }


class Story:
    """A composition with its recordings at hand.

    Args:
        path: of the composition.
        data: folder of recorded data.

    Attributes:
        composition, laps: what happens, and when.
        backends: what each stream is; see `backends_of`.

    Raises:
        InvalidInput, SourceError: as of `read_composition`.
    """

    def __init__(self, path: Path, data: Path) -> None:
        self.composition = read_composition(path, data)
        self.backends = backends_of(self.composition, path.name)
        self.laps = Laps(self.composition)
        self._places = Places(path.parent, data)
        self._media = lru_cache(OPEN_FILES)(lambda file: MediaFile(file))
        self._tables = lru_cache(OPEN_FILES)(lambda file: InertialTable(file))

    def tracks(
        self, loop: bool, width_px: int = 0, height_px: int = 0, canvas: Canvas = blank_frame
    ) -> RecordingTracks:
        """All tracks, of one lap, or of laps for ever.

        All pictures have one size: what was asked for, or that of the bed's video.

        Raises:
            SourceError, InvalidInput: a recording cannot be read, or is not what it should be.
        """
        bed = self.composition.bed
        backends, many = self.backends, 0 if loop else 1
        camera = microphone = imu = text = None
        bed_s = 0.0
        if bed.video:
            clip = self._clip("", 0)
            bed_s = clip.length_s
            size = (width_px, height_px) if width_px or height_px else _size(clip.media)
            drawer = FrameDrawer(*size, canvas)
            camera = StoryPictures(self.laps, self._clip, bed_s, drawer, many, backends["camera"])
        if bed.sound:
            self._bed_sound = looped(self._heard(bed.sound, 0, 0.0, bed_s))
            microphone = StorySound(
                self.laps, self._bed_sound, self._sound, many, backends["microphone"]
            )
        if bed.imu == SYNTHETIC:
            imu = SyntheticWalk()
        elif bed.imu:
            table = self._table(bed.imu, 0)
            length_s = bed_s or table.length_ns / NS_PER_S
            imu = StoryMotion(self.laps, table, length_s, self._table_of, many, backends["imu"])
        if backends["text"] != ABSENT:
            text = StoryWords(self.laps, many, backends["text"])
        return RecordingTracks(camera, microphone, imu, text, many * self.laps.lap_ns)

    def _file(self, name: str, take: int) -> str:
        files = self.composition.recordings[name].files
        return files[take % len(files)]

    def _clip(self, name: str, take: int) -> VideoClip:
        file = self._file(name or self.composition.bed.video, take)
        media = self._media(self._places.path(file))
        if not media.has_video:
            raise SourceError(f"recordings.{name}: no video in {file}")
        recording = self.composition.recordings[name or self.composition.bed.video]
        return VideoClip(media, recording.from_s, recording.until_s)

    def _table(self, name: str, take: int) -> InertialTable:
        return self._tables(self._places.path(self._file(name, take)))

    def _table_of(self, happening: Happening) -> tuple[InertialTable, float]:
        assert happening.event.motion is not None
        name = happening.event.motion.recording
        return self._table(name, happening.take), self.composition.recordings[name].from_s

    def _sound(self, happening: Happening) -> np.ndarray[Any, np.dtype[np.float32]]:
        change = happening.event.sound
        if change is None:
            return np.zeros(0, np.float32)
        own = self._heard(change.recording, happening.take, change.from_s, happening.event.for_s)
        return edged(own if change.replaces else at_level(own, self._bed_sound, change.level_db))

    def _heard(
        self, name: str, take: int, from_s: float, for_s: float
    ) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Sound of a recording, from a moment of its part on; `for_s` 0: to its end."""
        recording = self.composition.recordings[name]
        end_s = recording.until_s or recording.from_s + LONGEST_SOUND_S
        begin_s = recording.from_s + from_s
        until_s = min(begin_s + for_s, end_s) if for_s else end_s
        return self._places.sound(self._file(name, take), begin_s, until_s)


def _size(media: MediaFile) -> tuple[int, int]:
    return media.width_px, media.height_px


def _used(composition: Composition) -> Iterator[tuple[str, str, bool]]:
    """Names and files of the recordings that something plays, and whether it is seen or heard."""
    bed = composition.bed
    media, tables = {bed.video, bed.sound}, {bed.imu}
    for event in composition.events:
        media |= {change.recording for change in (event.picture, event.sound) if change is not None}
        tables |= {event.motion.recording} if event.motion is not None else set()
    for name in composition.recordings:
        if name in media | tables:
            yield from ((name, file, name in media) for file in composition.recordings[name].files)


def _content(path: Path, depth: int = 0) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"composition {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidInput("composition", path.name, f"YAML: {error}") from error
    if not isinstance(content, dict):
        raise InvalidInput("composition", content, "a mapping of keys")
    if EXTENDS not in content:
        return content
    other = content.pop(EXTENDS)
    if not isinstance(other, str) or depth >= DEEPEST:
        raise InvalidInput(
            EXTENDS, other, f"the name of another composition, {DEEPEST} deep at most"
        )
    below = _content(path.parent / other, depth + 1)
    recordings = {**below.get("recordings", {}), **(content.get("recordings") or {})}
    return {**below, **content, "recordings": recordings}
