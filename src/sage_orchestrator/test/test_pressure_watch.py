"""How tight memory is, read without the executor, and as often as it matters."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from sage_common.core.health import PressureLevel
from sage_common.ros.rclpy_host.worker import ThreadWorker
from sage_orchestrator.core.pressure.reading import PressureReading
from sage_orchestrator.nodes import pressure_watch
from sage_orchestrator.nodes.pressure_watch import PressureWatch

PATIENCE_S = 60.0


class NodeToy:
    """What the watch needs of a node; nothing spins it."""

    def __init__(self) -> None:
        self.active = True
        self.errors: list[BaseException] = []
        self.made: list[ThreadWorker] = []

    def worker(self, name: str) -> ThreadWorker:
        self.made.append(ThreadWorker(name, 1, self.errors.append))
        return self.made[0]

    def stopwatch_ns(self) -> int:
        return time.perf_counter_ns()


@pytest.fixture
def node() -> Iterator[NodeToy]:
    made = NodeToy()
    yield made
    made.active = False
    assert made.made[0].stop(PATIENCE_S)


def until(condition: Callable[[], bool]) -> bool:
    end_s = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < end_s:
        time.sleep(0.01)
    return condition()


def test_it_reads_by_itself_until_the_node_is_inactive(
    node: NodeToy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pressure_watch, "READ_S", 0.01)
    taken: list[PressureReading] = []
    watch = PressureWatch(node, lambda _now_ns, reading, _level: taken.append(reading))  # type: ignore[arg-type]
    watch.keep_on()
    assert node.made[0].wait_idle(PATIENCE_S) and not taken, "it is not open yet"
    watch.open()
    watch.keep_on()
    watch.keep_on()
    assert until(lambda: len(taken) >= 5)
    assert taken[-1].available_mb > 0.0
    node.active = False
    assert node.made[0].wait_idle(PATIENCE_S)
    watch.close()
    assert node.errors == [] and node.made[0].dropped == 0


def test_after_an_error_the_next_tick_begins_anew(
    node: NodeToy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pressure_watch, "READ_S", 0.01)
    taken: list[PressureLevel] = []

    def take(_now_ns: int, _reading: PressureReading, level: PressureLevel) -> None:
        taken.append(level)
        if len(taken) == 1:
            raise RuntimeError("not now")

    watch = PressureWatch(node, take)  # type: ignore[arg-type]
    watch.open()
    watch.keep_on()
    assert until(lambda: len(node.errors) == 1) and node.made[0].wait_idle(PATIENCE_S)
    watch.keep_on()
    assert until(lambda: len(taken) >= 3)
    assert [str(error) for error in node.errors] == ["not now"]
