"""Media files: exact times, size, sound format, and files that are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from sage_common.core.clock import NS_PER_S
from sage_sensors.backends import media as module
from sage_sensors.backends.media import MediaFile, SoundTrack, VideoTrack
from sage_sensors.core.samples import Frame, SourceError, blank_frame

WIDTH, HEIGHT, RATE = 64, 48, 25
Writer = Callable[..., Path]


def test_every_frame_comes_at_its_time_and_in_colour(media: Path) -> None:
    track = VideoTrack(MediaFile(media))
    frames = list(track.items())
    assert [frame.time_ns for frame in frames] == [n * NS_PER_S // RATE for n in range(40)]
    assert frames[0].value.pixels.shape == (HEIGHT, WIDTH, 3)
    assert frames[0].value.pixels.dtype == np.uint8
    levels = [float(frame.value.pixels.mean()) for frame in frames]
    assert levels == pytest.approx([5.0 * n for n in range(40)], abs=6.0)
    assert track.length_ns == 1_600_000_000
    assert track.errors == 0
    assert track.period_s == pytest.approx(1 / RATE)


def test_frames_are_drawn_where_one_wants_them(media: Path) -> None:
    given: list[Frame] = []

    def canvas(height_px: int, width_px: int) -> Frame:
        given.append(Frame(np.full((height_px, width_px, 3), 255, np.uint8), slot=len(given)))
        return given[-1]

    usual = [frame.value.pixels for frame in VideoTrack(MediaFile(media)).items()]
    drawn = [frame.value for frame in VideoTrack(MediaFile(media), canvas=canvas).items()]
    assert [frame.slot for frame in drawn] == list(range(40))
    assert all(frame is own for frame, own in zip(drawn, given, strict=True))
    for frame, pixels in zip(drawn, usual, strict=True):
        np.testing.assert_array_equal(frame.pixels, pixels)


def test_sound_is_16_khz_mono_in_whole_chunks_at_exact_times(media: Path) -> None:
    chunks = list(SoundTrack(MediaFile(media)).items())
    assert len(chunks) in (15, 16)
    assert [c.time_ns for c in chunks] == [
        (n + 1) * 100_000_000 - 62_500 for n in range(len(chunks))
    ]
    assert all(c.value.samples.shape == (1600,) for c in chunks)
    middle = chunks[7].value.samples
    assert middle.dtype == np.float32
    spectrum = np.abs(np.fft.rfft(middle))
    assert spectrum.argmax() * 10 == pytest.approx(440, abs=10)
    assert middle.std() == pytest.approx(0.5 / np.sqrt(2), rel=0.1)


def test_a_track_can_be_read_again_from_the_start(media: Path) -> None:
    track = VideoTrack(MediaFile(media))
    first, second = ([f.value.fingerprint() for f in track.items()] for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("asked", "given"), [((32, 24), (24, 32)), ((32, 0), (24, 32)), ((0, 96), (96, 128))]
)
def test_scaling_keeps_the_aspect_ratio(
    media: Path, asked: tuple[int, int], given: tuple[int, int]
) -> None:
    frame = next(VideoTrack(MediaFile(media), *asked).items())
    assert frame.value.pixels.shape[:2] == given


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_pictures_of_a_turned_camera_are_upright(tmp_path: Path, degrees: int) -> None:
    path = tmp_path / "turned.mp4"
    upright = np.zeros((48, 64, 3), np.uint8)
    upright[:16] = 255
    stored = np.ascontiguousarray(np.rot90(upright, -degrees // 90))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.height, stream.width = stored.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.set_display_rotation(degrees)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(stored, format="rgb24")))
        container.mux(stream.encode(None))
    pixels = next(VideoTrack(MediaFile(path)).items()).value.pixels
    assert pixels.shape == (48, 64, 3)
    assert pixels[:14].mean() > 200 and pixels[18:].mean() < 50


def test_a_file_with_one_of_both_says_what_it_has(tmp_path: Path, write_media: Writer) -> None:
    silent = MediaFile(write_media(tmp_path / "silent.mp4", 0.4, sound=False))
    assert silent.has_video and not silent.has_sound
    with pytest.raises(SourceError, match="no sound"):
        SoundTrack(silent)
    dark = MediaFile(write_media(tmp_path / "dark.m4a", 0.4, video=False))
    assert dark.has_sound and not dark.has_video
    with pytest.raises(SourceError, match="no video"):
        VideoTrack(dark)


@pytest.mark.parametrize("content", [None, b"", b"this is no video" * 100])
def test_what_is_no_media_file_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "fake.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=r"fake\.mp4"):
        MediaFile(path)


@pytest.mark.parametrize("name", ["one.png", "one.jpg", "one.webp", "one.bmp"])
def test_a_single_picture_is_no_video(tmp_path: Path, name: str) -> None:
    cv2.imwrite(str(tmp_path / name), np.full((4, 4, 3), 200, np.uint8))
    with pytest.raises(SourceError, match=rf"{name}: a single picture, which has no duration"):
        MediaFile(tmp_path / name)


def test_frames_that_would_fill_the_memory_are_refused_unless_they_are_scaled(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_PIXELS", 1_000)
    opened = MediaFile(media)
    with pytest.raises(SourceError, match=r"pixels a frame: expected at most 1,000 .* ffmpeg"):
        VideoTrack(opened)
    assert next(VideoTrack(opened, width_px=16).items()).value.pixels.shape[1] == 16


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        MediaFile(tmp_path)


def test_damaged_frames_are_left_out_and_the_rest_is_played(
    tmp_path: Path, write_media: Writer
) -> None:
    path = write_media(tmp_path / "whole.avi", 2.0, sound=False)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = b"\xaa" * 400
    path.write_bytes(data)
    track = VideoTrack(MediaFile(path))
    frames = list(track.items())
    assert 20 <= len(frames) <= 50
    assert frames[-1].time_ns > 1_800_000_000


def test_a_cut_off_file_plays_as_far_as_it_goes(tmp_path: Path, write_media: Writer) -> None:
    path = write_media(tmp_path / "cut.mkv", 4.0, sound=False)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    frames = list(VideoTrack(MediaFile(path)).items())
    assert 30 <= len(frames) < 100


def test_the_recorded_walk_has_all_its_frames_and_sound(recorded_data: Path) -> None:
    media = MediaFile(recorded_data / "video" / "gopro_max_walk.mp4")
    times = [frame.time_ns for frame in VideoTrack(media).items()]
    assert len(times) == 315
    assert times == [round(n * NS_PER_S * 1001 / 30000) for n in range(315)]
    assert len(list(SoundTrack(media).items())) == 105


def test_pictures_that_are_not_wanted_any_more_are_not_drawn_and_counted(
    tmp_path: Path, write_media: Callable[..., Path]
) -> None:
    media = MediaFile(write_media(tmp_path / "long.mp4", 8.0, sound=False))
    drawn: list[int] = []

    def canvas(height_px: int, width_px: int) -> Frame:
        drawn.append(height_px)
        return blank_frame(height_px, width_px)

    track = VideoTrack(media, canvas=canvas)
    items = track.items()
    assert [next(items).time_ns for _ in range(3)] == [0, 40_000_000, 80_000_000]
    for wanted_s, latest_s in ((0.52, 0.52), (6.0, 6.5)):
        track.skip_to(round(wanted_s * NS_PER_S))
        item = next(items)
        assert wanted_s <= item.time_ns / NS_PER_S <= latest_s
    number = item.time_ns // 40_000_000
    assert item.value.pixels.mean() == pytest.approx((number * 5) % 250, abs=6)
    rest = [later.time_ns // 40_000_000 for later in items]
    assert rest == list(range(number + 1, 200))
    assert track.passed == 200 - len(rest) - 5
    assert len(drawn) == len(rest) + 5
    assert next(track.items()).time_ns == 0
