"""What the kernel says of a process that runs, sleeps, is stopped, and has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from sage.run.process_state import ProcessState, crowding, process_state

LONG_S = 60.0


def until(pid: int, holds: Callable[[ProcessState], bool]) -> ProcessState:
    end_s = time.monotonic() + LONG_S
    while time.monotonic() < end_s:
        found = process_state(pid)
        if found is not None and holds(found):
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come about")


def test_this_process_runs_and_takes_time() -> None:
    before = until(os.getpid(), lambda state: "R" in state.threads.values())
    assert not before.asleep and not before.stopped and before.first == os.getpid()
    until(os.getpid(), lambda state: state.first_cpu_s > before.first_cpu_s)
    until(os.getpid(), lambda state: state.cpu_s > before.cpu_s)


def test_one_that_sleeps_is_stopped_and_ends() -> None:
    program = "import signal; signal.pause()"
    with subprocess.Popen([sys.executable, "-S", "-c", program]) as child:
        assert not until(child.pid, lambda state: state.asleep).stopped
        child.send_signal(signal.SIGSTOP)
        assert until(child.pid, lambda state: state.stopped).asleep
        child.kill()
    assert process_state(child.pid) is None


def test_a_machine_is_crowded_by_what_is_ready_to_run() -> None:
    assert crowding() >= max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1) - 0.5)
