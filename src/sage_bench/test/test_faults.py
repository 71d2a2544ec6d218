"""Faults are injected as ordered, every node has its cells, and a cell fails for what it must."""

from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from sensor_msgs.msg import Imu

from sage.graph.catalogue import CATALOGUE
from sage.graph.environment import graph_environment
from sage.observe.observer_node import ObserverNode
from sage_bench.faults.expected import expected_hz
from sage_bench.faults.graph import feeds, make_graph
from sage_bench.faults.inflicting import left, remove
from sage_bench.faults.injection import Injected, Injection
from sage_bench.faults.kinds import FAULTS, KILL, NAN, UNPLUGGED, meaningless
from sage_bench.faults.matrix import cells_of_processes, lines, render, row_of
from sage_bench.faults.poison import poisoned, registered
from sage_bench.faults.verdict import Seen
from sage_bench.faults.watch import Report, Watch, rate_of
from sage_common.ros.diagnostics import HARDWARE_ID, PUBLISHED, RECEIVED

TINY = """
import json, os, sys, time
for line in sys.stdin:
    begin, error = time.monotonic(), 0
    try:
        with open(line.strip(), "wb", buffering=0) as file:
            file.write(b"x")
            os.fsync(file.fileno())
    except OSError as caught:
        error = caught.errno
    print(json.dumps([error, time.monotonic() - begin, time.time()]), flush=True)
"""
TIMER = """
import sys, time, rclpy
from rclpy.task import Future
from sage_common.ros.executor import EXECUTOR
from sage_common.ros.node import SageNode
from sage_common.ros.rclpy_host.host import RosHost

class Ticking(SageNode):
    default_name = "ticking"
    def on_configure(self):
        self.timer(0.05, lambda: print("tick", flush=True))

rclpy.init()
host = RosHost(Ticking)
executor = EXECUTOR()
executor.add_node(host)
assert host.start()
while True:
    executor.spin_until_future_complete(Future(), timeout_sec=0.2)
"""
TICKS, PATIENCE_S = 40, 60.0
SAME_SHIFT = 60.0
GOOD = Seen(
    "any", "a", (1.0, 3.0), effect=1, begin_s=10.0, lifted_s=16.0, named_s=11.0, noticed_s=10.5,
    active_s=12.0, well_s=20.0, expected={"b": 10.0}, during={"b": 9.0},
)  # fmt: skip


@contextmanager
def tiny(injection: Injection) -> Iterator[subprocess.Popen[str]]:
    with injection.loaded():
        process = subprocess.Popen(
            [sys.executable, "-c", TINY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
    try:
        yield process
    finally:
        process.communicate()


def ask(process: subprocess.Popen[str], path: Path) -> tuple[int, float, float]:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{path}\n")
    process.stdin.flush()
    error, took_s, now_s = json.loads(process.stdout.readline())
    return error, took_s, now_s


def test_the_disk_below_a_folder_and_the_clock_of_one_process_are_at_fault(tmp_path: Path) -> None:
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    home.mkdir()
    injection = Injection(work, home)
    with tiny(injection) as process, tiny(injection) as other:
        assert ask(process, home / "a")[0] == 0 and injection.effects == 0
        injection.inflict(process.pid, Injected.FULL_DISK)
        assert ask(process, home / "b")[0] == errno.ENOSPC
        assert ask(process, work / "c")[0] == 0, "elsewhere there is room"
        assert ask(other, home / "d")[0] == 0, "another process has it"
        assert injection.effects == 1
        injection.inflict(process.pid, Injected.SLOW_DISK, 50_000)
        error, took_s, _ = ask(process, home / "e")
        assert error == 0 and took_s >= 0.1 and injection.effects == 2, "write and sync"
        for shift_s in (3600, -3600):
            injection.inflict(process.pid, Injected.CLOCK, shift_s)
            assert abs(ask(process, home / "f")[2] - time.time() - shift_s) < SAME_SHIFT
            assert injection.effects > 0
        injection.lift()
        error, _, now_s = ask(process, home / "g")
        assert error == 0 and abs(now_s - time.time()) < SAME_SHIFT


def test_the_timers_of_a_node_go_on_when_the_clock_is_set_back(tmp_path: Path) -> None:
    injection = Injection(tmp_path, tmp_path)
    with injection.loaded():
        process = subprocess.Popen(
            [sys.executable, "-c", TIMER], stdout=subprocess.PIPE, text=True,
            env={**os.environ, **graph_environment(None, False, tmp_path),
                 "SAGE_HOME": str(tmp_path)},
        )  # fmt: skip
    ending = threading.Timer(PATIENCE_S, process.kill)
    ending.start()
    try:
        assert process.stdout is not None and process.stdout.readline() == "tick\n"
        injection.inflict(process.pid, Injected.CLOCK, -3600)
        ticks = [process.stdout.readline() for _ in range(TICKS)]
        assert ticks == ["tick\n"] * TICKS and injection.effects > 0
    finally:
        ending.cancel()
        process.kill()
        process.communicate()


def test_every_kind_of_node_and_every_fault_has_a_cell_or_a_reason(tmp_path: Path) -> None:
    graph = make_graph(tmp_path)
    tried = {(cell.process, cell.fault) for cell in cells_of_processes(graph)}
    kinds = {node.kind for node in graph.nodes}
    untried = {kind for kind in set(CATALOGUE) - kinds if not kind.endswith("_encoder")}
    assert untried == {"recording", "foxglove"}, "docs/operating.md names them"
    for node in graph.nodes:
        if node.declared is not None and node.name == "fault_driver":
            continue
        for fault in FAULTS:
            assert ((node.name, fault) in tried) != bool(meaningless(fault, node.kind))
    assert meaningless(UNPLUGGED, "fusion") and not meaningless(KILL, "camera")
    assert set(feeds(graph)) <= {node.name for node in graph.nodes}


def test_a_cell_passes_and_fails_for_each_thing_that_it_must_show() -> None:
    assert GOOD.failures() == []
    wrong = {
        "take effect": replace(GOOD, effect=0),
        "b 7.0 of 10.0": replace(GOOD, during={"b": 7.0}),
        "not named": replace(GOOD, named_s=0.0),
        "named after 6.0 s": replace(GOOD, named_s=16.0),
        "seen after 2.0 s": replace(GOOD, noticed_s=12.0),
        "not active again": replace(GOOD, active_s=0.0),
        "not well before: y: deaf": replace(GOOD, unwell_before={"y": "deaf"}),
        "x: down": replace(GOOD, well_s=0.0, unwell={"x": "down"}),
        "lost: 1": replace(GOOD, lost=("1",)),
        "/dev/shm: s": replace(GOOD, left=("s",)),
        "refused: f": replace(GOOD, refused=("f",)),
        "not heard": replace(GOOD, unreachable=True),
    }
    for words, seen in wrong.items():
        (failure,) = seen.failures()
        assert words in failure
    assert replace(GOOD, effect=0, is_named=False, named_s=0.0).failures(control=True) == []
    assert replace(GOOD, during={}).failures(control=True), "the control can fail"


def test_who_lives_by_others_owes_as_much_as_they_give() -> None:
    rates = {"camera": 30.0, "imu": 10.0, "eye": 30.0, "fusion": 40.0, "clockwork": 5.0}
    fed = {"eye": ("camera",), "fusion": ("eye", "imu")}
    expected = {"camera": 0.0, "imu": 10.0, "eye": 0.0, "fusion": 10.0, "clockwork": 5.0}
    assert expected_hz(rates, fed, ["camera"]) == expected
    assert expected_hz(rates, fed, []) == rates


def test_a_rate_spans_a_restart() -> None:
    counts = [(0.0, 100), (1.0, 110), (2.0, 4), (4.0, 24)]
    reports = [Report(at_s, 0, "", count, 0, {}) for at_s, count in counts]
    assert rate_of(reports) == pytest.approx(34 / 4)
    assert rate_of(reports[:1]) == 0.0


class RecordedSubscriptions:
    """Keeps what would be called with messages."""

    def __init__(self) -> None:
        self.heard: dict[str, Callable[[Any], None]] = {}

    def subscribe_foreign(
        self, topic: str, _type: str, heard: Callable[[Any], None], **_: Any
    ) -> None:
        self.heard[topic] = heard

    def report(self, name: str, level: bytes, message: str, **values: str) -> None:
        status = DiagnosticStatus(level=level, name=f"/s/{name}", message=message)
        status.hardware_id = HARDWARE_ID
        status.values = [KeyValue(key=k, value=v) for k, v in values.items()]
        self.heard["/diagnostics"](DiagnosticArray(status=[status]))


def test_who_listens_to_a_node_is_known_and_who_is_worse_than_at_the_start() -> None:
    graph = RecordedSubscriptions()
    watch = Watch(cast(ObserverNode, graph), "/s")
    graph.report("ear", DiagnosticStatus.OK, "running", **{f"/s/a{RECEIVED}": "3"})
    graph.report("mouth", DiagnosticStatus.WARN, "deaf", **{f"/s/a{PUBLISHED}": "3"})
    assert watch.readers(["mouth"]) == ["ear"] and watch.readers(["ear"]) == []
    assert watch.inputs("ear") == ["a"]
    assert watch.unwell({"ear": 0, "mouth": 1}) == {}
    assert watch.unwell({"mouth": 0, "absent": 0}) == {"mouth": "deaf", "absent": "no report"}
    assert watch.slow({"ear": 2.0, "mouth": 0.5}, 0.8, 4.0) == {"ear": "0.0 of 2.0 messages/s"}


def test_messages_are_poisoned_where_they_have_numbers() -> None:
    spec, names = registered("imu/body/data") or (None, {})
    assert spec is not None and names == {"name": "body"}
    message = poisoned(spec.type, names)
    assert isinstance(message, Imu) and math.isnan(message.angular_velocity.x)
    assert np.isnan(message.orientation_covariance).all()
    sound = poisoned("audio_common_msgs/msg/AudioDataStamped", {})
    assert np.isnan(np.frombuffer(bytes(sound.audio.data), np.float32)).all()
    assert poisoned("std_msgs/msg/String", {}) is None and registered("no/such") is None


def test_segments_are_removed_with_their_locks_and_what_is_left_is_known(tmp_path: Path) -> None:
    for name in ("fastrtps_a", "fastrtps_a_el", "fastrtps_b"):
        (tmp_path / name).touch()
    assert left({"fastrtps_a", "fastrtps_b"}, tmp_path) == ("fastrtps_a", "fastrtps_b")
    assert remove({"fastrtps_a"}, tmp_path) == 2
    assert left({"fastrtps_a", "fastrtps_b"}, tmp_path) == ("fastrtps_b",)


def test_the_page_has_a_line_a_process() -> None:
    rows = [row_of("a", KILL, []), row_of("a", NAN, ["it did not"]), row_of("b", NAN, [])]
    cells = lines({row.name: row.value for row in rows})
    assert cells == {"a": {KILL: 1.0, NAN: 0.0}, "b": {NAN: 1.0}}
    page = render([{"name": row.name, "value": row.value} for row in rows])
    assert "| a | pass |" in page and "**fail**" in page and "| b | - |" in page
