"""One graph a home folder, found by other commands, forgotten however it ends."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sage.graph.runtime_file import (
    LAUNCHED,
    GraphLock,
    RunningGraph,
    ended_processes,
    running_graph,
)
from sage_common.core.announcement import Announced, Announcement, announced
from sage_common.core.diagnosis.ended import Ended
from sage_common.core.errors import InvalidInput

RUNNING = RunningGraph(os.getpid(), 43, "/sage", "nano", "recording", False)


def test_a_running_graph_is_found_and_then_forgotten(tmp_path: Path) -> None:
    assert running_graph(tmp_path) is None
    lock = GraphLock(tmp_path, RUNNING)
    assert running_graph(tmp_path) == replace(RUNNING, home=str(tmp_path))
    lock.release()
    assert running_graph(tmp_path) is None


def test_which_processes_ended_is_told_while_the_graph_runs(tmp_path: Path) -> None:
    ended = (Ended("camera", "its process ended", ("camera",), ("/sage/image_raw",)),)
    lock = GraphLock(tmp_path, RUNNING)
    assert ended_processes(tmp_path, RUNNING) == ()
    lock.write(replace(RUNNING, ended=ended))
    assert running_graph(tmp_path) == replace(RUNNING, ended=ended, home=str(tmp_path))
    assert ended_processes(tmp_path, RUNNING) == ended
    assert ended_processes(tmp_path, replace(RUNNING, pid=1)) == ()
    assert ended_processes(tmp_path, replace(RUNNING, profile=LAUNCHED)) == ()
    lock.release()
    assert ended_processes(tmp_path, RUNNING) == ()


def test_a_home_that_a_graph_makes_is_for_its_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    GraphLock(home, RUNNING).release()
    assert [stat.S_IMODE(made.stat().st_mode) for made in (home, home / "run")] == [0o700, 0o700]


def test_a_second_graph_is_refused_and_the_first_named(tmp_path: Path) -> None:
    lock = GraphLock(tmp_path, RUNNING)
    with pytest.raises(InvalidInput, match=f"pid {os.getpid()}"):
        GraphLock(tmp_path, RUNNING)
    lock.release()
    GraphLock(tmp_path, RUNNING).release()


def test_a_killed_graph_leaves_no_lock(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path;"
        "from sage.graph.runtime_file import GraphLock, RunningGraph;"
        "lock = GraphLock(Path(sys.argv[1]), RunningGraph(1, 43, '/sage', 'nano', 'x', False));"
        "print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    assert running_graph(tmp_path) is not None
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert running_graph(tmp_path) is None
    GraphLock(tmp_path, RUNNING).release()


def test_a_graph_that_was_launched_is_found_until_it_ends(tmp_path: Path) -> None:
    made = Announced(tmp_path, Announcement(os.getpid(), 7, "/robot1", True))
    assert stat.S_IMODE((tmp_path / "run" / f"process-{os.getpid()}.json").stat().st_mode) == 0o600
    found = running_graph(tmp_path)
    launched = RunningGraph(os.getpid(), 7, "/robot1", LAUNCHED, LAUNCHED, True)
    assert found == replace(launched, home=str(tmp_path))
    made.withdraw()
    assert running_graph(tmp_path) is None


def test_a_graph_of_sage_run_comes_first(tmp_path: Path) -> None:
    made = Announced(tmp_path, Announcement(os.getpid(), 7, "/robot1", True))
    lock = GraphLock(tmp_path, RUNNING)
    assert running_graph(tmp_path) == replace(RUNNING, home=str(tmp_path))
    lock.release()
    made.withdraw()


def test_what_a_killed_process_announced_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "process-1.json"
    path.write_text('{"pid": 1, "domain_id": 7, "namespace": "/x", "network": false}')
    assert announced(tmp_path) == ()
    assert not path.exists()
