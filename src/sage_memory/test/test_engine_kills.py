"""kill -9 of the writer and a crash of the server: nothing acknowledged is lost, on any engine."""

from __future__ import annotations

import multiprocessing
import os
import random
import runpy
import sys
import threading
import time
from multiprocessing import forkserver
from pathlib import Path

import pytest

from sage_memory import Query
from sage_memory.core.errors import MemoryFailure

KILLS = 5
CRASHES = 4
LONGEST_LIFE_S = 0.12
killing = runpy.run_path(str(Path(__file__).with_name("test_kill.py")))


def writers():
    """Processes that start fast, with the modules that this one has."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sage_memory"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()
    return context


@pytest.mark.slow
def test_no_acknowledged_experience_is_lost_on_any_engine(place) -> None:
    context = writers()
    chance = random.Random(20240229)
    acknowledged: dict[int, bytes] = {}
    for kill in range(KILLS):
        life_s = chance.uniform(0.0, LONGEST_LIFE_S)
        first = 1 + 100_000 * kill
        acknowledged.update(
            killing["live_and_die"](context, place.home, first, life_s, place.options)
        )
        with place.open() as memory:  # the dead writer's lock does not hold us up
            memory.verify()
    assert len(acknowledged) >= KILLS
    with place.open(read_only=True) as memory:
        for number, identifier in acknowledged.items():
            killing["assert_found"](memory, number, identifier)


class Rememberer:
    """Remembers without end, one after the other, and notes what became of each."""

    def __init__(self, memory, make) -> None:
        self.acknowledged: list[bytes] = []
        self.failures: list[MemoryFailure] = []
        self._memory = memory
        self._make = make
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Rememberer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for_one_more(self) -> None:
        """Until one more is acknowledged than now."""
        before = len(self.acknowledged)
        deadline = time.monotonic() + 30.0
        while len(self.acknowledged) == before:
            assert time.monotonic() < deadline, self.failures
            time.sleep(0.01)

    def _run(self) -> None:
        index = 0
        while not self._stop.is_set():
            try:
                self.acknowledged.append(self._memory.remember(self._make(index)).result().id)
            except MemoryFailure as failure:
                self.failures.append(failure)
            index += 1


@pytest.mark.slow
@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_a_crashed_server_costs_nothing_acknowledged(place, postgres, experience) -> None:
    with place.open() as memory, place.open(read_only=True) as reader:
        reader.recall(Query())
        with Rememberer(memory, experience) as rememberer:
            for crash in range(CRASHES):
                rememberer.wait_for_one_more()
                postgres.stop("immediate" if crash % 2 == 0 else "fast")
                postgres.start()
                rememberer.wait_for_one_more()
        assert rememberer.failures == []  # each waited, and was written once
        memory.verify()
        expected = set(rememberer.acknowledged)
        assert {a.experience.id for a in memory.recall(Query(limit=1000))} == expected
        assert {a.experience.id for a in reader.recall(Query(limit=1000))} == expected
    with place.open() as memory:
        assert {a.experience.id for a in memory.recall(Query(limit=1000))} == expected
