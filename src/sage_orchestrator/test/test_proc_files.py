"""Looks at /proc: what the kernel says, without giving the interpreter up."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sage_orchestrator.core.hosting import proc_files

TASKS = "/proc/self/task"
NEVER_S = 3600.0


def test_they_say_what_the_kernel_says():
    threads = [threading.Thread(target=time.sleep, args=(0.2,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    ids = {thread.native_id for thread in threads} | {threading.get_native_id()}
    assert ids <= set(proc_files.numbers(TASKS))
    for thread in threads:
        thread.join()
    assert proc_files.links(TASKS) == os.stat(TASKS).st_nlink
    assert proc_files.read("/proc/self/comm") == Path("/proc/self/comm").read_bytes()
    assert proc_files.read("/proc/self/maps").count(b"\n") > 40, "longer than one read"


@pytest.mark.parametrize("look", [proc_files.read, proc_files.numbers, proc_files.links])
def test_what_is_not_there_is_named(look: Callable[[str], object]):
    with pytest.raises(FileNotFoundError, match="/proc/self/task/0"):
        look("/proc/self/task/0")


def test_no_other_thread_gets_the_interpreter_meanwhile():
    wakes, woken, before = threading.Lock(), [], sys.getswitchinterval()
    wakes.acquire()
    other = threading.Thread(target=lambda: (wakes.acquire(), woken.append(True)))
    other.start()
    sys.setswitchinterval(NEVER_S)  # from here on it gets it only if it is given up
    try:
        wakes.release()
        for _ in range(200):
            proc_files.read("/proc/self/comm")
            proc_files.numbers(TASKS)
            proc_files.links(TASKS)
        assert woken == []
        while not woken:  # sleeping gives it up
            time.sleep(0.001)
    finally:
        sys.setswitchinterval(before)
    other.join()
