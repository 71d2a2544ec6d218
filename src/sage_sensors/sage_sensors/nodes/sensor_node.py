"""What the nodes with one sensor have in common: source, feed, publisher, health."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from sage_common.core.errors import CannotContinue, InvalidInput
from sage_common.core.state.fields import Transient
from sage_common.core.synthetic import SYNTHETIC
from sage_common.ros.node import SageNode
from sage_sensors.core.playback import Schedule
from sage_sensors.core.samples import Device, SourceError, Track
from sage_sensors.feeds.device import DeviceFeed
from sage_sensors.feeds.playback import PlaybackFeed
from sage_sensors.publishers.static_frames import StaticFrames
from sage_sensors.publishers.stream import StreamPublisher

# Deadlines are met to within this time; an idle tick costs a few microseconds.
TICK_S = 0.002
SLOWED_TICK_S = 0.01
"""While the metabolic state slows a sensor: 500 ticks a second are a quarter of all work then."""
REPORT_S = 1.0
TOPIC = "topic"
# Of sensors whose rate is no parameter: chunks of 100 ms.
TOPIC_RATE_HZ = 10.0
AUTO = "auto"


class SensorNode(SageNode, ABC):
    """One sensor: a track is played, a device is read, a foreign topic is passed on."""

    hardware = ""
    _stream: Transient[StreamPublisher[Any]]
    _frames: Transient[StaticFrames | None]

    @abstractmethod
    def make_stream(self) -> StreamPublisher[Any]:
        """The publisher of this kind of sensor."""

    @abstractmethod
    def make_source(self, backend: str) -> Track[Any] | Device[Any]:
        """The source that `backend` names.

        Raises:
            InvalidInput, SourceError: no such backend, or it cannot be had.
        """

    def subscribe_source(self, topic: str) -> None:
        """Subscribe the foreign topic and pass its messages on."""
        raise InvalidInput("backend", TOPIC, f"another backend: {self.name} has no topic to read")

    def on_configure(self) -> None:
        self._stream = self.make_stream()
        self._feed: DeviceFeed[Any] | PlaybackFeed[Any] | None = None
        self._worker = self.worker("source", queue_size=2)
        if self.parameters.backend == TOPIC:
            if not self.parameters.topic:
                raise InvalidInput("topic", "", "the name of a topic, for backend topic")
            self.subscribe_source(self.parameters.topic)
        self._ticking = self.timer(TICK_S, self._tick)
        self.timer(REPORT_S, self._report)
        self._publish_frames()
        self.on_parameters()

    def on_parameters(self) -> None:
        limit_hz = getattr(self.parameters, f"max_{self._stream.kind}_rate_hz", 0.0)
        self._stream.limit_rate(limit_hz)
        self._ticking.set_period(SLOWED_TICK_S if limit_hz else TICK_S)

    def frame_is_ours(self) -> bool:
        """True if the frame that messages name is this node's, not that of a foreign topic."""
        return bool(self.parameters.backend != TOPIC)

    def on_activate(self) -> None:
        backend = self.parameters.backend
        if backend == TOPIC:
            rate_hz = getattr(self.parameters, "rate_hz", TOPIC_RATE_HZ)
            self._stream.begin(f"topic:{self.parameters.topic}", 1.0 / rate_hz)
        elif backend == AUTO:
            self._activate_hardware()
        else:
            self._feed = self._make_feed(self.make_source(backend))
        self.log.info(f"backend {self._stream.backend}")

    def on_deactivate(self) -> None:
        if self._feed is not None:
            self._feed.close()
            self._feed = None

    def _publish_frames(self) -> None:
        p = self.parameters
        self._frames = None
        if getattr(p, "publish_tf", False) and self.frame_is_ours():
            place = (p.base_frame, p.position_m, p.rotation_rpy_rad)
            self._frames = StaticFrames(self, [self._stream], *place)
            self.timer(REPORT_S, self._frames.tick)

    def _activate_hardware(self) -> None:
        try:
            self._feed = self._make_feed(self.make_source(self.hardware), optional=True)
        except SourceError as error:  # what it takes to look for one is not installed
            self._stream.absent(str(error))
            self.log.warning(self._stream.backend)

    def _make_feed(
        self, source: Track[Any] | Device[Any], optional: bool = False
    ) -> DeviceFeed[Any] | PlaybackFeed[Any]:
        if isinstance(source, Device):
            return DeviceFeed(source, self._stream, self._worker, self.clock, self.log, optional)
        loop = source.length_ns > 0 and getattr(self.parameters, "loop", False)
        length_ns = source.length_ns if loop else 0
        self._schedule = Schedule(self.clock.now_ns(), length_ns, loop)
        return PlaybackFeed(source, self._schedule, self._stream, self._worker)

    def _tick(self) -> None:
        if self._feed is None:
            return
        now_ns = self.clock.now_ns()
        if isinstance(self._feed, PlaybackFeed):
            self._schedule.follow(now_ns)
        self._feed.tick(now_ns)

    def _report(self) -> None:
        feed = self._feed
        report = self._stream.report(feed.overruns if feed is not None else 0)
        if self._stream.is_absent:
            self.set_health("warn", self._stream.backend)
        elif feed is not None and feed.problem:
            self.set_health("error", feed.problem)
        elif feed is not None and feed.ended:
            self.set_health("ok", "the source has ended")
        elif report.stuck:
            self.set_health("warn", "stuck: the same sample again and again")
        elif report.stale:
            self.set_health("warn", "stale: no sample for two periods")
        else:
            generated = self._stream.backend == SYNTHETIC
            self.set_health("ok", "a synthetic signal, no sensor" if generated else "running")

    def check_can_suspend(self) -> None:
        if self._feed is not None:
            raise CannotContinue(
                f"{self._stream.backend} cannot be left in the middle; a bag can (sage record)"
            )
