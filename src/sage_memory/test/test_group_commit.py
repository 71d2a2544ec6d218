"""The queue and the groups: order, refusals, one bad row among good ones."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from stored_rows import rows

from sage_common.core.errors import InvalidInput
from sage_memory import (
    Limits,
    Memory,
    MemoryBusy,
    NotStored,
    Query,
)


def test_full_queue_refuses_at_once_and_counts(tmp_path, experience) -> None:
    with Memory.open(tmp_path, limits=Limits(queue_size=4)) as memory:
        release = threading.Event()
        memory._store.committer.run(lambda: release.wait() and None)  # the disk hangs
        futures = []
        with pytest.raises(MemoryBusy) as caught:
            for index in range(10):
                futures.append(memory.remember(experience(index)))
        assert len(futures) == 4
        assert caught.value.refused == 1
        assert not any(future.done() for future in futures)
        with pytest.raises(TimeoutError):
            futures[0].result(0.0)
        release.set()
        assert len({future.result().id for future in futures}) == 4
        assert memory.statistics().refused == 1
        assert memory.statistics().groups == 1, "what waited was committed together"


def test_one_bad_row_does_not_take_its_group_with_it(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        store = memory._store
        release = threading.Event()
        store.committer.run(lambda: release.wait() and None)
        good = memory.remember(experience(0))
        store._ids.next = lambda: good_id  # type: ignore[method-assign]
        good_id = b"\x01" * 16
        twin = [memory.remember(experience(1)), memory.remember(experience(2))]
        release.set()
        assert good.result().id != good_id
        assert twin[0].result().id == good_id
        with pytest.raises(NotStored, match="UNIQUE"):
            twin[1].result()
        assert memory.statistics().failed == 1
        assert memory.statistics().experiences == 2
        memory.verify()


def test_a_full_disk_fails_its_future_and_only_that(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kept = memory.remember(experience(0)).result()
        with memory._store._transaction() as live:  # SQLite then says what a full disk says
            pages = live.exec_driver_sql("PRAGMA page_count").scalar_one()
            live.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(NotStored, match="database or disk is full"):
            for index in range(1, 50):
                memory.remember(experience(index)).result()
        assert memory.statistics().failed == 1
        known = memory.statistics().experiences
        assert memory.recall(Query(example_id=kept.id, limit=1)) or known == 1
        with memory._store._transaction() as live:
            live.exec_driver_sql("PRAGMA max_page_count = 1000000")
        memory.remember(experience(90)).result()
        assert memory.statistics().experiences == known + 1
        memory.verify()


def test_two_sizes_of_one_new_encoder_cannot_both_be_queued(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        release = threading.Event()
        memory._store.committer.run(lambda: release.wait() and None)
        first = memory.remember(experience(0, encoder_id="new", embedding=np.ones(4, np.float32)))
        with pytest.raises(InvalidInput, match=r"embedding.shape = \(5,\): expected \(4,\)"):
            memory.remember(experience(1, encoder_id="new", embedding=np.ones(5, np.float32)))
        release.set()
        first.result()
        assert memory.statistics().damaged_vectors == 0


def test_many_threads_remember_at_once(tmp_path, experience) -> None:
    with Memory.open(tmp_path, limits=Limits(queue_size=1000)) as memory:
        ids: list[bytes] = []

        def work(first: int) -> None:
            futures = [memory.remember(experience(first + i)) for i in range(50)]
            ids.extend(future.result().id for future in futures)

        threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(ids)) == 200
        statistics = memory.statistics()
        assert statistics.committed == statistics.experiences == statistics.vectors == 200
        assert statistics.groups < 200
        memory.verify()
    stored = [row[0] for row in rows(tmp_path, "SELECT id FROM experiences ORDER BY number")]
    assert stored == sorted(stored), "ids ascend in the order of commitment"
