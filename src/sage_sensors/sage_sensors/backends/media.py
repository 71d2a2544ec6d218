"""Video and sound of media files, decoded as a stream with PyAV (FFmpeg)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_sensors.backends.drawing import FrameDrawer, scaled
from sage_sensors.core.samples import (
    CHUNK_SAMPLES,
    SAMPLE_NS,
    SAMPLE_RATE_HZ,
    Canvas,
    Frame,
    Sound,
    SourceError,
    Stamped,
    blank_frame,
    want_all,
)

# A camera file has a few frames between key frames; more errors in a row mean that the rest of
# the file is lost.
MAX_ERRORS_IN_A_ROW = 100
# Decoding is then too slow for the machine; pictures that are less far behind are decoded, which
# those after them need, and not drawn.
FAR_BEHIND_NS = NS_PER_S
KEY_FRAMES, ALL_FRAMES = "NONKEY", "DEFAULT"
MOST_PIXELS = 4096 * 2304
"""Of a frame as it is drawn: some two dozen of them are in memory at a time, 28 MB each."""
STILL = ("image2", "_pipe")
"""What FFmpeg calls the formats of single pictures, or how it ends."""


class MediaFile:
    """What a media file holds; opened briefly, not kept open.

    Args:
        path: any file that FFmpeg reads.

    Attributes:
        has_video, has_sound: whether there is such a stream.
        width_px, height_px: of its video as it is stored; 0 without one.
        origin: the moment that is time 0 of all its tracks, in the file's own time [s].

    Raises:
        SourceError: absent, not a media file, a single picture, or neither video nor sound in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with opened(path) as container:
            video, sound = _first(container, "video"), _first(container, "audio")
            if video is None and sound is None:
                raise SourceError(f"media {path}: neither video nor sound in it")
            if sound is None and container.format.name.endswith(STILL):
                raise SourceError(
                    f"media {path}: a single picture, which has no duration: expected a video or a "
                    "sound (`sage recall --image` asks the memory by a picture)"
                )
            self.width_px, self.height_px = (video.width, video.height) if video else (0, 0)
            self.has_video, self.has_sound = video is not None, sound is not None
            self.origin = min(
                (s.start_time or 0) * Fraction(s.time_base) for s in (video, sound) if s is not None
            )
            self.video_end_ns = _end_ns(container, video, self.origin)
            self.sound_end_ns = _end_ns(container, sound, self.origin)
            self.frame_rate_hz = float(video.average_rate or 30) if video is not None else 0.0


class VideoTrack:
    """The pictures of a media file as a track.

    Args:
        media: the file.
        width_px, height_px: size to scale to; 0: native, or as the other one and the aspect
            ratio say.
        canvas: gives the frames to draw into.

    Attributes:
        errors: pictures that could not be decoded so far; they are left out.
        passed: pictures that were left out because they were not wanted any more.

    Raises:
        SourceError: the file has no video, or its frames would be too large.
    """

    def __init__(
        self, media: MediaFile, width_px: int = 0, height_px: int = 0, canvas: Canvas = blank_frame
    ) -> None:
        if not media.has_video:
            raise SourceError(f"media {media.path}: no video in it")
        width, height = scaled(media.width_px, media.height_px, width_px, height_px)
        if width * height > MOST_PIXELS:
            raise SourceError(
                f"media {media.path}: {width} x {height} pixels a frame: expected at most "
                f"{MOST_PIXELS:,} in all; scale it first: ffmpeg -i {media.path.name} -vf "
                "scale=1280:-2 smaller.mp4"
            )
        self.source = f"file:{media.path.name}"
        self.length_ns = media.video_end_ns
        self.period_s = 1.0 / media.frame_rate_hz
        self.errors = self.passed = 0
        self._wanted_ns = 0
        self._media = media
        self._drawer = FrameDrawer(width_px, height_px, canvas)
        self.wants: Callable[[int], bool] = want_all
        self._asked_ns = -1

    def skip_to(self, time_ns: int) -> None:
        self._wanted_ns = time_ns

    def items(self) -> Iterator[Stamped[Frame]]:
        last_ns = -1
        self._wanted_ns, self._asked_ns = 0, -1
        for frame in self._frames():
            time_ns = time_ns_of(frame, self._media.origin)
            if time_ns is None or time_ns <= last_ns:
                self.errors += 1
                continue
            last_ns = time_ns
            if time_ns < self._wanted_ns:
                self.passed += 1
                continue
            if time_ns != self._asked_ns and not self.wants(time_ns):
                continue
            yield Stamped(time_ns, self._drawer.draw(frame))

    def _frames(self) -> Iterator[Any]:
        with opened(self._media.path) as container:
            stream = container.streams.video[0]
            # One thread is enough (848x480 at 30/s takes a tenth of a core) and adds no delay.
            stream.codec_context.thread_count = 1
            yield from _decoded(container, stream, self, self._is_needed)

    def _is_needed(self, packet: Any, following: Any, codec: Any) -> bool:
        """Whether a packet is to be decoded: no picture that is unwanted, nor needed by others.

        Far behind, key frames only, up to the first that is wanted.
        """
        time_ns = time_ns_of(packet, self._media.origin)
        hurried = codec.skip_frame == KEY_FRAMES
        if time_ns is None:
            return True
        if time_ns < self._wanted_ns - FAR_BEHIND_NS:
            codec.skip_frame = KEY_FRAMES
        elif hurried and packet.is_keyframe and time_ns >= self._wanted_ns:
            codec.skip_frame = ALL_FRAMES
        self.passed += hurried and not packet.is_keyframe
        if time_ns < self._wanted_ns or not (packet.is_keyframe and following.is_keyframe):
            return True
        self._asked_ns = time_ns
        return self.wants(time_ns)


class SoundTrack:
    """The sound of a media file as a track of 100 ms chunks, 16 kHz mono float32.

    A last chunk of less than 100 ms is left out: the length of chunks never varies.

    Args:
        media: the file.

    Raises:
        SourceError: the file has no sound.
    """

    period_s = CHUNK_SAMPLES / SAMPLE_RATE_HZ

    def __init__(self, media: MediaFile) -> None:
        if not media.has_sound:
            raise SourceError(f"media {media.path}: no sound in it")
        self.source = f"file:{media.path.name}"
        self.length_ns = media.sound_end_ns
        self.errors = 0
        self._media = media

    def items(self) -> Iterator[Stamped[Sound]]:
        first_ns: int | None = None
        samples = np.empty(0, np.float32)
        done = 0
        for start_ns, block in self._blocks():
            first_ns = start_ns if first_ns is None else first_ns
            samples = np.concatenate([samples, block])
            while len(samples) >= CHUNK_SAMPLES:
                chunk, samples = samples[:CHUNK_SAMPLES], samples[CHUNK_SAMPLES:]
                done += CHUNK_SAMPLES
                yield Stamped(first_ns + (done - 1) * SAMPLE_NS, Sound(chunk))

    def _blocks(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Start time of the frame that it came from [ns], samples [n]."""
        resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
        time_ns = 0
        with opened(self._media.path) as container:
            stream = container.streams.audio[0]
            for frame in _decoded(container, stream, self):
                time_ns = time_ns_of(frame, self._media.origin) or 0
                for block in resampler.resample(frame):
                    yield time_ns, block.to_ndarray()[0]
            for block in resampler.resample(None):
                yield time_ns, block.to_ndarray()[0]


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The container of a media file, open until the block ends.

    Raises:
        SourceError: it cannot be opened.
    """
    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"media {path}: {reason}") from error
    try:
        yield container
    finally:
        container.close()


def _first(container: Any, kind: str) -> Any:
    streams = [s for s in container.streams if s.type == kind and s.codec_context is not None]
    return streams[0] if streams else None


def _decoded(
    container: Any,
    stream: Any,
    track: VideoTrack | SoundTrack,
    is_needed: Callable[[Any, Any, Any], bool] = lambda packet, following, codec: True,
) -> Iterator[Any]:
    """The frames of a stream; a packet that cannot be decoded is counted and left out.

    `is_needed(packet, following, codec)` is asked before each packet is decoded.
    """
    in_a_row = 0
    try:
        for packet, following in pairwise(chain(container.demux(stream), [None])):
            if not is_needed(packet, following, stream.codec_context):
                continue
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                track.errors += 1
                in_a_row += 1
                if in_a_row > MAX_ERRORS_IN_A_ROW:
                    raise SourceError(f"{track.source}: {error}") from error
                continue
            in_a_row = 0
            yield from frames
    except av.FFmpegError as error:
        raise SourceError(f"{track.source}: {error}") from error


def time_ns_of(frame: Any, origin: Fraction) -> int | None:
    """Time of a frame or packet after the origin [ns]; None: it has none."""
    if frame.pts is None or frame.time_base is None:
        return None
    seconds = int(frame.pts) * Fraction(frame.time_base) - origin
    return round(seconds * NS_PER_S)


def _end_ns(container: Any, stream: Any, origin: Fraction) -> int:
    """End of a stream [ns after the origin], by the file's own statement; 0 without a stream."""
    if stream is None:
        return 0
    if stream.duration:
        last = int(stream.start_time or 0) + int(stream.duration)
        end = last * Fraction(stream.time_base)
        return round((end - origin) * NS_PER_S)
    if not container.duration:
        return 0
    end = Fraction(int(container.start_time or 0) + int(container.duration), 1_000_000)
    return round((end - origin) * NS_PER_S)
