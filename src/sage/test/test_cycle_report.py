"""sage profile --report: where time goes, and what takes the processors."""

from __future__ import annotations

import json
import os
import time

import pytest

from sage.commands.compute.cycle_report import as_json, show, streams_of
from sage.commands.compute.processor_use import (
    EXECUTOR,
    LIBRARIES,
    MIDDLEWARE,
    group_of,
    shares,
    thread_seconds,
)
from sage.graph.catalogue import CATALOGUE
from sage_common.core.diagnosis import stages
from sage_common.core.diagnosis.cycle_profile import cycle_profile
from sage_common.core.diagnosis.relief import relief_of
from sage_common.core.diagnosis.timing import TimingFacts
from sage_common.core.parameters import specs
from sage_common.ros.rclpy_host.worker import ThreadWorker

TIMINGS = {
    "encode vision": TimingFacts(4.0, 3.9, 8.0, 30.0),
    "score vision": TimingFacts(2.0, 2.0, 3.0, 30.0),
    "to salience vision": TimingFacts(10.0, 9.0, 20.0, 30.0),
    "to refinement vision": TimingFacts(100.0, 90.0, 200.0, 2.0),
    "refine look vision": TimingFacts(50.0, 50.0, 60.0, 2.0),
}


def test_every_relief_is_a_parameter_that_exists() -> None:
    named = [
        stages.sense("camera"), stages.sense("microphone"), stages.encode("proprioception"),
        *map(stages.encode, ("vision", "audio", "language")), stages.score("vision"),
        stages.fuse("vision"), stages.ATTEND, stages.REMEMBER, stages.KEEP, stages.DECIDE,
        stages.refine("look", "vision"), stages.WAIT, stages.HAND_OVER,
    ]  # fmt: skip
    for stage in named:
        relief = relief_of(stage)
        names = {spec.name for spec in specs(CATALOGUE[relief.node].parameters_type())}
        assert relief.parameter in names, stage


def test_the_report_is_json_and_is_shown_with_the_bottleneck_of_both_ways(
    capsys: pytest.CaptureFixture[str],
) -> None:
    used = {"name": "container", "pid": 7, "cpu": 0.3, "threads": {EXECUTOR: 0.2, "memory": 0.001}}
    found = as_json(cycle_profile(TIMINGS, streams_of((), ())))
    report = {**json.loads(json.dumps(found)), "watched_s": 5.0, "processes": [used]}
    assert sum(part["share"] for part in report["to_salience"]["parts"]) == pytest.approx(1.0)
    assert report["to_salience"]["parts"][0] == {
        "stage": "encode vision", "mean_ms": 4.0, "share": 0.4, "p50_ms": 3.9, "p99_ms": 8.0,
        "rate_hz": 30.0,
    }  # fmt: skip
    show(report)
    said = capsys.readouterr().out
    assert "encode vision takes 40 % of it" in said and "refine look vision takes 50 %" in said
    assert EXECUTOR in said and "memory" not in said.partition("of a core")[2]


def test_the_camera_is_followed_first() -> None:
    assert next(iter(streams_of(("audio", "vision"), ()))) == "vision"
    assert streams_of((), ())["proprioception"] == "imu"


def test_threads_are_grouped_by_what_they_are_for() -> None:
    worker = ThreadWorker("probe/work", 1, pytest.fail)
    worker.submit(_burn)
    worker.wait_idle(60.0)
    taken = thread_seconds(os.getpid())
    worker.stop()
    assert taken["probe"] > 0.0 and taken[EXECUTOR] > 0.0
    assert thread_seconds(2**22 + 1) == {}, "no such process"
    assert group_of("dds.udp.7003", "python") == MIDDLEWARE
    assert group_of("python", "python") == LIBRARIES


def _burn() -> None:
    end_s = time.thread_time() + 0.05
    while time.thread_time() < end_s:
        pass


def test_shares_are_of_a_core_the_most_first() -> None:
    before, after = {"a": 1.0, "b": 1.0}, {"a": 1.5, "b": 2.0, "c": 0.1}
    assert list(shares(before, after, 2.0).items()) == [("b", 0.5), ("a", 0.25), ("c", 0.05)]
