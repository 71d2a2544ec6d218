"""Plays a track: decoded ahead on a worker, delivered when due on the executor."""

from __future__ import annotations

from typing import Generic

from sage_common.ros.host import Worker
from sage_sensors.core.playback import Playback, Schedule
from sage_sensors.core.samples import SourceError, Track
from sage_sensors.publishers.stream import StreamPublisher, T

# Samples read ahead, by kind of stream.
AHEAD = {"camera": 6, "microphone": 8, "imu": 64, "text": 8}
# Delivered at most in one tick, and for so long: then the other streams have their turn.
AT_ONCE = {"camera": 1, "microphone": 2, "imu": 32, "text": 2}
LONGEST_TURN_NS = 3_000_000


class PlaybackFeed(Generic[T]):
    """Brings the samples of one track to its publisher at their deadlines.

    A sample that is up to 250 ms late is still delivered, with the stamp at which it was due. Where
    more of it comes than can be delivered, the stream goes on with its newest sample.

    Args:
        track: what to play.
        schedule: when.
        stream: where to.
        worker: decodes.
    """

    def __init__(
        self, track: Track[T], schedule: Schedule, stream: StreamPublisher[T], worker: Worker
    ) -> None:
        self.problem = ""
        self._playback = Playback(track, schedule, AHEAD[stream.kind], stream.rate_limit.admits)
        self._stream = stream
        self._worker = worker
        self._filling = False
        stream.begin(track.source, track.period_s)
        self._fill_ahead()

    @property
    def overruns(self) -> int:
        """Samples that were left out because they could not be delivered in time."""
        return self._playback.skipped

    @property
    def ended(self) -> bool:
        """True when the last sample has been delivered."""
        return self._playback.ended

    def tick(self, now_ns: int) -> None:
        """Deliver what is due at `now_ns`."""
        stopwatch_ns = self._stream.node.stopwatch_ns
        end_ns = stopwatch_ns() + LONGEST_TURN_NS
        for _ in range(AT_ONCE[self._stream.kind]):
            samples = self._playback.due(now_ns, 1)
            if not samples:
                break
            self._stream.deliver(samples[0], chosen=self._playback.selects)
            if stopwatch_ns() > end_ns:
                break
        self._fill_ahead()

    def close(self) -> None:
        """Stop; the file is closed by the worker when it is done with it."""
        self._worker.submit(self._playback.close)

    def _fill_ahead(self) -> None:
        if self._playback.wants_filling and not self._filling:
            self._filling = True
            self._worker.submit(self._fill)

    def _fill(self) -> None:
        try:
            self._playback.fill()
        except SourceError as error:
            self.problem = str(error)
            self._stream.fault()
            raise
        finally:
            self._filling = False
