"""What the memory node says of its store, and what it holds while it looks at shared buffers."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from test_memory_node import PEAK, see, start

from sage_common.ros.lockstep.host import LockstepHost
from sage_common.ros.rclpy_host.worker import ThreadWorker
from sage_memory.core.ingest.observer import Observer
from sage_memory.nodes.memory_node import MemoryNode
from sage_msgs.srv import StoreExperience


def status_of(host: LockstepHost) -> DiagnosticStatus:
    host.run_for(1.5)
    arrays = [item.message() for item in host.outputs if item.topic == "/diagnostics"]
    return next(s for s in arrays[-1].status if s.name.endswith("memory"))


def node_of(host: LockstepHost) -> MemoryNode:
    (node,) = host.nodes
    return node


@contextmanager
def refusing(host: LockstepHost) -> Iterator[None]:
    """Nothing is written meanwhile: somebody else holds the lock of the file."""
    store = node_of(host)._memory._store
    with store._transaction() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_health_shows_all_that_is_wrong_and_what_is_over_no_more(tmp_path: Path) -> None:
    host = start(tmp_path)
    see(host, PEAK)
    store = node_of(host)._memory._store
    store.reader.cache_refusal = "index: no space left"
    with refusing(host):
        see(host, PEAK, first=100)
        status = status_of(host)
    assert status.level == DiagnosticStatus.ERROR
    assert "1 experiences were not kept" in status.message
    assert "index: no space left" in status.message
    store.reader.cache_refusal = ""
    see(host, PEAK, first=200)
    status = status_of(host)
    assert status.level != DiagnosticStatus.ERROR
    assert "kept" not in status.message and "index" not in status.message
    host.close()


def test_a_disk_that_takes_writes_again_is_well_before_the_next_moment(tmp_path: Path) -> None:
    host = start(tmp_path)
    see(host, PEAK)
    with refusing(host):
        see(host, PEAK, first=100)
        host.run_for(10.0)
        assert "1 experiences were not kept" in status_of(host).message
    host.run_for(10.0)
    status = status_of(host)
    assert status.level != DiagnosticStatus.ERROR and "kept" not in status.message
    host.close()


def test_a_refused_payload_is_shown_until_one_is_kept(tmp_path: Path) -> None:
    host = start(tmp_path)
    payloads = node_of(host)._memory._store.payloads
    payloads._min_free_bytes = 2**60
    see(host, PEAK)
    status = status_of(host)
    assert status.level == DiagnosticStatus.WARN
    assert "payload not kept" in status.message
    payloads._min_free_bytes = 0
    see(host, PEAK, first=100)
    assert "payload" not in status_of(host).message
    host.close()


def test_a_moment_kept_on_request_is_made_while_no_callback_runs(tmp_path, monkeypatch) -> None:
    host = start(tmp_path)
    see(host, PEAK)
    guard, held = node_of(host).guard, []
    real = Observer.experience

    def is_free() -> bool:
        is_ours = guard.acquire(blocking=False)
        if is_ours:
            guard.release()
        return is_ours

    def looked(*arguments: object) -> object:
        with ThreadPoolExecutor(1) as another:
            held.append(not another.submit(is_free).result())
        return real(*arguments)

    monkeypatch.setattr(Observer, "experience", looked)
    answer = host.call("memory/store", StoreExperience.Request(modality="vision"))
    assert answer.success and held == [True]
    host.close()


def test_waiting_for_what_is_to_be_kept_pushes_no_moment_out(tmp_path: Path) -> None:
    host = start(tmp_path)
    writer = node_of(host)._writer
    worker = writer._worker = ThreadWorker("keep", 1, pytest.fail)
    busy, release, kept = threading.Event(), threading.Event(), []

    def work() -> None:
        busy.set()
        release.wait()

    worker.submit(work)
    busy.wait()
    worker.submit(kept.append, "moment")
    threading.Timer(0.2, release.set).start()
    writer.drain()
    assert kept == ["moment"] and worker.dropped == 0
    assert worker.stop()
    host.close()
