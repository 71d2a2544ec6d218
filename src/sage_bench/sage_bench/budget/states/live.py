"""The graph in real processes on a quiet scene: what rest costs, and how soon a bang wakes it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from sage.graph.runtime_file import RunningGraph, running_graph
from sage.observe.attached import Attached, enter_domain
from sage.observe.graph_calls import call_service
from sage_bench.budget.states.quiet_scene import Event, events_of, write_scene
from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row, row_of_samples
from sage_common.ros.conversions.audio import audio_to_array
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.node import SageNode
from sage_msgs.msg import MetabolicState
from sage_msgs.srv import SetState

FIRST_S, GAP_S, END_S = 45.0, 15.0, 4.0
LIVES, LIVES_QUICK = 11, 1
MEASURED_S, MEASURED_QUICK_S, SETTLE_S = 30.0, 8.0, 4.0
START_S = 30.0
LOUD = 0.1
GOAL_SHARE, GOAL_MS = 0.4, 200.0
CONFIG = """
orchestrator:
  ros__parameters:
    states: {rest_after_s: 2.0, dream_after_s: 3600.0, crisis_pressure: 4}
governor:
  ros__parameters: {shed_modalities: [], optional_nodes: []}
"""
NOTE = (
    "states, live: `sage run` in processes of its own on a generated quiet scene (a still picture "
    "with sensor noise, near silence). CPU: of all processes of the graph, WAKE and REST forced by "
    "the service, one after the other. Waking: lives of a minute, each with a sound of ESC-10 and "
    "a photograph that moves, 15 s later; more of them in one life would not be rare, and what is "
    "not rare wakes nobody. The robot falls asleep by itself (rest_after_s 2); from the first loud "
    "sample, or the first frame of the motion, by its capture stamp, to the message of state WAKE; "
    "what came while it was awake anyway is not counted. The governor sheds nothing here"
)


@dataclass
class Heard:
    """What was heard of the graph from outside.

    Attributes:
        woken: stamps of messages of state WAKE after REST, and why [ns].
        rests: stamps of messages of state REST [ns].
        loud_ns: capture times of first loud samples, newest last [ns].
    """

    woken: list[tuple[int, str]] = field(default_factory=list)
    rests: list[int] = field(default_factory=list)
    loud_ns: list[int] = field(default_factory=list)


class StateListenerNode(SageNode):
    """Notes states, and when it was loud."""

    default_name = "state_bench"
    watches = True

    def on_configure(self) -> None:
        self.heard = Heard()
        self._state = MetabolicState.WAKE
        self.subscribe("state", self._on_state)
        self.subscribe("microphone/audio", self._on_sound, name="front")

    def _on_state(self, message: MetabolicState) -> None:
        if message.state == self._state:
            return
        self._state = message.state
        at_ns = stamp_ns(message.header.stamp)
        if message.state == MetabolicState.REST:
            self.heard.rests.append(at_ns)
        elif message.previous == MetabolicState.REST:
            self.heard.woken.append((at_ns, message.reason))

    def _on_sound(self, message: Any) -> None:
        samples = audio_to_array(message)
        loud = np.flatnonzero(np.abs(samples) > LOUD)
        if len(loud):
            from_end_s = (len(samples) - int(loud[0])) / 16_000.0
            at_ns = stamp_ns(message.header.stamp) - round(from_end_s * 1e9)
            if not self.heard.loud_ns or at_ns - self.heard.loud_ns[-1] > 2_000_000_000:
                self.heard.loud_ns.append(at_ns)


def rows(setting: Setting) -> Figures:
    """CPU of REST beside WAKE, and the time from a bang to WAKE."""
    lives = LIVES_QUICK if setting.quick else LIVES
    cpu = _cpu(MEASURED_QUICK_S if setting.quick else MEASURED_S)
    events = events_of(setting.data, 2 * lives)
    delays_ms: list[float] = []
    missed = asleep = 0
    for number in range(lives):
        sound, motion = events[2 * number : 2 * number + 2]
        # Times differ, so that they fall anywhere into cycles and chunks.
        first_s = FIRST_S + 0.37 * number
        own = [replace(sound, time_s=first_s), replace(motion, time_s=first_s + GAP_S)]
        found = waking(_lived(own), own)
        delays_ms += found[0]
        missed, asleep = missed + found[1], asleep + found[2]
    return Figures(tuple(_rows(cpu, delays_ms, missed, asleep)), (NOTE,))


def _lived(events: Sequence[Event]) -> Heard:
    """What is heard of a graph that lives through a scene with these events."""
    length_s = round(events[-1].time_s + END_S + START_S)
    with (
        _graph(length_s, events) as (_, running),
        Attached(StateListenerNode, running.namespace) as attached,
    ):
        heard = attached.node.heard
        until = time.monotonic() + START_S + events[-1].time_s
        while time.monotonic() < until and not _is_over(heard, events):
            time.sleep(0.5)
        return heard


def _is_over(heard: Heard, events: Sequence[Event]) -> bool:
    if not heard.loud_ns:
        return False
    rest_s = events[-1].time_s - events[0].time_s + END_S
    return time.time_ns() - heard.loud_ns[0] > rest_s * 1e9


def _cpu(seconds: float) -> dict[str, float]:
    """CPU of the graph by state, forced [% of a core]."""
    length_s = round(START_S + 2.0 * (seconds + SETTLE_S) + START_S)
    with _graph(length_s, []) as (process, running):
        time.sleep(SETTLE_S)
        return {state: _cpu_percent(running, process, state, seconds) for state in ("WAKE", "REST")}


def _rows(cpu: dict[str, float], delays_ms: list[float], missed: int, asleep: int) -> list[Row]:
    rest, wake = cpu["REST"], cpu["WAKE"]
    name = "states, live: CPU of the graph in REST on a quiet scene, of a core"
    found = [
        Row(name, rest, "%", baselines={"WAKE": wake}),
        Row("states, live: that over CPU in WAKE", rest / wake, "", GOAL_SHARE),
    ]
    for rank in (50, 99) if delays_ms else ():
        name, goal = f"states, live: from a bang to WAKE, p{rank}", GOAL_MS if rank == 99 else None
        found.append(row_of_samples(name, delays_ms, "ms", goal=goal, rank=rank))
    name = "states, live: bangs in REST that did not wake"
    return [*found, Row(name, missed, "", 0, samples=asleep)]


def waking(heard: Heard, events: Sequence[Event]) -> tuple[list[float], int, int]:
    """Delays [ms] of the bangs that came in REST and woke, how many did not, and how many came.

    Args:
        heard: from outside.
        events: in order of time; the first is a sound.
    """
    if not heard.loud_ns:
        raise RuntimeError("the sound of the scene was not heard")
    zero_ns = heard.loud_ns[0] - round(events[0].time_s * 1e9)
    delays_ms, missed = [], 0
    for event in events:
        at_ns = zero_ns + round(event.time_s * 1e9)
        changes = [(t, True) for t in heard.rests] + [(t, False) for t, _ in heard.woken]
        before = [rests for t, rests in sorted(changes) if t < at_ns]
        if not (before and before[-1]):
            continue  # it was awake, or not known to rest
        after = [t for t, _ in heard.woken if at_ns <= t < at_ns + 3_000_000_000]
        if after:
            delays_ms.append((after[0] - at_ns) * 1e-6)
        else:
            missed += 1
    return delays_ms, missed, len(delays_ms) + missed


def _cpu_percent(
    running: RunningGraph, process: subprocess.Popen[bytes], state: str, seconds: float
) -> float:
    """CPU of the processes of the graph while a state is forced [% of a core]."""
    request = SetState.Request(state=state, duration_s=600.0)
    response = call_service(running, "orchestrator/set_state", request)
    if not response.success:
        raise RuntimeError(response.message)
    time.sleep(SETTLE_S)
    before_s, begin = _cpu_s(process.pid), time.monotonic()
    time.sleep(seconds)
    return 100.0 * (_cpu_s(process.pid) - before_s) / (time.monotonic() - begin)


def _cpu_s(pid: int) -> float:
    """CPU time of the graph's processes, without the command that watches them [s]."""
    times = [child.cpu_times() for child in psutil.Process(pid).children(recursive=True)]
    return float(sum(item.user + item.system for item in times))


@contextmanager
def _graph(
    length_s: int, events: Sequence[Event]
) -> Iterator[tuple[subprocess.Popen[bytes], RunningGraph]]:
    """`sage run` on a scene, in a home of its own."""
    with tempfile.TemporaryDirectory(prefix="sage_states_") as name:
        folder = Path(name)
        home, scene, config = folder / "home", folder / "scene.mkv", folder / "states.yaml"
        write_scene(scene, length_s, events)
        config.write_text(CONFIG)
        environment = {**os.environ, "SAGE_HOME": str(home), "ROS_LOG_DIR": str(folder / "log")}
        words = ["run", "--source", str(scene), "--config", str(config), "--json"]
        program = [sys.executable, str(Path(sys.prefix, "bin", "sage")), *words]
        with (folder / "said.txt").open("wb") as said:
            process = subprocess.Popen(program, stdout=said, stderr=said, env=environment)
            try:
                running = _started(process, home, folder / "said.txt")
                enter_domain(running)
                yield process, running
            finally:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(START_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _started(process: subprocess.Popen[bytes], home: Path, said: Path) -> RunningGraph:
    end_s = time.monotonic() + START_S
    while (running := running_graph(home)) is None:
        if time.monotonic() > end_s or process.poll() is not None:
            raise RuntimeError(said.read_text(errors="replace")[-2000:])
        time.sleep(0.1)
    return running
