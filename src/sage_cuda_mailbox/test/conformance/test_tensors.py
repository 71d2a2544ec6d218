"""What every tensor mailbox does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from backends import Backend, content, fill

from sage_cuda_mailbox import (
    Closed,
    Expired,
    Full,
    GenerationMismatch,
    NoFreePlace,
    NotLeased,
)

AT_ONCE = 1e-6  # a time to live of one nanosecond [ms]


def publish(writer: Any, number: int, when_full: str = "refuse", **options: Any) -> Any:
    lease = writer.acquire(when_full)
    fill(lease, np.full((2, 3), number, np.float32))
    lease.publish(tag=number, **options)
    return lease


def tags(reader: Any) -> list[int]:
    found = []
    while (lease := reader.next()) is not None:
        found.append(lease.tag)
        lease.release()
    return found


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (3, 4, 2)])
def test_a_tensor_arrives_as_it_was_written(
    tensors_backend: Backend, dtype: str, shape: tuple[int, ...]
) -> None:
    mailbox = tensors_backend.tensors()
    writer, reader = mailbox.writer(), mailbox.reader()
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    lease = writer.acquire()
    fill(lease, array)
    assert lease.publish(tag=9) == 1
    seen = reader.next()
    assert (seen.slot, seen.generation, seen.tag) == (lease.slot, lease.generation, 9)
    assert content(seen).dtype == array.dtype
    np.testing.assert_array_equal(content(seen), array)
    seen.release()


def test_ten_in_and_five_out_thrice(tensors_backend: Backend) -> None:
    mailbox = tensors_backend.tensors(slot_count=32)
    writer, reader = mailbox.writer(), mailbox.reader()
    seen = []
    for turn in range(3):
        for number in range(10 * turn, 10 * turn + 10):
            publish(writer, number)
        leases = [reader.next() for _ in range(5)]
        seen.append([lease.tag for lease in leases])
        for lease in leases:
            assert (content(lease) == lease.tag).all()
            lease.release()
    assert seen == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11, 12, 13, 14]]
    assert tags(reader) == list(range(15, 30))
    assert reader.missed == 0


def test_a_slot_is_free_when_its_last_reader_gave_it_back(tensors_backend: Backend) -> None:
    mailbox = tensors_backend.tensors(slot_count=1)
    writer = mailbox.writer()
    readers = [mailbox.reader() for _ in range(3)]
    publish(writer, 1)
    for reader in readers:
        with pytest.raises(Full):
            writer.acquire()
        assert tags(reader) == [1]
    writer.acquire().abandon()
    assert mailbox.statistics()["refused"] == 3


def test_a_tensor_without_readers_is_free_at_once(tensors_backend: Backend) -> None:
    mailbox = tensors_backend.tensors(slot_count=1)
    writer = mailbox.writer()
    first, second = publish(writer, 1), publish(writer, 2)
    assert (first.slot, second.slot) == (0, 0)
    assert second.generation == first.generation + 1


def test_a_reader_is_given_what_comes_while_it_is_there(tensors_backend: Backend) -> None:
    mailbox = tensors_backend.tensors()
    writer = mailbox.writer()
    publish(writer, 1)
    reader = mailbox.reader()
    publish(writer, 2)
    assert tags(reader) == [2]
    reader.close()
    publish(writer, 3)
    with pytest.raises(Closed):
        reader.next()


def test_a_reader_that_leaves_keeps_what_it_took_and_nothing_else(
    tensors_backend: Backend,
) -> None:
    mailbox = tensors_backend.tensors(slot_count=2)
    writer, reader = mailbox.writer(), mailbox.reader()
    publish(writer, 1)
    publish(writer, 2)
    lease = reader.next()
    reader.close()
    assert mailbox.statistics()["free_slots"] == 1
    lease.check()
    assert (content(lease) == 1).all()
    lease.release()
    assert mailbox.statistics()["free_slots"] == 2


def test_the_oldest_that_nobody_took_is_overwritten(tensors_backend: Backend) -> None:
    mailbox = tensors_backend.tensors(slot_count=3)
    writer, reader = mailbox.writer(), mailbox.reader()
    for number in range(3):
        publish(writer, number)
    held = reader.next()
    for number in range(3, 6):
        publish(writer, number, "overwrite")
    held.check()
    assert (content(held) == 0).all()
    assert tags(reader) == [4, 5]
    assert reader.missed == 3
    assert mailbox.statistics()["overwritten"] == 3


def test_what_readers_hold_is_never_overwritten(tensors_backend: Backend) -> None:
    mailbox = tensors_backend.tensors(slot_count=2)
    writer, reader = mailbox.writer(), mailbox.reader()
    held = []
    for number in range(2):
        publish(writer, number)
        held.append(reader.next())
    with pytest.raises(Full):
        writer.acquire("overwrite")
    assert [lease.tag for lease in held] == [0, 1]


def test_a_lease_ends_with_its_time_when_the_slot_is_needed(tensors_backend: Backend) -> None:
    mailbox = tensors_backend.tensors(slot_count=1)
    writer, reader = mailbox.writer(), mailbox.reader()
    publish(writer, 1, ttl_ms=AT_ONCE)
    lease = reader.next()
    lease.check()
    publish(writer, 2)
    with pytest.raises(GenerationMismatch):
        lease.check()
    with pytest.raises(GenerationMismatch):
        lease.release()
    assert mailbox.statistics()["expired"] == 1
    assert tags(reader) == [2]


def test_a_mailbox_has_a_time_to_live_of_its_own(tensors_backend: Backend) -> None:
    mailbox = tensors_backend.tensors(slot_count=1, ttl_ms=AT_ONCE)
    writer, reader = mailbox.writer(), mailbox.reader()
    publish(writer, 1)
    lease = reader.next()
    being_written = writer.acquire()
    with pytest.raises(Expired):
        lease.check()
    with pytest.raises(Expired):
        lease.release()
    being_written.abandon()
    publish(writer, 2, ttl_ms=0)
    with pytest.raises(Full):
        writer.acquire()


def test_a_tensor_is_opened_by_its_handle(tensors_backend: Backend) -> None:
    mailbox = tensors_backend.tensors()
    writer, reader = mailbox.writer(), mailbox.reader()
    first, second = publish(writer, 1), publish(writer, 2)
    lease = reader.open(second.slot, second.generation)
    assert (content(lease) == 2).all()
    for handle in (second, first):  # taken already, and given back as older
        with pytest.raises(NotLeased):
            reader.open(handle.slot, handle.generation)
    lease.release()
    assert reader.next() is None
    assert reader.missed == 0


def test_a_recycled_slot_is_told_by_its_generation(tensors_backend: Backend) -> None:
    mailbox = tensors_backend.tensors(slot_count=1)
    writer, reader = mailbox.writer(), mailbox.reader()
    old = publish(writer, 1)
    assert tags(reader) == [1]
    publish(writer, 2)
    with pytest.raises(GenerationMismatch):
        reader.open(old.slot, old.generation)


def test_a_lease_that_was_given_back_cannot_be_used(tensors_backend: Backend) -> None:
    mailbox = tensors_backend.tensors()
    writer, reader = mailbox.writer(), mailbox.reader()
    written = publish(writer, 1)
    lease = reader.next()
    lease.release()
    for use in (lease.release, lease.check, lease.numpy, written.publish):
        with pytest.raises(NotLeased):
            use()


def test_a_slot_that_is_not_published_is_given_back(tensors_backend: Backend) -> None:
    mailbox = tensors_backend.tensors(slot_count=1)
    writer, reader = mailbox.writer(), mailbox.reader()
    writer.acquire().abandon()
    publish(writer, 5)
    assert tags(reader) == [5]


def test_places_are_given_back(tensors_backend: Backend) -> None:
    mailbox = tensors_backend.tensors(place_count=2)
    writer, reader = mailbox.writer(), mailbox.reader()
    for join in (mailbox.writer, mailbox.reader):
        with pytest.raises(NoFreePlace):
            join()
    lease = writer.acquire()
    writer.close()
    with pytest.raises(NoFreePlace):
        mailbox.reader()  # the writer's lease needs its place
    fill(lease, np.zeros(1, np.uint8))
    assert lease.publish() == 1
    mailbox.reader()
    reader.close()
    mailbox.reader()


def test_what_was_published_before_the_end_is_read_after_it(tensors_backend: Backend) -> None:
    mailbox = tensors_backend.tensors()
    writer, reader = mailbox.writer(), mailbox.reader()
    publish(writer, 1)
    late = writer.acquire()
    fill(late, np.zeros(1, np.uint8))
    mailbox.close()
    with pytest.raises(Closed):
        late.publish()
    with pytest.raises(Closed):
        writer.acquire()
    lease = reader.next()
    assert lease.tag == 1
    lease.release()
    with pytest.raises(Closed):
        reader.next()


def test_nobody_joins_a_mailbox_that_is_closed(tensors_backend: Backend) -> None:
    mailbox = tensors_backend.tensors()
    mailbox.close()
    for join in (mailbox.writer, mailbox.reader):
        with pytest.raises(Closed):
            join()
    assert mailbox.statistics()["writers"] == 0
