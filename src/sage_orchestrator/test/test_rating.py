"""What the processor gives to plugins, beside what the budget promises."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from sage_orchestrator.core.budget.rating import CoreTime, ProcessorRating, core_time
from sage_orchestrator.core.scheduling.rated_workers import RatedWorkers

MS = 1_000_000
BUDGET = PERIOD = 100 * MS


class Processor:
    """Threads whose core time is set by hand, a cycle of 100 ms at a time."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.times: dict[int, CoreTime] = {}
        self.rating = ProcessorRating(lambda: self.now_ns, lambda thread: self.times[thread])

    def begin(self, thread: int) -> None:
        self.times.setdefault(thread, CoreTime(0, 0))
        self.rating.begin(str(thread), thread)

    def cycle(self, spent: dict[int, tuple[float, float]], cycles: int = 1) -> int:
        """So many ms on a core and waiting for one, by thread; the budget of the next cycle."""
        for _ in range(cycles):
            self.now_ns += PERIOD
            for thread, (had, waited) in spent.items():
                before = self.times[thread]
                after = (before.had + round(had * MS), before.waited + round(waited * MS))
                self.times[thread] = CoreTime(*after)
            budget_ns = self.rating.rated_ns(BUDGET, PERIOD)
        return budget_ns


@pytest.fixture
def processor() -> Processor:
    return Processor()


def test_undisturbed_it_is_nominal(processor):
    processor.begin(1)
    assert processor.cycle({1: (60, 1)}, cycles=50) == BUDGET
    assert processor.rating.words == "1.00: plugins get the time that is promised"


def test_half_a_core_is_half_the_budget(processor):
    processor.begin(1)
    assert processor.cycle({1: (50, 50)}, cycles=20) == pytest.approx(BUDGET / 2, rel=0.06)
    assert processor.rating.words == (
        f"{processor.rating.value:.2f}: plugins get {processor.rating.value:.0%} "
        "of the time that is promised"
    )


def test_it_falls_and_returns_within_a_second(processor):
    processor.begin(1)
    processor.cycle({1: (100, 0)}, cycles=20)
    assert processor.cycle({1: (50, 50)}, cycles=10) < 0.55 * BUDGET
    assert processor.cycle({1: (100, 0)}, cycles=10) == BUDGET


def test_a_little_waiting_changes_nothing(processor):
    processor.begin(1)
    assert processor.cycle({1: (93, 7)}, cycles=50) == BUDGET


def test_short_runs_that_wait_for_their_turn_change_nothing(processor):
    processor.begin(1)
    assert processor.cycle({1: (5, 9)}, cycles=200) == BUDGET
    assert processor.cycle({1: (5, 15)}, cycles=200) < 0.3 * BUDGET


def test_it_does_not_follow_noise(processor):
    processor.begin(1)
    processor.cycle({1: (50, 50)}, cycles=30)
    values = set()
    for turn in range(40):
        processor.cycle({1: (50 + (-1) ** turn, 50)})
        values.add(processor.rating.value)
    assert len(values) == 1


def test_plugins_that_share_the_promised_core_do_not_lower_it(processor):
    processor.begin(1), processor.begin(2)
    assert processor.cycle({1: (50, 50), 2: (50, 50)}, cycles=30) == BUDGET


def test_plugins_that_share_half_a_core_do(processor):
    processor.begin(1), processor.begin(2)
    budget_ns = processor.cycle({1: (25, 75), 2: (25, 75)}, cycles=30)
    assert budget_ns == pytest.approx(BUDGET / 2, rel=0.06)


def test_one_that_works_alone_is_promised_a_core(processor):
    processor.begin(1)
    for _ in range(20):
        processor.cycle({1: (50, 50)})
        processor.rating.rated_ns(BUDGET // 2, PERIOD)
    assert processor.rating.value == pytest.approx(0.5, rel=0.06)


def test_waiting_for_a_service_is_no_lack_of_the_processor(processor):
    processor.begin(1)
    assert processor.cycle({1: (2, 0)}, cycles=30) == BUDGET


def test_without_work_nothing_is_learned(processor):
    processor.begin(1)
    half = processor.cycle({1: (50, 50)}, cycles=20)
    processor.rating.end("1", 1)
    assert processor.cycle({}, cycles=1000) == half


def test_it_never_falls_to_nothing(processor):
    processor.begin(1)
    assert processor.cycle({1: (0, 100)}, cycles=100) == BUDGET // 20


def test_a_thread_that_is_given_up_is_not_counted(processor):
    processor.begin(1)
    processor.rating.forget("1")
    assert processor.cycle({1: (10, 90)}, cycles=30) == BUDGET
    processor.begin(2)
    processor.rating.end("1", 1)  # it came back after all
    assert processor.cycle({2: (50, 50)}, cycles=20) < 0.55 * BUDGET


def test_a_kernel_that_does_not_account_is_said():
    def read(thread: int) -> CoreTime:
        raise FileNotFoundError("no schedstat")

    rating = ProcessorRating(lambda: 0, read)
    rating.begin("look", 1)
    rating.end("look", 1)
    assert rating.rated_ns(BUDGET, PERIOD) == BUDGET
    expected = "1.00: not measured: the kernel does not say how long a thread waits: no schedstat"
    assert rating.words == expected


def test_the_kernel_accounts_what_a_thread_computes():
    before = core_time(threading.get_native_id())
    while (now := core_time(threading.get_native_id())).had < before.had + 20 * MS:
        sum(range(1000))
    assert now.waited >= before.waited


def test_the_kernel_accounts_what_a_process_of_the_thread_computes():
    thread = threading.get_native_id()
    busy = "while True: pass"
    with subprocess.Popen([sys.executable, "-c", busy]) as process:
        try:
            before = core_time(thread)
            while core_time(thread).had < before.had + 200 * MS:
                time.sleep(0.001)
        finally:
            process.kill()


def test_workers_are_watched_while_they_work_but_not_while_they_load(threaded):
    began, may_end = threading.Event(), threading.Event()
    seen: list[tuple[str, str]] = []

    class Watch:
        def begin(self, name, thread):
            seen.append(("begin", name))

        def end(self, name, thread):
            seen.append(("end", name))
            began.set()

        def forget(self, name):
            seen.append(("forget", name))

    workers = RatedWorkers(threaded.workers, Watch())
    loaded = threading.Event()
    workers.submit("look", loaded.set)
    assert loaded.wait(60)
    workers.submit("look", may_end.wait)
    workers.abandon("look")
    may_end.set()
    assert began.wait(60)
    assert sorted(seen) == [("begin", "look"), ("end", "look"), ("forget", "look")]
    workers.submit("look", began.clear)
    threaded.workers.stop()
    assert not began.is_set() and len(seen) == 3, "a new instance loads anew, unwatched"
