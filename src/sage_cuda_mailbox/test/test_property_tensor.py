"""Any sequence of operations on a tensor mailbox does what it does to its twin.

A time to live of one nanosecond is over at the next operation, and one of an hour never: so the
twin's clock, which counts operations, agrees with the machine's.
"""

from __future__ import annotations

import itertools
import os
from typing import Any

import hypothesis.strategies as st
import numpy as np
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

from sage_cuda_mailbox import TensorMailbox

PLACES = 4
NS = 1e-6  # [ms]
HOUR = 3.6e6  # [ms]
TTL_MS = st.sampled_from([None, 0, NS, HOUR])
_numbers = itertools.count()


class TensorMachine(RuleBasedStateMachine):
    backend: str

    writers = Bundle("writers")
    readers = Bundle("readers")
    write_leases = Bundle("write_leases")
    read_leases = Bundle("read_leases")
    tensors = Bundle("tensors")

    @initialize(target=readers, slot_count=st.integers(1, 4), ttl_ms=st.sampled_from([0, NS, HOUR]))
    def create(self, slot_count: int, ttl_ms: float) -> Any:
        self.now_ns = 0
        self.tag = 0
        self.real = TensorMailbox.create(
            f"test.tensor.{os.getpid()}.{next(_numbers)}",
            slot_bytes=4096,
            slot_count=slot_count,
            place_count=PLACES,
            ttl_ms=ttl_ms,
            backend=self.backend,
        )
        self.twin = twin.TensorMailbox(slot_count, self.tick, PLACES, ttl_ms)
        self.all_readers: list[tuple[Any, Any]] = []
        return self.join_reader()

    def tick(self) -> int:
        self.now_ns += 1
        return self.now_ns

    def teardown(self) -> None:
        if hasattr(self, "real"):
            self.real.close()

    @rule(target=writers)
    def join_as_writer(self) -> Any:
        return both(self.real.writer, self.twin.writer) or multiple()

    @rule(writer=consumes(writers))
    def writer_leaves(self, writer: tuple[Any, Any]) -> None:
        both(writer[0].close, writer[1].close)

    @rule(target=write_leases, writer=writers, policy=st.sampled_from(["refuse", "overwrite"]))
    def acquire(self, writer: tuple[Any, Any], policy: str) -> Any:
        pair = both(lambda: writer[0].acquire(policy), lambda: writer[1].acquire(policy))
        if pair is None:
            return multiple()
        assert (pair[0].slot, pair[0].generation) == (pair[1].slot, pair[1].generation)
        return pair

    @rule(
        target=tensors,
        lease=consumes(write_leases),
        shape=st.lists(st.integers(0, 4), max_size=4),
        dtype=st.sampled_from(["uint8", "float32", "int64", "bool"]),
        ttl_ms=TTL_MS,
    )
    def publish(
        self, lease: tuple[Any, Any], shape: list[int], dtype: str, ttl_ms: float | None
    ) -> tuple[int, int]:
        self.tag += 1
        array = np.full(shape, self.tag % 251, dtype)
        for end in lease:
            end.copy(array)
        pair = both(
            lambda: lease[0].publish(self.tag, ttl_ms=ttl_ms),
            lambda: lease[1].publish(self.tag, ttl_ms=ttl_ms),
        )
        assert pair is None or pair[0] == pair[1]
        return (lease[1].slot, lease[1].generation)

    @rule(
        target=tensors,
        writer=writers,
        count=st.integers(1, 6),
        policy=st.sampled_from(["refuse", "overwrite"]),
        ttl_ms=TTL_MS,
    )
    def publish_many(
        self, writer: tuple[Any, Any], count: int, policy: str, ttl_ms: float | None
    ) -> Any:
        ids = []
        for _ in range(count):
            lease = both(lambda: writer[0].acquire(policy), lambda: writer[1].acquire(policy))
            if lease is not None:
                ids.append(self.publish(lease, [3], "uint8", ttl_ms))
        return multiple(*ids)

    @rule(lease=consumes(write_leases))
    def abandon(self, lease: tuple[Any, Any]) -> None:
        both(lease[0].abandon, lease[1].abandon)

    @rule(target=readers)
    def join_as_reader(self) -> Any:
        return self.join_reader()

    def join_reader(self) -> Any:
        pair = both(self.real.reader, self.twin.reader)
        if pair is None:
            return multiple()
        self.all_readers.append(pair)
        return pair

    @rule(reader=consumes(readers))
    def reader_leaves(self, reader: tuple[Any, Any]) -> None:
        self.all_readers.remove(reader)
        both(reader[0].close, reader[1].close)

    @rule(target=read_leases, reader=readers)
    def read_next(self, reader: tuple[Any, Any]) -> Any:
        return self.same_lease(both(reader[0].next, reader[1].next))

    @rule(target=read_leases, reader=readers, tensor=tensors)
    def open(self, reader: tuple[Any, Any], tensor: tuple[int, int]) -> Any:
        return self.same_lease(
            both(lambda: reader[0].open(*tensor), lambda: reader[1].open(*tensor))
        )

    def same_lease(self, pair: tuple[Any, Any] | None) -> Any:
        if pair is None or pair[1] is None:
            assert pair is None or pair[0] is None
            return multiple()
        real, other = pair
        assert (real.slot, real.generation, real.tag) == (other.slot, other.generation, other.tag)
        assert_same_tensor(real.numpy(), other.numpy())
        return pair

    @rule(lease=read_leases)
    def look(self, lease: tuple[Any, Any]) -> None:
        if both(lease[0].check, lease[1].check) is not None:
            assert_same_tensor(lease[0].numpy(), lease[1].numpy())

    @rule(lease=consumes(read_leases))
    def release(self, lease: tuple[Any, Any]) -> None:
        both(lease[0].release, lease[1].release)
        assert not lease[0].is_open

    @rule()
    def close(self) -> None:
        self.real.close()
        self.twin.close()

    @invariant()
    def same_counts(self) -> None:
        if hasattr(self, "real"):
            expected = self.twin.statistics()
            seen = self.real.statistics()
            assert {key: seen[key] for key in expected} == expected
            for real, other in self.all_readers:
                assert real.missed == other.missed


def assert_same_tensor(real: np.ndarray, other: np.ndarray) -> None:
    assert real.dtype == other.dtype
    assert real.shape == other.shape
    assert not real.flags.writeable
    np.testing.assert_array_equal(real, other)


@pytest.mark.parametrize("backend", ["host", "shm"])
def test_a_tensor_mailbox_does_what_its_twin_does(backend: str) -> None:
    run_machine(TensorMachine, backend, 100, 50)
