"""The graph beside a process that takes memory, under a limit that both together do not fit into.

The same run once with its governor, and once with that turned off by MEMORY_PRESSURE_WATCH.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sage.graph.runtime_file import RunningGraph, running_graph
from sage.memory.opening import open_memory
from sage.observe.attached import Attached, enter_domain
from sage_bench.budget.memory_limit import MemoryLimit, anonymous_bytes
from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row, row_of_samples
from sage_common.core.health import PressureLevel
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.node import SageNode
from sage_msgs.srv import StoreExperience
from sage_orchestrator.backends.stall_information import SYSTEM, StallTriggers

MB = 2**20
ROOM_MB, HOG_MB, RATE_MB_S = 230, 300, 200.0
"""What is free below the limit; what the hog takes of it, 70 MB more than there is; how fast."""
FILE_MB = 256
CALM_S, CALM_S_QUICK = 20.0, 8.0
HOLD_S, HOLD_S_QUICK = 20.0, 10.0
START_S, RETURN_S = 60.0, 90.0
STORE_S, POLL_S = 0.5, 0.02
REACTION_MS, RETURN_GOAL_S, SLOWER = 500.0, 60.0, 2.0
PARAMETERS = "recording: {ros__parameters: {width_px: 1920, height_px: 1080}}\n"
OFF = {"MEMORY_PRESSURE_WATCH": "/dev/null"}


@dataclass
class Heard:
    """What came while the graph ran; times are monotonic [s].

    Attributes:
        levels: when each level of pressure was heard first, and why.
        latencies_ms: when each fused salience came, and its latency.
        given_mb: what has been given back so far, by node and thing [MB].
        stored: ids of the experiences that were acknowledged.
        raised: when the kernel raised an event to the bench itself, and for which level.
    """

    levels: list[tuple[float, PressureLevel, str]] = field(default_factory=list)
    latencies_ms: list[tuple[float, float]] = field(default_factory=list)
    given_mb: dict[str, float] = field(default_factory=dict)
    stored: list[str] = field(default_factory=list)
    raised: list[tuple[float, PressureLevel]] = field(default_factory=list)

    def latencies_between(self, begin_s: float, end_s: float) -> list[float]:
        """Those that came in a time [ms]."""
        return [ms for at_s, ms in self.latencies_ms if begin_s <= at_s < end_s]


class _Listener(SageNode):
    """Hears what the governor does, and stores a moment twice a second."""

    default_name = "pressure_listener"
    watches = True

    def on_configure(self) -> None:
        self.heard = Heard()
        self._storing = self.worker("store")
        self._store = self.client("memory/store")
        self.subscribe("pressure", self._on_pressure)
        self.subscribe("fused_salience", self._on_salience)
        self.subscribe_foreign(
            "/diagnostics", "diagnostic_msgs/msg/DiagnosticArray", self._on_status,
            stamp_checked=False,
        )  # fmt: skip
        self.timer(STORE_S, lambda: self._storing.submit(self._ask_to_store))

    def _on_pressure(self, message: Any) -> None:
        level = PressureLevel(message.level)
        if not self.heard.levels or self.heard.levels[-1][1] != level:
            self.heard.levels.append((time.monotonic(), level, message.reason))

    def _on_salience(self, message: Any) -> None:
        if message.valid:
            self.heard.latencies_ms.append((time.monotonic(), message.latency_ms))

    def _on_status(self, message: Any) -> None:
        for status in message.status:
            for pair in status.values:
                if pair.key.startswith("given back: "):
                    self.heard.given_mb[f"{status.name} {pair.key}"] = float(pair.value)

    def _ask_to_store(self) -> None:
        try:
            answer = self._store.call(StoreExperience.Request(text="under pressure"), 2.0)
        except ServiceUnavailable:
            return
        if answer.success:
            self.heard.stored.append(answer.id)


@dataclass(frozen=True)
class _Run:
    """What came of one run.

    Attributes:
        heard: all that came.
        began_s, released_s: when the hog began, and when it had ended [s].
        kills: processes that the kernel killed.
        ended: what `sage run` said of processes that ended, and how the hog did.
        lost: acknowledged experiences that are not in the memory.
        given_mb: unreclaimable memory of the graph before the hog came, less that at its end [MB].
    """

    heard: Heard
    began_s: float
    released_s: float
    kills: int
    ended: str
    lost: int
    given_mb: float


def rows(setting: Setting) -> Figures:
    """Kills, memories lost, levels, latency and what was given back, with and without governor."""
    calm_s = CALM_S_QUICK if setting.quick else CALM_S
    hold_s = HOLD_S_QUICK if setting.quick else HOLD_S
    try:
        governed = _run({}, calm_s, hold_s)
        alone = _run(OFF, calm_s, hold_s)
    except OSError as error:
        return Figures(errors=(f"governor: no cgroup v1 of memory can be written ({error})",))
    return Figures(tuple(_rows(governed, alone)), (_note(governed),))


def _rows(governed: _Run, alone: _Run) -> Iterator[Row]:
    heard, without = governed.heard, "without governor"
    yield Row("processes killed by the kernel under a memory limit", governed.kills, "", 0.0,
              baselines={without: alone.kills})  # fmt: skip
    yield Row("acknowledged experiences lost", governed.lost, "", 0.0,
              baselines={without: alone.lost}, samples=len(heard.stored))  # fmt: skip
    climbed = [entry for entry in heard.levels if entry[0] >= governed.began_s]
    highest = max((level for _, level, _ in climbed), default=PressureLevel.GREEN)
    yield Row("highest level of pressure, of 4", int(highest), "")
    yield Row("turns from down to up again", _flaps([level for _, level, _ in climbed]), "", 1.0)
    if reactions := _reactions_ms(heard):
        yield row_of_samples("from an event of the kernel to its level", reactions, "ms",
                             goal=REACTION_MS, rank=99)  # fmt: skip
    first_s = next((at_s for at_s, level, _ in climbed if level), float("nan"))
    yield Row("from the first byte taken to the first level", first_s - governed.began_s, "s")
    back_s = next((at_s for at_s, level, _ in climbed[::-1] if not level), float("nan"))
    yield Row("from release to normal", back_s - governed.released_s, "s", RETURN_GOAL_S)
    before = heard.latencies_between(0.0, governed.began_s)
    during = heard.latencies_between(governed.began_s, governed.released_s)
    if before and during:
        p99_before, p99_during = (float(np.percentile(ms, 99)) for ms in (before, during))
        yield Row("salience p99 under pressure over p99 before", p99_during / p99_before, "",
                  SLOWER, baselines=_slower_alone(alone), samples=len(during))  # fmt: skip
    yield Row(
        "given back by the graph, as the kernel counts its memory",
        governed.given_mb,
        "MB",
        None,
        "higher",
        baselines={} if alone.kills else {without: alone.given_mb},
    )


def _slower_alone(alone: _Run) -> dict[str, float]:
    before = alone.heard.latencies_between(0.0, alone.began_s)
    during = alone.heard.latencies_between(alone.began_s, alone.released_s)
    if not (before and during):
        return {}
    return {"without governor": float(np.percentile(during, 99) / np.percentile(before, 99))}


def _note(governed: _Run) -> str:
    heard = governed.heard
    steps = ", ".join(
        f"{at_s - governed.began_s:.1f} s {level.word} ({why})"
        for at_s, level, why in heard.levels
        if at_s >= governed.began_s
    )
    given = ", ".join(f"{name} {mb:.1f}" for name, mb in heard.given_mb.items() if mb)
    return (
        f"governor: the recorded walk at 1080p in a cgroup v1 with {ROOM_MB} MB free, beside a hog "
        f"that takes {HOG_MB} MB at {RATE_MB_S:g} MB/s and then reads a file of {FILE_MB} MB; "
        f"released after {governed.released_s - governed.began_s:.1f} s; levels: {steps}; "
        f"processes that ended: {governed.ended}; "
        f"nodes say that they gave back (pictures lie in slots, too) [MB]: {given}"
    )


def _flaps(levels: list[PressureLevel]) -> int:
    """How often a level rose again after it had fallen."""
    moves = np.sign(np.diff([0, *map(int, levels)]))
    return int(np.sum((moves[:-1] < 0) & (moves[1:] > 0)))


def _reactions_ms(heard: Heard) -> list[float]:
    """From each event that called for a higher level to that level, or a higher one."""
    found, highest = [], PressureLevel.GREEN
    for at_s, level in heard.raised:
        now = [known for since_s, known, _ in heard.levels if since_s < at_s - POLL_S]
        if level <= max(highest, now[-1] if now else PressureLevel.GREEN):
            continue
        highest = level
        later = [since_s for since_s, known, _ in heard.levels if known >= level]
        if later:
            found.append(max(later[0] - at_s, 0.0) * 1e3)
    return found


def _run(environment: dict[str, str], calm_s: float, hold_s: float) -> _Run:
    with tempfile.TemporaryDirectory(prefix="sage-governor-") as text:
        folder = Path(text)
        read = _file_to_read(folder)
        with MemoryLimit("sage-bench") as limit, (folder / "log").open("wb") as log:
            graph = limit.start(_command(folder), log, environment)
            try:
                running = _wait_for(graph, folder)
                enter_domain(running)
                with Attached(_Listener, running.namespace) as attached:
                    return _measure(attached.node, limit, graph, log, read, calm_s, hold_s)
            finally:
                _end(graph)


def _measure(
    listener: _Listener,
    limit: MemoryLimit,
    graph: subprocess.Popen[bytes],
    log: Any,
    read: Path,
    calm_s: float,
    hold_s: float,
) -> _Run:
    heard = listener.heard
    end_s = time.monotonic() + START_S
    while not heard.latencies_ms and time.monotonic() < end_s:
        time.sleep(POLL_S)
    time.sleep(calm_s)
    before = after = limit.unreclaimable_bytes
    limit.set_limit(before + ROOM_MB * MB)
    heard.latencies_ms = heard.latencies_ms[len(heard.latencies_ms) // 4 :]  # it has warmed up
    with _events(heard):
        hog_command = [sys.executable, "-m", "sage_bench.budget.memory_hog"]
        hog_command += [str(HOG_MB), str(RATE_MB_S), str(hold_s), str(read)]
        began_s = time.monotonic()
        hog = limit.start(hog_command, log, {})
        while hog.poll() is None:
            with contextlib.suppress(OSError):  # it has just ended
                after = limit.unreclaimable_bytes - anonymous_bytes(hog.pid)
            time.sleep(POLL_S)
        released_s = time.monotonic()
    while graph.poll() is None and time.monotonic() < released_s + RETURN_S:
        if not heard.levels or heard.levels[-1][1] == PressureLevel.GREEN:
            break
        time.sleep(POLL_S)
    kills = limit.kills
    _end(graph)
    lost = _lost(heard, read.parent)
    said = (read.parent / "log").read_text(errors="replace").splitlines()
    ended = "; ".join(line.strip() for line in said if " ended (" in line) or "none"
    ended += f"; hog: exit status {hog.returncode}"
    return _Run(heard, began_s, released_s, kills, ended, lost, (before - after) / MB)


def _lost(heard: Heard, folder: Path) -> int:
    with open_memory(folder / "home", read_only=True) as memory:
        return sum(memory.of_id(identifier) is None for identifier in heard.stored)


@contextlib.contextmanager
def _events(heard: Heard) -> Iterator[None]:
    """Note when the kernel raises the events that the governor hears, where it may be asked."""
    try:
        triggers = StallTriggers(Path("/") / SYSTEM)
    except OSError:
        yield
        return
    ending = threading.Event()

    def watch() -> None:
        while not ending.is_set():
            if level := triggers.wait(POLL_S):
                heard.raised.append((time.monotonic(), level))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
        triggers.close()


def _command(folder: Path) -> list[str]:
    parameters = folder / "1080p.yaml"
    parameters.write_text(PARAMETERS)
    words = ["run", "--source", "recording", "--home", str(folder / "home"), "--json"]
    program = "import sys; from sage.cli import main; sys.exit(main())"
    return [sys.executable, "-c", program, *words, "--config", str(parameters), "--fresh"]


def _file_to_read(folder: Path) -> Path:
    """A file that no cache holds."""
    path = folder / "read"
    with path.open("wb") as file:
        for _ in range(FILE_MB):
            file.write(os.urandom(MB))
        file.flush()
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return path


def _wait_for(graph: subprocess.Popen[bytes], folder: Path) -> RunningGraph:
    end_s = time.monotonic() + START_S
    while time.monotonic() < end_s and graph.poll() is None:
        if (running := running_graph(folder / "home")) is not None:
            return running
        time.sleep(POLL_S)
    raise RuntimeError(f"the graph did not start: {(folder / 'log').read_text()[-2000:]}")


def _end(graph: subprocess.Popen[bytes]) -> None:
    if graph.poll() is None:
        graph.send_signal(signal.SIGINT)
        try:
            graph.wait(30.0)
        except subprocess.TimeoutExpired:
            os.killpg(graph.pid, signal.SIGKILL)
            graph.wait()
