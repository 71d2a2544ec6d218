"""What every broadcast mailbox does."""

from __future__ import annotations

from typing import Any

import pytest
from backends import Backend

from sage_cuda_mailbox import Closed, NoFreePlace


def number_of(record: Any) -> int:
    return int.from_bytes(record.payload, "little")


def push_numbers(writer: Any, numbers: range) -> None:
    for number in numbers:
        writer.push(number.to_bytes(8, "little"))


def pop_all(reader: Any) -> list[Any]:
    found = []
    while (record := reader.pop()) is not None:
        found.append(record)
    return found


def test_a_record_arrives_as_it_was_written(records_backend: Backend) -> None:
    mailbox = records_backend.records()
    writer, reader = mailbox.writer(), mailbox.reader()
    assert reader.pop() is None
    assert writer.push(b"heard", 7, -5) == 0
    record = reader.pop()
    assert (record.payload, record.type, record.stamp_ns) == (b"heard", 7, -5)
    assert (record.sequence, record.producer) == (0, writer.producer)
    assert reader.pop() is None


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 39, 40])
def test_payloads_of_every_length(records_backend: Backend, length: int) -> None:
    mailbox = records_backend.records()
    writer, reader = mailbox.writer(), mailbox.reader()
    payload = bytes(range(1, length + 1))
    writer.push(payload)
    assert reader.pop().payload == payload


def test_ten_in_and_five_out_thrice(records_backend: Backend) -> None:
    mailbox = records_backend.records(cell_count=32)
    writer, reader = mailbox.writer(), mailbox.reader()
    seen = []
    for turn in range(3):
        push_numbers(writer, range(10 * turn, 10 * turn + 10))
        seen.append([number_of(reader.pop()) for _ in range(5)])
    assert seen == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11, 12, 13, 14]]
    assert [number_of(record) for record in pop_all(reader)] == list(range(15, 30))
    assert reader.lost == 0


def test_every_reader_sees_every_record_at_its_own_pace(records_backend: Backend) -> None:
    mailbox = records_backend.records()
    writer = mailbox.writer()
    quick, slow = mailbox.reader(), mailbox.reader()
    for number in range(5):
        push_numbers(writer, range(number, number + 1))
        assert number_of(quick.pop()) == number
    assert [number_of(record) for record in pop_all(slow)] == [0, 1, 2, 3, 4]


def test_a_slow_reader_loses_the_oldest_and_knows_how_many(records_backend: Backend) -> None:
    mailbox = records_backend.records(cell_count=8)
    writer, reader = mailbox.writer(), mailbox.reader()
    push_numbers(writer, range(30))
    assert [number_of(record) for record in pop_all(reader)] == list(range(22, 30))
    assert reader.lost == 22


def test_read_and_lost_are_together_what_was_pushed(records_backend: Backend) -> None:
    mailbox = records_backend.records(cell_count=64)
    writers = [mailbox.writer() for _ in range(3)]
    readers = [mailbox.reader() for _ in range(3)]
    seen: list[list[int]] = [[], [], []]
    for number in range(5_000):
        push_numbers(writers[number % 3], range(number, number + 1))
        for index, reader in enumerate(readers):
            if number % (40 * index + 1) == 0:
                seen[index] += [number_of(record) for record in pop_all(reader)]
    for numbers, reader in zip(seen, readers, strict=True):
        numbers += [number_of(record) for record in pop_all(reader)]
        assert numbers == sorted(set(numbers))
        assert len(numbers) + reader.lost == 5_000
    assert [reader.lost > 0 for reader in readers] == [False, False, True]


def test_a_new_reader_sees_what_comes_or_what_is_there(records_backend: Backend) -> None:
    mailbox = records_backend.records(cell_count=8)
    writer = mailbox.writer()
    push_numbers(writer, range(12))
    now, oldest = mailbox.reader(), mailbox.reader(oldest=True)
    push_numbers(writer, range(12, 13))
    assert [number_of(record) for record in pop_all(now)] == [12]
    assert [number_of(record) for record in pop_all(oldest)] == list(range(5, 13))
    assert oldest.lost == 1


def test_records_of_a_writer_that_left_are_still_there(records_backend: Backend) -> None:
    mailbox = records_backend.records()
    reader, writer = mailbox.reader(), mailbox.writer()
    push_numbers(writer, range(3))
    writer.close()
    assert [number_of(record) for record in pop_all(reader)] == [0, 1, 2]
    with pytest.raises(Closed):
        writer.push(b"")


def test_places_are_given_back(records_backend: Backend) -> None:
    mailbox = records_backend.records(place_count=2)
    first, _second = mailbox.writer(), mailbox.writer()
    with pytest.raises(NoFreePlace):
        mailbox.writer()
    first.close()
    third = mailbox.writer()
    assert third.producer == 0
    assert mailbox.statistics()["writers"] == 2


def test_what_was_pushed_before_the_end_is_read_after_it(records_backend: Backend) -> None:
    mailbox = records_backend.records()
    writer, reader = mailbox.writer(), mailbox.reader()
    push_numbers(writer, range(3))
    mailbox.close()
    with pytest.raises(Closed):
        writer.push(b"")
    assert [number_of(reader.pop()) for _ in range(3)] == [0, 1, 2]
    for _ in range(2):
        with pytest.raises(Closed):
            reader.pop()


def test_nobody_joins_a_mailbox_that_is_closed(records_backend: Backend) -> None:
    mailbox = records_backend.records()
    mailbox.close()
    for join in (mailbox.writer, mailbox.reader):
        with pytest.raises(Closed):
            join()
    assert mailbox.statistics()["writers"] == 0
