"""The thread of a node's transitions."""

from __future__ import annotations

import threading

import pytest

from sage_common.ros.rclpy_host.control import QUEUE_SIZE, ControlClosed, ControlWorker

LONG_S = 20.0


@pytest.fixture
def control():
    made = ControlWorker("toy/control", lambda error: None)
    yield made
    assert made.stop(LONG_S)


def test_jobs_run_one_after_another_in_their_order_on_one_thread(control):
    ran: list[tuple[int, int]] = []
    outcomes = [control.start(lambda n=n: ran.append((n, threading.get_ident()))) for n in range(5)]
    for outcome in outcomes:
        outcome.result(LONG_S)
    assert [number for number, _ in ran] == list(range(5))
    assert len({thread for _, thread in ran}) == 1 and ran[0][1] != threading.get_ident()


def test_a_job_that_asks_for_another_gets_it_at_once(control):
    assert not control.is_current
    assert control.run(lambda: (control.is_current, control.run(lambda: 3))) == (True, 3)


def test_what_a_job_raises_is_raised_where_it_was_asked_for_and_the_next_one_runs(control):
    with pytest.raises(ZeroDivisionError):
        control.run(lambda: 1 // 0)
    assert control.run(lambda: 2) == 2


def test_more_than_may_wait_is_refused_in_words(control):
    go, begun = threading.Event(), threading.Event()
    first = control.start(lambda: begun.set() or go.wait(LONG_S))
    assert begun.wait(LONG_S)
    for _ in range(QUEUE_SIZE):
        assert control.offer(lambda: None)
    with pytest.raises(ControlClosed, match=f"{QUEUE_SIZE} transitions wait already"):
        control.start(lambda: None)
    go.set()
    assert first.result(LONG_S)


def test_after_its_end_nothing_is_taken():
    control = ControlWorker("toy/control", lambda error: None)
    assert control.stop(LONG_S)
    with pytest.raises(ControlClosed):
        control.run(lambda: None)
