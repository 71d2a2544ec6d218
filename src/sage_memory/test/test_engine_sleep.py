"""A run and its undoing on a file, an encrypted file and a PostgreSQL server."""

from __future__ import annotations

import sleep_home

from sage_common.core.clock import ManualClock
from sage_memory import Limits

LIMITS = Limits(min_free_bytes=0, queue_size=100_000)


def test_a_sleep_evicts_and_is_undone(place) -> None:
    clock = ManualClock(sleep_home.START_NS + 3600 * 10**9)
    with place.open(clock=clock, limits=LIMITS) as memory:
        sleep_home.fill(memory)
        before = sleep_home.content(memory)
        report = memory.sleep(sleep_home.OPTIONS)
        assert not report.rolled_back, report
        asleep = sleep_home.content(memory)
        assert len(asleep["summary_members"]) > 0
        assert asleep["vectors"] != before["vectors"]
        memory.verify()
    with place.open(clock=clock, limits=LIMITS) as memory:
        memory.verify()
        memory.undo_sleep()
        assert sleep_home.content(memory) == before
        memory.verify()
