"""What the kernel says of a process that runs, sleeps, is stopped, and has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from sage.run.process_state import HostState, ProcessState, ThreadState, host_state, process_state

LONG_S = 60.0


def until(pid: int, holds: Callable[[ProcessState], bool]) -> ProcessState:
    end_s = time.monotonic() + LONG_S
    while time.monotonic() < end_s:
        found = process_state(pid)
        if found is not None and holds(found):
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come about")


def asleep(state: ProcessState) -> bool:
    return all(thread.letter == "S" for thread in state.threads.values())


def test_this_process_runs_and_takes_time() -> None:
    before = process_state(os.getpid())
    assert before is not None and not before.stopped and not before.is_held
    assert before.first == os.getpid() and before.threads[before.first].letter == "R"
    ran_s = before.threads[before.first].ran_s
    after = until(os.getpid(), lambda state: state.threads[state.first].ran_s > ran_s)
    assert not after.starves(before)


def test_one_that_sleeps_is_stopped_and_ends() -> None:
    program = "import signal; signal.pause()"
    with subprocess.Popen([sys.executable, "-S", "-c", program]) as child:
        assert not until(child.pid, asleep).stopped
        child.send_signal(signal.SIGSTOP)
        assert not until(child.pid, lambda state: state.stopped).is_held
        child.kill()
    assert process_state(child.pid) is None


def test_who_must_share_a_core_waits_and_who_polls_does_not_count() -> None:
    """Two that compute on one core: each waits for the other."""
    core = min(os.sched_getaffinity(0))
    program = f"import os; os.sched_setaffinity(0, [{core}])\nwhile True: pass"
    command = [sys.executable, "-S", "-c", program]
    with subprocess.Popen(command) as one, subprocess.Popen(command) as other:
        before = until(one.pid, lambda state: not asleep(state))
        until(one.pid, lambda state: state.waited_s(before) > 0.1)
        one.kill()
        other.kill()
    polling = {1: ThreadState("S", 0.0004, 1.0, 9), 2: ThreadState("R", 1.0, 2.0, 9)}
    now = ProcessState(polling, 1)
    assert now.waited_s(ProcessState({1: ThreadState("S"), 2: ThreadState("R")}, 1)) == 2.0


def test_a_machine_is_crowded_by_what_is_ready_to_run() -> None:
    command = [sys.executable, "-S", "-c", "while True: pass"]
    spinning = [subprocess.Popen(command) for _ in range(3 * (os.cpu_count() or 1))]
    end_s = time.monotonic() + LONG_S
    before = host_state()
    while (found := host_state()).crowding(before) < 2.0:
        assert time.monotonic() < end_s
        before = found
        time.sleep(0.05)
    for process in spinning:
        process.kill()
        process.wait()


def test_threads_that_are_ready_count_while_one_of_them_waits() -> None:
    before, ready = HostState(100.0, 7.0, 1.0), 10.0
    assert HostState(101.0, 7.0, ready).crowding(before) == 1.0
    assert HostState(101.0, 7.5, ready).crowding(before) == pytest.approx(1.0 / 0.55)
    assert HostState(101.0, 8.0, ready).crowding(before) == pytest.approx(10.0)
    assert HostState(101.0, 8.0, 0.5).crowding(before) == 1.0
    unsaid = HostState(100.0, None, 1.0)
    assert HostState(101.0, None, ready).crowding(unsaid) == pytest.approx(10.0)
