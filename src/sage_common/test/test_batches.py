"""Requests that wait for one thing are run together, and nobody pays or fails for another."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from sage_common.core.shared_work import batches as batches_module
from sage_common.core.shared_work.batches import Batches
from sage_common.core.shared_work.thread_work import ThreadWork

WAIT_S = 60.0


@pytest.fixture(autouse=True)
def patient(monkeypatch) -> None:
    """On a slow machine others may be at work for long."""
    monkeypatch.setattr(batches_module, "PATIENCE_S", WAIT_S)


class Doubling:
    """Doubles numbers; the first run lasts until it is told to end."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.began, self.may_end = threading.Event(), threading.Event()

    def __call__(self, requests):
        self.batches.append(list(requests))
        if not self.began.is_set():
            self.began.set()
            assert self.may_end.wait(WAIT_S)
        if 13 in requests:
            raise ValueError("13")
        return [2 * request for request in requests]


class Asking(threading.Thread):
    """Asks on a thread of its own."""

    def __init__(self, ask: Callable[[], int]) -> None:
        super().__init__(daemon=True)
        self._ask = ask
        self.answer: int | None = None
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.answer = self._ask()
        except ValueError as error:
            self.error = error


def waiting(batches: Batches) -> int:
    return sum(len(queue) for queue in batches._waiting.values())


def ask_behind_one(batches: Batches, run: Doubling, *numbers: int, size: int = 1) -> list[Asking]:
    """Requests that come while another is at work; all have ended."""
    first = Asking(lambda: batches.join("k", 1, 1, run))
    assert run.began.wait(WAIT_S)
    others = []
    for count, number in enumerate(numbers):
        others.append(Asking(lambda n=number: batches.join("k", n, size, run)))
        while waiting(batches) <= count:
            threading.Event().wait(0.001)
    run.may_end.set()
    for asking in (first, *others):
        asking.join(WAIT_S)
    assert first.answer == 2
    return others


def test_a_lone_request_runs_at_once():
    batches, run = Batches(8), Doubling()
    run.may_end.set()
    assert [batches.join("k", n, 1, run) for n in (1, 2)] == [2, 4]
    assert run.batches == [[1], [2]]


def test_those_that_wait_are_run_together():
    batches, run = Batches(8), Doubling()
    others = ask_behind_one(batches, run, 2, 3, 4)
    assert [asking.answer for asking in others] == [4, 6, 8]
    assert run.batches == [[1], [2, 3, 4]]
    assert not batches._waiting and not batches._running


def test_a_batch_has_a_largest_size():
    batches, run = Batches(4), Doubling()
    others = ask_behind_one(batches, run, 2, 3, 4, 5, 6, size=2)
    assert [asking.answer for asking in others] == [4, 6, 8, 10, 12]
    assert run.batches == [[1], [2, 3], [4, 5], [6]]


def test_a_bad_request_fails_nobody_else():
    batches, run = Batches(8), Doubling()
    good, bad, other = ask_behind_one(batches, run, 2, 13, 4)
    assert (good.answer, other.answer, bad.answer) == (4, 8, None)
    assert str(bad.error) == "13"
    assert run.batches[:2] == [[1], [2, 13, 4]] and sorted(run.batches[2:]) == [[2], [4], [13]]


def test_other_keys_wait_for_nobody():
    batches, run = Batches(8), Doubling()
    first = Asking(lambda: batches.join("k", 1, 1, run))
    assert run.began.wait(WAIT_S)
    assert batches.join("other", 5, 1, run) == 10
    run.may_end.set()
    first.join(WAIT_S)


def test_as_many_run_side_by_side_as_may():
    batches, run = Batches(8, at_once=2), Doubling()
    first = Asking(lambda: batches.join("k", 1, 1, run))
    assert run.began.wait(WAIT_S)
    assert batches.join("k", 5, 1, run) == 10
    run.may_end.set()
    first.join(WAIT_S)


def test_nobody_waits_for_ever_for_a_thread_that_hangs(monkeypatch):
    monkeypatch.setattr(batches_module, "PATIENCE_S", 0.01)
    batches, run = Batches(8), Doubling()
    hung = Asking(lambda: batches.join("k", 1, 1, run))
    assert run.began.wait(WAIT_S)
    assert batches.join("k", 5, 1, run) == 10
    run.may_end.set()
    hung.join(WAIT_S)
    assert not batches._waiting and not batches._running


def test_the_cost_of_a_batch_is_shared_and_conserved(monkeypatch):
    clock_ns = iter(range(0, 10_000, 100))
    monkeypatch.setattr(batches_module.time, "thread_time_ns", lambda: next(clock_ns))
    work, run = ThreadWork(lambda: 0), Doubling()
    ask_behind_one(Batches(8, work=work), run, 2, 3, 4)
    shares = sorted(work.received_ns().values())
    assert sum(shares) == 0 and shares == [34 - 100, 33, 33]


@pytest.mark.parametrize("at_once", [1, 2])
def test_many_at_once_all_get_their_own_answer(at_once):
    batches = Batches(8, at_once)
    answers: dict[int, int] = {}

    def ask(number: int) -> None:
        for n in range(number, 2000, 16):
            answers[n] = batches.join("k", n, 1, lambda requests: [-r for r in requests])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert answers == {n: -n for n in range(2000)}
    assert not batches._waiting and not batches._running
