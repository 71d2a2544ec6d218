"""A recording played as camera, microphone, IMU and text, in step."""

from __future__ import annotations

from typing import Any

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import CannotContinue
from sage_common.core.words.mixed import MIXED, STARTED
from sage_common.ros.node import SageNode
from sage_sensors.backends.opening import open_chosen
from sage_sensors.backends.story.opening import Story
from sage_sensors.core.playback import Schedule
from sage_sensors.core.story.labels import mixed_now
from sage_sensors.feeds.playback import PlaybackFeed
from sage_sensors.nodes.sensor_node import REPORT_S, SLOWED_TICK_S, TICK_S
from sage_sensors.params import RECORDING_ENDED, RecordingParameters
from sage_sensors.publishers.camera import CameraPublisher
from sage_sensors.publishers.imu import ImuPublisher
from sage_sensors.publishers.microphone import MicrophonePublisher
from sage_sensors.publishers.static_frames import StaticFrames
from sage_sensors.publishers.stream import StreamPublisher
from sage_sensors.publishers.text import TextPublisher


class RecordingNode(SageNode):
    """Plays one recording as all sensors; its diagnostics say what each stream really is."""

    default_name = "recording"
    parameters_type = RecordingParameters

    def on_configure(self) -> None:
        p = self.parameters
        self._camera = CameraPublisher(self, p.camera, "", p.jpeg_quality)
        self._streams: dict[str, StreamPublisher[Any]] = {
            "camera": self._camera,
            "microphone": MicrophonePublisher(self, p.microphone, ""),
            "imu": ImuPublisher(self, p.imu, ""),
            "text": TextPublisher(self),
        }
        self._feeds: dict[str, PlaybackFeed[Any]] = {}
        self._skipped: dict[str, int] = {}
        self._story: Story | None = None
        # One each: a stream that is slow to decode must not keep the others waiting.
        self._workers = {kind: self.worker(f"decode {kind}", 2) for kind in self._streams}
        self._ticking = self.timer(TICK_S, self._tick)
        self.timer(REPORT_S, self._report)
        if p.publish_tf:
            frames = StaticFrames(self, list(self._streams.values()), p.base_frame)
            self.timer(REPORT_S, frames.tick)
        self.on_parameters()

    def on_parameters(self) -> None:
        p = self.parameters
        self._streams["camera"].limit_rate(p.max_camera_rate_hz)
        self._streams["imu"].limit_rate(p.max_imu_rate_hz)
        is_slowed = p.max_camera_rate_hz or p.max_imu_rate_hz
        self._ticking.set_period(SLOWED_TICK_S if is_slowed else TICK_S)

    def on_activate(self) -> None:
        p = self.parameters
        opened = open_chosen(p, self._camera.canvas)
        tracks, self._story = opened.tracks, opened.story
        start_ns = self.clock.now_ns() + round(p.start_delay_s * NS_PER_S)
        self._schedule = Schedule(
            start_ns, tracks.length_ns, p.loop and tracks.length_ns > 0, p.rate
        )
        for kind, stream in self._streams.items():
            track = getattr(tracks, kind)
            if track is not None:
                self._feeds[kind] = PlaybackFeed(track, self._schedule, stream, self._workers[kind])
        self.diagnose(**{f"{kind} backend": name for kind, name in opened.backends.items()})
        shown = ", ".join(f"{kind} {name}" for kind, name in opened.backends.items())
        real = all(name.startswith("file:") for name in opened.backends.values())
        (self.log.info if real else self.log.warning)(f"playing: {shown}")

    def on_deactivate(self) -> None:
        for feed in self._feeds.values():
            feed.close()
        self._feeds = {}
        self._skipped = {}

    def check_can_suspend(self) -> None:
        raise CannotContinue("a recording cannot be left in the middle; a bag can (sage record)")

    def _newly_skipped(self) -> dict[str, int]:
        """Samples left out since this was asked last, by stream; those that left out none are not
        in it."""
        before = self._skipped
        self._skipped = {kind: feed.overruns for kind, feed in self._feeds.items()}
        newly = {kind: count - before.get(kind, 0) for kind, count in self._skipped.items()}
        return {kind: count for kind, count in newly.items() if count > 0}

    def _tick(self) -> None:
        now_ns = self.clock.now_ns()
        if self._feeds and self._schedule.follow(now_ns):
            self.log.warning("the clock has jumped; the recording goes on from here")
        for feed in self._feeds.values():
            feed.tick(self.clock.now_ns())  # the feed before it may have taken long

    def _say_what_is_mixed(self, now_ns: int) -> None:
        """In a composition: when it began, and what of it is mixed in now."""
        if self._story is not None:
            started_ns = self._schedule.start_ns
            mixed = mixed_now(self._story.laps, self._schedule.reached_ns(0, now_ns))
            self.diagnose(**{STARTED: str(started_ns), MIXED: mixed})

    def _report(self) -> None:
        self._say_what_is_mixed(self.clock.now_ns())
        reports = {
            kind: self._streams[kind].report(feed.overruns) for kind, feed in self._feeds.items()
        }
        problems = [feed.problem for feed in self._feeds.values() if feed.problem]
        playing = [kind for kind, feed in self._feeds.items() if not feed.ended]
        stale = [kind for kind in playing if reports[kind].stale and reports[kind].samples]
        if problems:
            self.set_health("error", "; ".join(problems))
        elif not playing:
            self.log.info(RECORDING_ENDED, throttle_s=3600.0, key="ended")
            self.set_health("ok", RECORDING_ENDED)
        elif skipped := self._newly_skipped():
            shown = ", ".join(f"{count} of {kind}" for kind, count in skipped.items())
            self.set_health("warn", f"overloaded: left out in the last second: {shown}")
        elif stale:
            self.set_health("warn", "late: " + ", ".join(stale))
        else:
            self.set_health("ok", "playing")
