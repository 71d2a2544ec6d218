"""Who waits for the end of processes is woken by each, and by none that is no longer watched."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from sage.run.process_ends import ProcessEnds

LONG_S = 60.0
SLEEPS = [sys.executable, "-S", "-c", "import signal; signal.pause()"]


@pytest.fixture
def two() -> Iterator[tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]]:
    with subprocess.Popen(SLEEPS) as one, subprocess.Popen(SLEEPS) as other:
        yield one, other
        one.kill()
        other.kill()


def waited_s(ends: ProcessEnds, *processes: subprocess.Popen[bytes], at_most_s: float) -> float:
    begin_s = time.monotonic()
    ends.wait(processes, at_most_s)
    return time.monotonic() - begin_s


def test_an_end_wakes_and_a_time_without_one_passes(
    two: tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]],
) -> None:
    one, other = two
    ends = ProcessEnds()
    assert waited_s(ends, one, other, at_most_s=0.05) >= 0.05
    other.kill()
    assert waited_s(ends, one, other, at_most_s=LONG_S) < LONG_S
    assert other.wait() < 0
    assert waited_s(ends, one, other, at_most_s=LONG_S) < LONG_S, "it is still watched"
    assert waited_s(ends, one, at_most_s=0.05) >= 0.05, "and no longer"
    ends.close()


def test_one_that_was_waited_for_before_keeps_nobody_waiting_and_nothing_stays_open(
    two: tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]],
) -> None:
    one, other = two
    before = len(os.listdir("/proc/self/fd"))
    other.kill()
    other.wait()
    ends = ProcessEnds()
    assert waited_s(ends, one, other, at_most_s=LONG_S) < LONG_S
    ends.close()
    assert len(os.listdir("/proc/self/fd")) == before
