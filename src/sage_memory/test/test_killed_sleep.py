"""A sleep or its undoing that is killed after any step goes on, or is undone bit for bit."""

from __future__ import annotations

import multiprocessing
import runpy
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import sleep_home as home
from sleep_home import rows_of

from sage_memory import Memory
from sage_memory.core.engine.schema import experiences, runs
from sage_memory.core.sleep.changes import purge, undo

pytestmark = pytest.mark.usefixtures("small_steps")
COVERS = experiences.columns.keys().index("covers")
NOW_NS = home.START_NS + 3600 * 10**9


class Killed(BaseException):
    """In place of a kill: nothing may catch it."""


def kill_at(step: int):
    """A progress callback that raises at this call."""
    calls = []

    def progress(_share: float, _stage: str) -> None:
        calls.append(None)
        if len(calls) == step:
            raise Killed

    return progress


def steps_of_a_sleep(folder: Path) -> int:
    with home.opened(folder) as memory:
        home.fill(memory, groups=5)
        calls = []
        memory.sleep(home.THOROUGH, lambda *call: calls.append(call))
    return len(calls)


def essence(memory: Memory) -> dict[str, list]:
    """What is the same after a run that was cut off and went on: all but new ids and clocks."""
    found = home.content(memory)
    moments = [row for row in found["experiences"] if row[COVERS] == 0]
    covers = sorted(row.covers for row in rows_of(memory, experiences.c.covers) if row.covers)
    vectors = [row for row in found["vectors"] if row[0] in {moment[1] for moment in moments}]
    return {"moments": moments, "covers": covers, "vectors": vectors}


def test_a_sleep_without_grace_can_be_rolled_back_until_it_is_over(tmp_path) -> None:
    with home.opened(tmp_path) as memory:
        home.fill(memory, groups=5)
        before = home.content(memory)
        with pytest.raises(Killed):
            memory.sleep(replace(home.THOROUGH, grace_s=0.0), kill_at(9))
    with home.opened(tmp_path) as memory:
        assert home.content(memory) != before
        purge.purge_expired(memory._store, NOW_NS + 1)
        (running,) = rows_of(memory, runs.c.id, runs.c.state)
        assert running.state == "running"
        undo.undo_run(memory._store, bytes(running.id), "rolled back", NOW_NS + 1)
        assert home.content(memory) == before


def test_killed_after_any_step_it_goes_on_to_the_same_end(tmp_path) -> None:
    steps = steps_of_a_sleep(tmp_path / "whole")
    assert steps > 10
    with home.opened(tmp_path / "whole") as memory:
        whole = essence(memory)
    for step in range(1, steps + 1):
        folder = tmp_path / str(step)
        with home.opened(folder) as memory:
            home.fill(memory, groups=5)
            with pytest.raises(Killed):
                memory.sleep(home.THOROUGH, kill_at(step))
        with home.opened(folder) as memory:
            memory.sleep(home.THOROUGH)
            states = [row.state for row in rows_of(memory, runs.c.state)]
            assert states == ["done"], step
            assert essence(memory) == whole, step
            memory.verify()


def test_killed_after_any_step_it_can_be_undone(tmp_path) -> None:
    steps = steps_of_a_sleep(tmp_path / "whole")
    for step in range(3, steps, 3):
        folder = tmp_path / str(step)
        with home.opened(folder) as memory:
            home.fill(memory, groups=5)
            before = home.content(memory)
            with pytest.raises(Killed):
                memory.sleep(home.THOROUGH, kill_at(step))
        with home.opened(folder) as memory:
            memory.undo_sleep()
            assert home.content(memory) == before, step


def test_an_undoing_that_is_killed_is_completed_by_the_next_sleep(tmp_path, monkeypatch) -> None:
    with home.opened(tmp_path) as memory:
        home.fill(memory)
        before = home.content(memory)
        memory.sleep(home.THOROUGH)
        real, calls = undo.update_index, []

        def dying(*arguments) -> None:
            calls.append(None)
            if len(calls) == 4:
                raise RuntimeError("killed")
            real(*arguments)

        monkeypatch.setattr(undo, "update_index", dying)
        with pytest.raises(Exception, match="killed"):
            memory.undo_sleep()
        monkeypatch.setattr(undo, "update_index", real)
    with home.opened(tmp_path) as memory:
        assert home.content(memory) != before
        memory.sleep(replace(home.THOROUGH, target_share=1.0))
        assert home.content(memory) == before
        assert [row.state for row in rows_of(memory, runs.c.state)] == ["undone"]


@pytest.mark.parametrize("step", [3, 4, 6])
def test_a_real_kill(tmp_path, step) -> None:
    with home.opened(tmp_path) as memory:
        home.fill(memory)
        before = home.content(memory)
    given = {"FOLDER": str(tmp_path), "FATAL_STEP": step, "HELPER": home.__file__}
    process = multiprocessing.get_context("spawn").Process(
        target=runpy.run_path, args=(str(Path(__file__).with_name("sleeper.py")), given)
    )
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    with home.opened(tmp_path) as memory:
        memory.sleep(home.THOROUGH)
        assert [row.state for row in rows_of(memory, runs.c.state)] == ["done"]
        memory.verify()
        memory.undo_sleep()
        assert home.content(memory) == before
