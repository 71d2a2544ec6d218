"""Copies for undoing a sleep count under the payload cap; above their share a run is final."""

from __future__ import annotations

from pathlib import Path

import pytest
import sleep_home as home
from sqlalchemy import func, select

from sage_common.core.clock import ManualClock
from sage_common.core.errors import InvalidInput
from sage_memory import Limits, Memory, Payload
from sage_memory.core.engine.schema import forgettings
from sage_memory.core.payloads import OPEN_COPY


def opened(path: Path, cap_bytes: int) -> Memory:
    limits = Limits(min_free_bytes=0, queue_size=100_000, payload_cap_bytes=cap_bytes)
    return Memory.open(path, clock=ManualClock(home.START_NS + 3600 * 10**9), limits=limits)


def copies(memory: Memory) -> int:
    size = select(func.coalesce(func.sum(func.length(forgettings.c.saved)), 0)).where(OPEN_COPY)
    return memory.read(lambda connection: int(connection.execute(size).scalar_one()))


def test_copies_take_room_from_the_payloads_up_to_half_of_the_cap(tmp_path: Path) -> None:
    cap = 200_000
    with opened(tmp_path, cap) as memory:
        home.fill(memory)
        run = memory.sleep(home.OPTIONS).run_id
        kept = copies(memory)
        assert 0 < kept < cap // 2
        for index in range(40):
            payload = Payload(bytes([index]) * 10_000, "image/webp")
            memory.remember(home.moment(2000 + index), payload).result()
        assert memory.statistics().payload_bytes + copies(memory) <= cap
        assert memory.undo_sleep(run).restored
        assert copies(memory) == 0
        for index in range(40, 60):
            payload = Payload(bytes([index]) * 10_000, "image/webp")
            memory.remember(home.moment(2000 + index), payload).result()
        assert memory.statistics().payload_bytes > cap - kept


def test_a_sleep_whose_copies_are_above_their_share_is_final(tmp_path: Path) -> None:
    with opened(tmp_path, 30_000) as memory:
        home.fill(memory)
        report = memory.sleep(home.OPTIONS)
        assert "above its share of the payload cap: final now is" in report.note
        assert copies(memory) == 0
        with pytest.raises(InvalidInput, match="a run whose grace is not over"):
            memory.undo_sleep(report.run_id)
        assert not [one for one in memory.inspect() if one.serious]
