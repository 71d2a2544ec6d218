"""Passages of a video file, forwards or backwards; nothing but a fraction of a second in memory."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av

from sage_common.core.clock import NS_PER_S
from sage_sensors.backends.media import MediaFile, opened, time_ns_of
from sage_sensors.core.samples import SourceError

CHUNK_S = 0.35
"""So much is decoded at a time where it is played backwards; a multiple of it costs a delay."""
FARTHER_S = (0.0, 1.0, 4.0)
"""How much earlier than wanted it looks for a key frame, where a file has no index of them."""


class VideoClip:
    """Reads pictures of a part of a file, from any moment on.

    Args:
        media: the file, which has video.
        from_s, until_s: the part [s]; until 0: to its end. Times are those since `from_s`.
    """

    def __init__(self, media: MediaFile, from_s: float = 0.0, until_s: float = 0.0) -> None:
        self.media = media
        self._from_s = from_s
        end_s = media.video_end_ns / NS_PER_S
        self.length_s = (min(until_s, end_s) if until_s else end_s) - from_s
        if self.length_s <= 0.0:
            raise SourceError(f"file:{media.path.name}: nothing to be seen after {from_s:g} s")

    def frames(self, from_s: float, to_s: float) -> Iterator[tuple[float, Any]]:
        """Times [s] and pictures of `from_s` <= time < `to_s`, forwards; those that are broken are
        left out.

        Raises:
            SourceError: the file cannot be read.
        """
        from_s, to_s = from_s + self._from_s, min(to_s, self.length_s) + self._from_s
        with opened(self.media.path) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            try:
                for time_s, frame in self._from(container, stream, from_s):
                    if time_s >= to_s - 1e-6:
                        return
                    if time_s >= from_s - 1e-6:
                        yield time_s - self._from_s, frame
            except av.FFmpegError as error:
                raise SourceError(f"file:{self.media.path.name}: {error}") from error

    def backwards(self, from_s: float, to_s: float) -> Iterator[tuple[float, Any]]:
        """The same from `from_s` down to `to_s`, a piece of 0.35 s at a time."""
        end_s = from_s
        while end_s > to_s + 1e-6:
            start_s = max(end_s - CHUNK_S, to_s)
            yield from reversed(list(self.frames(start_s, end_s)))
            end_s = start_s

    def _from(self, container: Any, stream: Any, from_s: float) -> Iterator[tuple[float, Any]]:
        """Pictures from the last key frame before a moment on."""
        if from_s <= 0.0:
            yield from self._decoded(container, stream)
            return
        for farther_s in FARTHER_S:
            wanted = self.media.origin + Fraction(max(from_s - farther_s, 0.0))
            container.seek(int(wanted / stream.time_base), stream=stream, backward=True)
            pictures = self._decoded(container, stream)
            first = next(pictures, None)
            if first is not None and first[0] <= from_s + 1e-6:
                yield first
                yield from pictures
                return
        with opened(self.media.path) as anew:  # from the start
            yield from self._decoded(anew, anew.streams.video[0])

    def _decoded(self, container: Any, stream: Any) -> Iterator[tuple[float, Any]]:
        for packet in container.demux(stream):
            try:
                pictures = packet.decode()
            except av.FFmpegError:
                continue
            for frame in pictures:
                time_ns = time_ns_of(frame, self.media.origin)
                if time_ns is not None and not frame.is_corrupt:
                    yield time_ns / NS_PER_S, frame
