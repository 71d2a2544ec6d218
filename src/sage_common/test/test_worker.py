"""The worker thread."""

from __future__ import annotations

import threading

import pytest

from sage_common.ros.rclpy_host.worker import ThreadWorker


@pytest.fixture
def errors():
    return []


def test_the_oldest_waiting_job_makes_room_and_is_counted(errors):
    worker = ThreadWorker("w", 2, errors.append)
    started, go, done = threading.Event(), threading.Event(), []

    def first() -> None:
        started.set()
        go.wait(10)
        done.append(0)

    assert worker.submit(first)
    assert started.wait(10)
    assert worker.submit(done.append, 1) and worker.submit(done.append, 2)
    assert not worker.submit(done.append, 3)
    assert not worker.offer(done.append, 4), "offer refuses and drops nothing"
    assert worker.dropped == 1
    assert not worker.wait_idle(0.01)
    go.set()
    assert worker.wait_idle(10)
    assert done == [0, 2, 3]
    assert worker.stop() and errors == []


def test_an_error_is_told_and_does_not_end_the_worker(errors):
    worker = ThreadWorker("w", 4, errors.append)
    done: list[int] = []
    worker.submit(lambda: 1 / 0)
    worker.submit(done.append, 1)
    assert worker.wait_idle(10)
    assert done == [1] and isinstance(errors[0], ZeroDivisionError)
    worker.stop()


def test_stop_finishes_the_queue_and_takes_no_more(errors):
    worker = ThreadWorker("w", 100, errors.append)
    done: list[int] = []
    for number in range(100):
        worker.submit(done.append, number)
    assert worker.stop(10)
    assert done == list(range(100))
    assert not worker.submit(done.append, 1) and not worker.offer(done.append, 1)
    assert worker.dropped == 1 and len(done) == 100


def test_a_hanging_job_does_not_hold_up_the_end(errors):
    worker = ThreadWorker("w", 3, errors.append)
    go, started = threading.Event(), threading.Event()
    worker.submit(lambda: (started.set(), go.wait(30)))
    assert started.wait(10)
    worker.submit(errors.append, ValueError())
    assert not worker.stop(0.05)
    worker.abandon()
    assert worker.dropped == 1 and worker.wait_idle(10)
    go.set()
    worker._thread.join(10)
    assert not worker._thread.is_alive() and errors == []


def test_a_job_may_wait_for_and_stop_its_own_worker(errors):
    worker = ThreadWorker("w", 3, errors.append)
    seen: list[bool] = []
    worker.submit(lambda: seen.append(worker.wait_idle(10)))
    worker.submit(lambda: seen.append(worker.stop()))
    worker._thread.join(10)
    assert seen == [True, False] and errors == []


def test_a_queue_needs_room(errors):
    with pytest.raises(ValueError, match="queue_size = 0"):
        ThreadWorker("w", 0, errors.append)
