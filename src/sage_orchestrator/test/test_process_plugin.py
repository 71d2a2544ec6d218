"""A plugin in a process of its own: the same answers, its limits, its end, and nothing left."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from capability_plugin import Using
from hostile_plugins import (
    Crashing,
    Forking,
    Garbling,
    Gulping,
    Hoarding,
    Leaving,
    Sleeping,
    Spinning,
)
from misbehaving_plugins import HALVING, EagerParameters, Halving, Raising, Unloadable
from process_bench import HOST, called, descriptors, in_process, started, warden_and_process

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_common.core.tiles import TileGrid, TileView
from sage_orchestrator.core.hosting import wire
from sage_orchestrator.core.hosting.hosts import set_up_on_host
from sage_orchestrator.core.hosting.limits import ProcessEnded
from sage_orchestrator.core.hosting.process_plugin import ProcessHost
from sage_orchestrator.core.hosting.process_tree import descendants
from sage_orchestrator.core.plugin import (
    HeardSound,
    HeardUtterance,
    History,
    Memory,
    NothingToDo,
    PluginParameters,
    Region,
    Task,
    TextEmbedding,
)

PATIENCE_S = 60.0
TASK = Task(5, "vision", "front", 0.5, Region(3, 4, 5, 6))


@dataclass
class Granted:
    """The budget of a run that has so long."""

    remaining_s: float | None = None
    remaining_atp: float = 3.0
    affordable_atp: float = 2.0
    spent_atp: float = 1.0
    cancelled: bool = False


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No process, thread or open file more than before."""
    threads, files = threading.active_count(), descriptors()
    before = set(descendants(os.getpid()))
    yield
    left = set(descendants(os.getpid())) - before
    for process in left:
        os.kill(process, signal.SIGKILL)
    assert left == set()
    assert threading.active_count() <= threads and descriptors() <= files


def test_it_gives_what_it_gives_on_a_thread():
    plugin = started(in_process(Halving))
    try:
        assert plugin.nominal_step_ns == Halving.nominal_step_ns
        assert plugin.epsilon == Halving.epsilon
        state = plugin.init_state(TASK, Granted())
        assert plugin.energy(state) == 1.0
        for energy in (0.5, 0.25):
            state = plugin.step(state)
            assert (plugin.energy(state), plugin.feasible(state)) == (energy, False)
        assert plugin.energy(state) == 0.25, "asked again, as for the same state"
        assert plugin.result(state) == {"summary": "at 0.25", "left": 0.25}
        assert plugin.telemetry(state) == {}
        assert plugin.halt(History([1.0, 1.0, 1.0, 1.0])) == "converged"
    finally:
        plugin.unload()


def test_every_capability_and_the_budget_are_reached_from_there():
    level = np.full((3, 5), 0.25, np.float32)
    tiles: list[int] = []

    def pass_on(draw, stamp_ns, look):
        tile = np.zeros((224, 224, 3), np.uint8)
        draw(tile)
        tiles.append(int(tile.sum()))
        return look(tile)

    def recall(query):
        if query is None:
            raise ConnectionError("no memory")
        assert query.example.dtype == np.float32 and query.limit == 3
        return [Memory("0190", 0.9, 1, "a bench")]

    offered = {
        "percepts": lambda modality, stamp_ns: Percept(
            stamp_ns, modality, "front", np.full((30, 30), 2, np.uint8),
            np.array([0.6, 0.8], np.float32), "means",
        ),
        "frames": lambda source, stamp_ns: (
            np.ones((4, 6, 3), np.uint8) if source == "front" else None
        ),
        "periphery": lambda source, stamp_ns: TileView(
            stamp_ns, source, TileGrid(848, 480, 3, 5), level, level, level
        ),
        "tiles": pass_on,
        "recall": recall,
        "embed_text": lambda text: TextEmbedding(np.array([1.0], np.float32), f"words-{text}"),
        "utterances": lambda start_ns, end_ns: [HeardUtterance(1, "hello", "me", 0.9)],
        "sounds": lambda start_ns, end_ns: [HeardSound(1, np.zeros(160, np.float32))],
    }  # fmt: skip
    plugin = started(in_process(Using, offered=offered))
    try:
        state = plugin.init_state(TASK, Granted())
        assert plugin.result(state) == {
            "percept": ["front", 1800, "uint8"],
            "frame": [[4, 6, 3], 72],
            "view": [5, 0.25],
            "memory": [["0190", "a bench"]],
            "text": [[1.0], "words-a bench"],
            "words": ["hello"],
            "sounds": [160],
            "tile": 7,
            "missing": True,
            "region": [3, 5],
            "budget": [3.0, 2.0, False],
            "refused": "no memory",
        }
        assert tiles == [7 * 224 * 224 * 3], "others who read tiles have it, too"
    finally:
        plugin.unload()


def test_what_it_raises_has_its_name_and_its_words():
    plugin = started(in_process(Raising))
    try:
        state = plugin.step(plugin.init_state(TASK, Granted()))
        with pytest.raises(RuntimeError, match="deliberately") as raised:
            plugin.step(state)
        assert type(raised.value).__name__ == "ZeroDivisionError"
        assert plugin.fault == "", "it goes on"
    finally:
        plugin.unload()
    with pytest.raises(RuntimeError, match=r"model\.onnx"):
        in_process(Unloadable).create().load()


@pytest.mark.parametrize(
    ("kind", "limits", "words"),
    [
        (
            Hoarding,
            {"memory_mb": 128.0},
            r"killed: it held \d+ MB of 128 \(plugin_\d+\.memory_mb\)",
        ),
        (Forking, {}, r"killed: it had \d+ processes of 8 \(plugin_\d+\.processes\)"),
        (Crashing, {}, r"segmentation fault \(signal 11\) in its process"),
        (Leaving, {}, "its process ended by itself, with status 3"),
        (Garbling, {}, r"killed: what it says is not understood \(.*\)"),
    ],
)
def test_what_goes_too_far_is_ended_with_words(kind, limits, words):
    name = f"plugin_{os.getpid()}"
    plugin = started(in_process(kind, name, **limits))
    assert len(called(name)) == 2, "it, and what watches it"
    state = plugin.init_state(TASK, Granted())
    with pytest.raises(ProcessEnded, match=words) as ended:
        plugin.step(state)
    assert not ended.value.is_late
    assert plugin.fault == str(ended.value)
    assert called(name) == [], "nor what left its session, and whose parent had ended"
    with pytest.raises(ProcessEnded):
        plugin.step(state)
    plugin.unload()


@pytest.mark.parametrize(
    ("which", "words"),
    [
        (0, r"killed \(signal 9\) from outside, with the process that watches it"),
        (
            1,
            r"killed \(signal 9\) in its process, from outside or by the kernel for want of memory",
        ),
    ],
)
def test_what_is_killed_from_outside_is_put_in_words(which, words):
    name = f"plugin_{os.getpid()}"
    plugin = started(in_process(Halving, name))
    os.kill(warden_and_process(name)[which], signal.SIGKILL)
    end_s = time.monotonic() + PATIENCE_S
    while called(name) and time.monotonic() < end_s:  # the kernel ends one after the other
        time.sleep(0.01)
    with pytest.raises(ProcessEnded, match=words):
        plugin.init_state(TASK, Granted())
    plugin.unload()


def test_memory_that_is_taken_at_once_is_refused_there():
    plugin = started(in_process(Gulping))
    try:
        with pytest.raises(RuntimeError, match="more memory at once than its limit") as raised:
            plugin.step(plugin.init_state(TASK, Granted()))
        assert type(raised.value).__name__ == "MemoryError"
    finally:
        plugin.unload()


@pytest.mark.parametrize("kind", [Spinning, Sleeping])
def test_a_step_that_does_not_come_back_is_killed(kind):
    plugin = started(in_process(kind))
    state = plugin.init_state(TASK, Granted(0.2))
    with pytest.raises(ProcessEnded, match=r"0\.\d+ s in one step: killed") as ended:
        plugin.step(state)
    assert ended.value.is_late


def test_where_time_is_not_measured_nothing_is_late():
    plugin = started(in_process(Spinning))
    state = plugin.init_state(TASK, Granted(None))
    killer = threading.Timer(0.3, plugin.kill, ["enough"])
    killer.start()
    with pytest.raises(ProcessEnded, match="enough"):
        plugin.step(state)
    killer.join()


def test_what_cannot_cross_is_refused_by_name():
    spec = replace(HALVING, host="process", needs=("model_session",))
    offered = {"model_session": lambda name: None}
    with pytest.raises(InvalidInput, match="expected thread: model_session cannot be used from an"):
        set_up_on_host(spec, EagerParameters(), offered, HOST)
    made_there = ProcessHost({"model_session": ("builtins:dict", ())}, None)
    assert set_up_on_host(spec, EagerParameters(), offered, made_there).host == "process"

    @dataclass(frozen=True)
    class Local(PluginParameters):
        """Of no module."""

    with pytest.raises(InvalidInput, match="Local cannot be imported by name"):
        set_up_on_host(replace(spec, needs=()), Local(), {}, HOST)
    moved = replace(EagerParameters(), host="thread")
    assert set_up_on_host(replace(spec, needs=()), moved, {}, HOST).host == "thread"
    moved = replace(EagerParameters(), host="process")
    assert set_up_on_host(HALVING, moved, {}, HOST).host == "process"


@pytest.mark.parametrize("value", [{1, 2}, np.array(["a"]), object(), NothingToDo("x")])
def test_only_what_both_sides_know_is_sent(value):
    with pytest.raises(InvalidInput, match="what crosses to or from a process"):
        wire.packed([value])


ORCHESTRATOR = """
import sys, time
from process_bench import in_process, started
from hostile_plugins import LeavingWorkBehind
from test_process_plugin import Granted, TASK
from sage_orchestrator.core.hosting.process_tree import descendants
import os
plugin = started(in_process(LeavingWorkBehind))
plugin.init_state(TASK, Granted())
print(*descendants(os.getpid()), flush=True)
time.sleep(3600)
"""


def test_nothing_outlives_an_orchestrator_that_is_killed():
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    with subprocess.Popen(
        [sys.executable, "-c", ORCHESTRATOR], env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE, text=True,
    ) as orchestrator:  # fmt: skip
        processes = [int(number) for number in orchestrator.stdout.readline().split()]
        assert len(processes) == 3, "the warden, the plugin, and what it started"
        ends = [os.pidfd_open(process) for process in processes]
        orchestrator.kill()
    for end in ends:
        assert select.select([end], [], [], PATIENCE_S)[0], "it lives on"
        os.close(end)
