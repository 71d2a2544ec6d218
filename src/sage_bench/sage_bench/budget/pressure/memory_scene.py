"""A graph below a limit of memory, beside a process that takes more than there is."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sage.graph.runtime_file import RunningGraph, running_graph
from sage.memory.opening import open_memory
from sage.observe.attached import Attached, enter_domain
from sage_bench.budget.pressure.memory_limit import MemoryLimit, anonymous_bytes
from sage_bench.budget.pressure.pressure_listener import Heard, PressureListener
from sage_orchestrator.backends.stall_information import SYSTEM, StallTriggers

MB = 2**20
ROOM_MB, HOG_MB = 230, 300
"""What is free below the limit; what the hog takes of it: 70 MB more than there is."""
FILE_MB, READ_MB_S = 256, 200.0
START_S, RETURN_S, STAYS_S = 60.0, 90.0, 5.0
SETTLED_S, SETTLED_MB, SETTLED_WITHIN_S = 5.0, 4, 20.0
"""It has settled when it grew by less in that time."""
POLL_S = 0.02
PARAMETERS = "recording: {ros__parameters: {width_px: 1920, height_px: 1080}}\n"


@dataclass(frozen=True)
class Hog:
    """A process that takes memory, and how.

    Attributes:
        name: of the way.
        step_mb, period_s: it takes so much, so often.
    """

    name: str
    step_mb: int
    period_s: float


@dataclass(frozen=True)
class SceneRun:
    """What came of one run.

    Attributes:
        hog: what took memory.
        heard: all that came.
        began_s, released_s: when the hog began, and when it had ended [s].
        kills: processes that the kernel killed.
        ended: what `sage run` said of processes that ended, and how the hog did.
        lost: acknowledged experiences that are not in the memory.
        held_mb: what caches and models held before, pictures in slots counted twice [MB].
        given_mb: unreclaimable memory of the graph before the hog came, less that at its end [MB].
    """

    hog: Hog
    heard: Heard
    began_s: float
    released_s: float
    kills: int
    ended: str
    lost: int
    held_mb: float
    given_mb: float


def run_scene(hog: Hog, calm_s: float, hold_s: float, environment: Mapping[str, str]) -> SceneRun:
    """Run the graph for `calm_s`, then beside the hog, which holds all for `hold_s`.

    Raises:
        OSError: there is no cgroup v1 of memory that may be written.
    """
    with tempfile.TemporaryDirectory(prefix="sage-governor-") as text:
        folder = Path(text)
        read = _file_to_read(folder)
        with MemoryLimit("sage-bench") as limit, (folder / "log").open("wb") as log:
            graph = limit.start(_command(folder), log, environment)
            try:
                running = _wait_for(graph, folder)
                enter_domain(running)
                with Attached(PressureListener, running.namespace) as attached:
                    return _measure(attached.node, limit, graph, log, read, hog, calm_s, hold_s)
            finally:
                _end(graph)


def _measure(
    listener: PressureListener,
    limit: MemoryLimit,
    graph: subprocess.Popen[bytes],
    log: Any,
    read: Path,
    hog: Hog,
    calm_s: float,
    hold_s: float,
) -> SceneRun:
    heard = listener.heard
    end_s = time.monotonic() + START_S
    while not heard.latencies_ms and time.monotonic() < end_s:
        time.sleep(POLL_S)
    time.sleep(calm_s)
    _wait_until_settled(limit)
    held_mb = heard.held_mb
    before = after = limit.unreclaimable_bytes
    limit_bytes = before + ROOM_MB * MB
    limit.set_limit(limit_bytes)
    heard.latencies_ms = heard.latencies_ms[len(heard.latencies_ms) // 4 :]  # it has warmed up
    with _events(heard):
        began_s = time.monotonic()
        taker = limit.start(_hog_command(hog, hold_s, read), log, {})
        while taker.poll() is None:
            held = limit.unreclaimable_bytes
            heard.call_at_share(100.0 * held / limit_bytes)
            with contextlib.suppress(OSError):  # it has just ended
                after = held - anonymous_bytes(taker.pid)
            time.sleep(POLL_S)
        released_s = time.monotonic()
    while graph.poll() is None and time.monotonic() < released_s + RETURN_S:
        if heard.is_green_for(STAYS_S):
            break
        time.sleep(POLL_S)
    kills = limit.kills
    _end(graph)
    lost = _lost(heard, read.parent)
    said = (read.parent / "log").read_text(errors="replace").splitlines()
    words = (line.strip() for line in said if not line.startswith("{"))  # the summary
    ended = "; ".join(line for line in words if " ended (" in line) or "none"
    ended += f"; hog: exit status {taker.returncode}"
    given_mb = (before - after) / MB
    return SceneRun(hog, heard, began_s, released_s, kills, ended, lost, held_mb, given_mb)


def _wait_until_settled(limit: MemoryLimit) -> None:
    """Until the graph has loaded and filled what it takes in calm, or for `SETTLED_WITHIN_S`."""
    end_s = time.monotonic() + SETTLED_WITHIN_S
    while time.monotonic() < end_s:
        before = limit.unreclaimable_bytes
        time.sleep(SETTLED_S)
        if limit.unreclaimable_bytes - before < SETTLED_MB * MB:
            return


def _hog_command(hog: Hog, hold_s: float, read: Path) -> list[str]:
    numbers = (HOG_MB, hog.step_mb, hog.period_s, hold_s, READ_MB_S)
    program = [sys.executable, "-m", "sage_bench.budget.pressure.memory_hog"]
    return [*program, *map(str, numbers), str(read)]


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
                heard.called.append((time.monotonic(), level))

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
