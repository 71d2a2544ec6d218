"""Heartbeats in shared memory: of this process, of another, and of none."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from sage_common.heartbeat import (
    HEARTBEAT_VARIABLE,
    Heartbeat,
    HeartbeatMemory,
    Phase,
    heartbeat,
)


def test_nothing_was_heard_at_first_and_after_it_was_cleared() -> None:
    memory = HeartbeatMemory()
    assert memory.read().phase == Phase.UNHEARD
    Heartbeat(memory.path).turned()
    assert memory.read().phase == Phase.STARTING
    memory.clear()
    read = memory.read()
    assert (read.phase, read.beaten_s, read.turned_s) == (Phase.UNHEARD, 0.0, 0.0)
    memory.close()


def test_the_two_heartbeats_are_told_apart() -> None:
    memory = HeartbeatMemory()
    beats = Heartbeat(memory.path)
    first = memory.read()
    assert first.beaten_s > 0.0 and first.turned_s == 0.0
    beats.turned()
    second = memory.read()
    assert (second.beaten_s, second.turned_s > first.beaten_s) == (first.beaten_s, True)
    memory.close()


def test_a_phase_that_is_over_does_not_come_again() -> None:
    memory = HeartbeatMemory()
    beats = Heartbeat(memory.path)
    beats.enter(Phase.ENDING)
    beats.enter(Phase.RUNNING)
    assert memory.read().phase == Phase.ENDING
    memory.close()


def test_another_process_of_the_user_finds_it_by_its_environment() -> None:
    memory = HeartbeatMemory()
    assert stat.S_IMODE(os.stat(memory.path).st_mode) == 0o600
    program = """
from sage_common.heartbeat import Phase, heartbeat
heartbeat().enter(Phase.RUNNING)
"""
    environment = {**os.environ, HEARTBEAT_VARIABLE: memory.path}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    read = memory.read()
    assert read.phase == Phase.RUNNING and read.beaten_s > 0.0
    memory.close()


def test_a_process_that_nobody_watches_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HEARTBEAT_VARIABLE, raising=False)
    assert heartbeat() is None


def test_a_watcher_that_is_gone_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = HeartbeatMemory()
    monkeypatch.setenv(HEARTBEAT_VARIABLE, memory.path)
    memory.close()
    with pytest.raises(FileNotFoundError):
        heartbeat()
