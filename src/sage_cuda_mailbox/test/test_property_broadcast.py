"""Any sequence of operations on a broadcast mailbox does what it does to its twin."""

from __future__ import annotations

import itertools
import os
from typing import Any

import hypothesis.strategies as st
import pytest
import twin
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)
from outcomes import both, run_machine

from sage_cuda_mailbox import BroadcastMailbox, Record

PLACES = 3
_numbers = itertools.count()


class BroadcastMachine(RuleBasedStateMachine):
    backend: str

    writers = Bundle("writers")
    readers = Bundle("readers")

    @initialize(cell_count=st.sampled_from([2, 4, 8]), cell_bytes=st.sampled_from([64, 128, 256]))
    def create(self, cell_count: int, cell_bytes: int) -> None:
        self.real = BroadcastMailbox.create(
            f"test.broadcast.{os.getpid()}.{next(_numbers)}",
            cell_count=cell_count,
            cell_bytes=cell_bytes,
            place_count=PLACES,
            backend=self.backend,
        )
        self.twin = twin.BroadcastMailbox(cell_count, PLACES)
        self.all_readers: list[tuple[Any, Any]] = []

    def teardown(self) -> None:
        if hasattr(self, "real"):
            self.real.close()

    @rule(target=writers)
    def join(self) -> Any:
        pair = both(self.real.writer, self.twin.writer)
        if pair is None:
            return multiple()
        assert pair[0].producer == pair[1].producer
        return pair

    @rule(writer=consumes(writers))
    def leave(self, writer: tuple[Any, Any]) -> None:
        both(writer[0].close, writer[1].close)

    @rule(
        writer=writers,
        part=st.floats(0, 1),
        kind=st.integers(0, 65535),
        stamp_ns=st.integers(-(2**63), 2**63 - 1),
        data=st.data(),
    )
    def push(
        self, writer: tuple[Any, Any], part: float, kind: int, stamp_ns: int, data: Any
    ) -> None:
        length = round(part * self.real.payload_bytes)
        payload = data.draw(st.binary(min_size=length, max_size=length))
        pair = both(
            lambda: writer[0].push(payload, kind, stamp_ns),
            lambda: writer[1].push(payload, kind, stamp_ns),
        )
        assert pair is None or pair[0] == pair[1]

    @rule(writer=writers, count=st.integers(1, 20))
    def push_many(self, writer: tuple[Any, Any], count: int) -> None:
        for number in range(count):
            payload = number.to_bytes(4, "little")
            both(lambda p=payload: writer[0].push(p), lambda p=payload: writer[1].push(p))

    @rule(target=readers, oldest=st.booleans())
    def look(self, oldest: bool) -> Any:
        pair = both(
            lambda: self.real.reader(oldest=oldest), lambda: self.twin.reader(oldest=oldest)
        )
        if pair is None:
            return multiple()
        self.all_readers.append(pair)
        return pair

    @rule(reader=readers)
    def pop(self, reader: tuple[Any, Any]) -> None:
        pair = both(reader[0].pop, reader[1].pop)
        if pair is not None:
            assert_same_record(*pair)

    @rule(reader=readers, limit=st.integers(1, 12))
    def pop_many(self, reader: tuple[Any, Any], limit: int) -> None:
        pair = both(lambda: reader[0].pop_many(limit), lambda: reader[1].pop_many(limit))
        if pair is not None:
            assert_same_records(*pair)

    @rule()
    def close(self) -> None:
        self.real.close()
        self.twin.close()

    @invariant()
    def same_counts(self) -> None:
        if hasattr(self, "real"):
            seen = self.real.statistics()
            assert {key: seen[key] for key in ("records", "writers", "closed")} == (
                self.twin.statistics()
            )
            for real, other in self.all_readers:
                assert (real.next_sequence, real.lost) == (other.next_sequence, other.lost)


def assert_same_record(real: Record | None, other: Any) -> None:
    if other is None:
        assert real is None
        return
    assert real is not None
    for field in ("sequence", "producer", "type", "stamp_ns", "payload"):
        assert getattr(real, field) == getattr(other, field)


def assert_same_records(real: Any, others: list[Any]) -> None:
    assert len(real) == len(others)
    for row, other in zip(real, others, strict=True):
        for field in ("sequence", "producer", "type", "stamp_ns"):
            assert row[field] == getattr(other, field)
        assert row["length"] == len(other.payload)
        assert row["payload"].tobytes() == other.payload.ljust(len(row["payload"]), b"\0")


@pytest.mark.parametrize("backend", ["host", "shm"])
def test_a_broadcast_mailbox_does_what_its_twin_does(backend: str) -> None:
    run_machine(BroadcastMachine, backend, 60, 40)
