"""The whole graph in lock-step through a day that is made from short recordings."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sage.graph.description import Graph, GraphOptions, describe
from sage.replay.lockstep import LockstepReplay, Output
from sage.soak.day.clip import Clip, ClipMessage
from sage.soak.day.recorded_clips import completed, quiet_clip, recorded_clip
from sage.soak.day.scenes import HOUR_NS, LIVELY_NS, day_of
from sage.soak.day.tally import DayTally
from sage.soak.progress import time_in_words
from sage.soak.sample import Sample, sample_of
from sage_common.core.clock import NS_PER_S
from sage_common.ros.lockstep.host import DEFAULT_START_NS, Delivered
from sage_orchestrator.core.metabolism.state import MetabolicState
from sage_sensors.backends.recording import data_folder

PERIOD_S, FEWEST_LOOKS = 600.0, 30
MEDIA = (".mkv", ".mp4", ".mpg")
IMAGE = "sensor_msgs/msg/Image"
STATE, SALIENCE, EXPERIENCE = (
    f"sage_msgs/msg/{name}" for name in ("MetabolicState", "FusedSalience", "Experience")
)


@dataclass(frozen=True)
class DayLook:
    """After ten minutes of the day.

    Attributes:
        time_s: of the day [s].
        sample: what the process holds.
        frames: so far.
        store_mb: what the memory takes on disk [MB]; `payload_mb`: of it the payloads.
        kept: experiences so far.
        alarms, entered: as `DayTally` has them.
        cpu_ms_per_frame: processor time over the last ten minutes, for each of their frames [ms].
    """

    time_s: float
    sample: Sample
    frames: int
    store_mb: float
    payload_mb: float
    kept: int
    alarms: Mapping[str, int]
    entered: Mapping[str, int]
    cpu_ms_per_frame: float


class DayOutput(Output):
    """Takes what the nodes publish into a tally."""

    def __init__(self, start_ns: int) -> None:
        super().__init__(None)
        self.tally = DayTally()
        self._start_ns = start_ns

    def add(self, item: Delivered) -> None:
        self.messages[item.topic] += 1
        if item.type_name == SALIENCE:
            message = item.message()
            is_lively = (item.time_ns - self._start_ns) % HOUR_NS < LIVELY_NS
            if message.valid:
                scene = "lively" if is_lively else "quiet"
                self.tally.moment(item.time_ns, message.alarms_per_hour, scene)
        elif item.type_name == STATE:
            self.tally.state(MetabolicState(item.message().state).name)
        elif item.type_name == EXPERIENCE:
            self.tally.kept += 1


class Day:
    """Feeds the graph, and looks at this process every ten minutes of the day, or more often.

    Args:
        options: of the graph; `source` names what is played, as for `sage run`.
        duration_s: length of the day [s].
        path: of the file that takes the looks, a line each.
        header: its first line.

    Attributes:
        looks: every ten minutes of the day.
        payload_cap_mb: of the memory [MB].
    """

    def __init__(
        self, options: GraphOptions, duration_s: float, path: Path, header: Mapping[str, Any]
    ) -> None:
        self._options = options
        self._end_ns = DEFAULT_START_NS + round(duration_s * NS_PER_S)
        self._duration_s = duration_s
        self._period_s = min(PERIOD_S, duration_s / FEWEST_LOOKS)
        self._path = path
        self._header = header
        self._frames = self._frames_before = 0
        self._cpu_before_s = 0.0
        self._signal: int | None = None
        self.payload_cap_mb = 0.0
        self.looks: list[DayLook] = []

    def run(self) -> list[str]:
        """Live through the day, in a home of its own, or until a signal; what failed, in words."""
        lively, quiet, stampless = self._clips()
        numbers = (signal.SIGINT, signal.SIGTERM)
        previous = {n: signal.signal(n, self._on_signal) for n in numbers}
        try:
            with tempfile.TemporaryDirectory(prefix="sage-day-") as home:
                graph = describe(replace(self._options, source="topics", home=home))
                self.payload_cap_mb = _payload_cap_mb(graph)
                self._output = DayOutput(DEFAULT_START_NS)
                replay = LockstepReplay(graph, DEFAULT_START_NS, self._output)
                stream = day_of(lively, quiet, DEFAULT_START_NS, self._end_ns)
                with self._path.open("x") as self._file:
                    self._write({**self._header, "clips": [clip.name for clip in lively]})
                    self._home, self._cpu_before_s = Path(home), time.process_time()
                    summary = replay.play_stream(self._watched(stampless, stream))
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        return [*summary["errors"], *self._cut_short()]

    def _on_signal(self, number: int, frame: object) -> None:
        self._signal = number

    def _cut_short(self) -> list[str]:
        if self._signal is None:
            return []
        time_s = self.looks[-1].time_s if self.looks else 0.0
        name = signal.Signals(self._signal).name
        return [f"cut short by {name} after {time_in_words(time_s)} of the day"]

    def _clips(self) -> tuple[list[Clip], Clip, tuple[Delivered, ...]]:
        source = self._options.source
        first, stampless = recorded_clip(source, self._options.namespace)
        quiet = quiet_clip(first)
        others = sorted(
            path
            for path in (data_folder() / "video").glob("*")
            if path.suffix in MEDIA and path.name != first.name and source == "recording"
        )
        clips = [first, *(recorded_clip(str(p), self._options.namespace)[0] for p in others)]
        return [completed(clip, quiet) for clip in clips], quiet, stampless

    def _watched(
        self, stampless: Sequence[Delivered], stream: Iterator[ClipMessage]
    ) -> Iterator[Delivered]:
        """What is played, with a look at the process whenever a period is over."""
        yield from (replace(item, time_ns=DEFAULT_START_NS) for item in stampless)
        next_s = self._period_s
        for message in stream:
            if self._signal is not None:
                return
            time_s = (message.offset_ns - DEFAULT_START_NS) / NS_PER_S
            if time_s >= next_s:
                self._look(next_s)
                next_s += self._period_s
            self._frames += message.type_name == IMAGE
            yield Delivered(message.offset_ns, message.topic, message.type_name, message.data)
        self._look(self._duration_s)

    def _look(self, time_s: float) -> None:
        cpu_s, frames = time.process_time(), self._frames - self._frames_before
        tally = self._output.tally
        look = DayLook(
            time_s, sample_of(os.getpid()), self._frames,
            _size_mb(self._home), _size_mb(self._home / "payloads"), tally.kept,
            dict(tally.alarms), dict(tally.entered),
            round(1e3 * (cpu_s - self._cpu_before_s) / max(frames, 1), 3),
        )  # fmt: skip
        self._cpu_before_s, self._frames_before = cpu_s, self._frames
        self.looks.append(look)
        self._write(asdict(look) | {"sample": look.sample._asdict()})
        if time_s % 3600.0 == 0.0:
            print(_line(look, self._duration_s), file=sys.stderr, flush=True)

    def _write(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def _payload_cap_mb(graph: Graph) -> float:
    """Most of the memory's payloads [MB], as the parameters of the graph say."""
    (node,) = (node for node in graph.nodes if node.kind == "memory")
    cap_mb: float = node.type.parameters_type()(**node.own_parameters).payload_cap_mb
    return cap_mb


def _line(look: DayLook, duration_s: float) -> str:
    alarms = sum(look.alarms.values())
    return (
        f"{time_in_words(look.time_s)} of {time_in_words(duration_s)}: {look.frames} frames, "
        f"{look.cpu_ms_per_frame:.1f} ms a frame, "
        f"anonymous memory {look.sample.anonymous_mb:.1f} MB, store {look.store_mb:.1f} MB, "
        f"{look.kept} kept, {alarms} alarms, slept {look.entered.get('DREAM', 0)} times"
    )


def _size_mb(folder: Path) -> float:
    """What the files below a folder take [MB]."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(Path(where, name)).st_size
            except FileNotFoundError:
                continue  # It was removed meanwhile.
    return round(total / 2**20, 2)
