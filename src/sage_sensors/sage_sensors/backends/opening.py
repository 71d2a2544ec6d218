"""Opens what the recording node is to play: files, the demo recording, or a composition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sage_common.core.errors import InvalidInput
from sage_sensors.backends.recording import (
    RecordingPlan,
    RecordingTracks,
    data_folder,
    find_demo_recording,
    open_recording,
    plan_recording,
)
from sage_sensors.backends.story.opening import Story
from sage_sensors.core.samples import Canvas
from sage_sensors.params import RecordingParameters


@dataclass(frozen=True)
class Opened:
    """What is played.

    Attributes:
        tracks: of it.
        backends: for "camera", "microphone", "imu" and "text" what it is.
        story: the composition; None: it is none.
    """

    tracks: RecordingTracks
    backends: Mapping[str, str]
    story: Story | None = None


def open_chosen(p: RecordingParameters, canvas: Canvas) -> Opened:
    """What the parameters name; `canvas` gives the frames to draw into.

    Raises:
        SourceError, InvalidInput: a file cannot be read, or is not what it should be.
    """
    data = _path(p.data_dir) or data_folder()
    if p.story:
        if p.media or p.sound or p.imu_csv or p.text_track:
            raise InvalidInput("story", p.story, "no media, sound, imu_csv or text_track beside it")
        story = Story(Path(p.story).expanduser(), data)
        return Opened(story.tracks(p.loop, p.width_px, p.height_px, canvas), story.backends, story)
    plan = _plan(p, data)
    return Opened(open_recording(plan, p.width_px, p.height_px, canvas), plan.backends)


def _plan(p: RecordingParameters, data: Path) -> RecordingPlan:
    if p.media:
        files = (_path(p.sound), _path(p.imu_csv), _path(p.text_track))
        return plan_recording(Path(p.media).expanduser(), *files)
    if p.sound or p.imu_csv or p.text_track:
        raise InvalidInput("media", "", "a media file beside sound, imu_csv or text_track")
    return find_demo_recording(data, p.synthetic)


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None
