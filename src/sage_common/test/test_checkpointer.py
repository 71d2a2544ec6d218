"""State is saved whole while workers and callbacks change it."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from sage_common.core.state import file as state_file
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_common.ros.checkpointer import Checkpointer, Snapshot
from sage_msgs.srv import Checkpoint


class Log:
    """Says nothing."""

    def error(self, text: str, **throttle: object) -> None:
        pass


class Learner(Stateful):
    """Keeps two arrays equal, under its guard."""

    left: State[NDArray[np.float64]]
    right: State[NDArray[np.float64]]

    def __init__(self) -> None:
        self.guard = threading.RLock()
        self.left = np.zeros(20_000)
        self.right = np.zeros(20_000)
        self.problems: dict[str, str] = {}
        self.concerns: dict[str, str] = {}
        self.stopwatch_s = iter(np.arange(1000.0))
        self.log = Log()
        self.active = True

    def identity(self):
        return {"node": "learner"}

    def set_problem(self, cause: str, text: str) -> None:
        self.problems[cause] = text

    def set_concern(self, cause: str, text: str) -> None:
        self.concerns[cause] = text

    def stopwatch_ns(self) -> int:
        return round(next(self.stopwatch_s) * 1e9)


def test_every_saved_state_is_of_one_moment(tmp_path):
    learner = Learner()
    path = tmp_path / "x.state"
    checkpointer = Checkpointer(learner, path)
    stop = threading.Event()

    def learn() -> None:
        while not stop.is_set():
            with learner.guard:
                learner.left += 1
                learner.right += 1

    threads = [threading.Thread(target=learn) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        last = -1.0
        for _ in range(25):
            assert checkpointer.save() == str(path)
            saved = state_file.load(path).arrays
            assert len(np.unique(np.concatenate([saved["left"], saved["right"]]))) == 1
            assert saved["left"][0] >= last
            last = saved["left"][0]
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_an_older_copy_never_overwrites_a_newer_one(tmp_path):
    learner = Learner()
    checkpointer = Checkpointer(learner, tmp_path / "x.state")
    older = checkpointer.copy()
    learner.left += 1
    newer = checkpointer.copy()
    checkpointer.write_or_report(newer)
    checkpointer.write_or_report(older)
    assert state_file.load(tmp_path / "x.state").arrays["left"][0] == 1
    assert learner.problems == {"state": ""}


def test_a_slow_disk_is_named_until_it_is_fast_again(tmp_path):
    learner = Learner()
    checkpointer = Checkpointer(learner, tmp_path / "x.state")
    learner.stopwatch_s = iter([0.0, 2.5, 3.0, 3.9])
    checkpointer.save()
    assert learner.concerns == {"disk": "the disk is slow: its state took 2.5 s to write"}
    checkpointer.save()
    assert learner.concerns == {"disk": ""}


def test_a_copy_does_not_change_with_the_original(tmp_path):
    learner = Learner()
    snapshot: Snapshot = Checkpointer(learner, tmp_path / "x.state").copy()
    learner.left += 1
    assert snapshot.arrays["left"].max() == 0


def test_a_node_that_learns_nothing_writes_nothing(tmp_path):
    learner = Learner()
    learner.state = dict
    checkpointer = Checkpointer(learner, tmp_path / "x.state")
    assert checkpointer.save() == "" and list(tmp_path.iterdir()) == []
    checkpointer.restore()


def test_an_inactive_node_writes_only_what_could_not_be_written_at_deactivation(tmp_path):
    learner = Learner()
    path = tmp_path / "state" / "x.state"
    checkpointer = Checkpointer(learner, path)

    def asked() -> Checkpoint.Response:
        return checkpointer.answer(Checkpoint.Request(), Checkpoint.Response())

    learner.active = False
    assert asked().success and not path.exists(), "it was never active"
    learner.active = True
    assert asked().paths == [str(path)]
    learner.left += 1
    learner.active = False
    assert asked().paths == [str(path)]
    assert state_file.load(path).arrays["left"][0] == 0, "half of an activation"
    path.unlink()
    path.parent.rmdir()
    path.parent.touch()
    checkpointer.save_or_report()
    assert not asked().success
    path.parent.unlink()
    assert asked().paths == [str(path)] and state_file.load(path).arrays["left"][0] == 1
