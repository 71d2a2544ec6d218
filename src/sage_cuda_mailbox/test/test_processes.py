"""Mailboxes between processes, and what those leave behind that are killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import zlib
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

import children
import numpy as np
import pytest

from sage_cuda_mailbox import (
    BroadcastMailbox,
    Closed,
    Full,
    Inherited,
    NameTaken,
    NoSuchMailbox,
    TensorMailbox,
    list_mailboxes,
    sweep_stale,
)

PATIENCE_S = 60

pytestmark = [pytest.mark.alone, pytest.mark.timeout(240)]


class Child:
    """A process of tests, and the pipe to it."""

    def __init__(self, target: Callable[..., None], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=target, args=(*arguments, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def hear(self) -> Any:
        assert self.pipe.poll(PATIENCE_S), "the other process says nothing"
        return self.pipe.recv()

    def kill(self) -> None:
        os.kill(self.process.pid or 0, signal.SIGKILL)
        self.process.join()


@pytest.fixture
def start() -> Iterator[Callable[..., Child]]:
    started: list[Child] = []

    def start(target: Callable[..., None], *arguments: Any) -> Child:
        started.append(Child(target, *arguments))
        return started[-1]

    yield start
    for child in started:
        child.process.kill()
        child.process.join()
        child.pipe.close()


def test_three_processes_read_eight_megabytes_in_place(
    name: str, start: Callable[..., Child]
) -> None:
    shape, count = (2, 1024, 1024), 4
    expected = []
    with TensorMailbox.create(name, slot_bytes=8 << 20, slot_count=count) as mailbox:
        readers = [start(children.read_tensors, name) for _ in range(3)]
        assert [reader.hear() for reader in readers] == ["ready"] * 3
        writer = mailbox.writer()
        generator = np.random.default_rng(1)
        for tag in range(count):
            with writer.acquire() as lease:
                array = lease.array(shape, "float32")
                array[:] = generator.random(shape, np.float32)
                expected.append((tag, shape, zlib.crc32(array)))
                assert lease.publish(tag) == 3
        assert mailbox.statistics()["written_in_place"] == count
        assert mailbox.statistics()["written_by_copy"] == 0
    assert [reader.hear() for reader in readers] == [expected] * 3


def test_the_lease_of_a_killed_reader_is_taken_back(name: str, start: Callable[..., Child]) -> None:
    with TensorMailbox.create(name, slot_bytes=4096, slot_count=1) as mailbox:
        child = start(children.hold_tensor, name)
        assert child.hear() == "ready"
        writer = mailbox.writer()
        with writer.acquire() as lease:
            lease.array((4,))
            assert lease.publish() == 1
        assert child.hear() == (0, 1)
        with pytest.raises(Full):
            writer.acquire()
        child.kill()
        with writer.acquire() as lease:
            assert (lease.slot, lease.generation) == (0, 2)
        assert mailbox.statistics()["reclaimed"] == 1
        assert mailbox.statistics()["readers"] == 0


def test_the_slot_of_a_killed_writer_is_taken_back(name: str, start: Callable[..., Child]) -> None:
    with TensorMailbox.create(name, slot_bytes=4096, slot_count=1) as mailbox:
        child = start(children.hold_slot, name)
        assert child.hear() == (0, 1)
        reader, writer = mailbox.reader(), mailbox.writer()
        with pytest.raises(Full):
            writer.acquire()
        child.kill()
        with writer.acquire() as lease:
            assert lease.generation == 2
        assert reader.next() is None


def test_what_a_killed_creator_leaves_is_read_and_swept(
    name: str, start: Callable[..., Child]
) -> None:
    child = start(children.own_mailbox, name)
    assert child.hear() == "ready"
    with pytest.raises(NameTaken, match=f"its creator is alive: process {child.process.pid}"):
        BroadcastMailbox.create(name)
    mailbox = BroadcastMailbox.attach(name)
    reader, writer = mailbox.reader(oldest=True), mailbox.writer()
    assert not mailbox.orphaned
    child.kill()
    assert mailbox.orphaned and not mailbox.closed
    assert name not in sweep_stale()  # this process still writes
    writer.close()
    assert name in sweep_stale()
    assert name not in list_mailboxes()
    with pytest.raises(NoSuchMailbox):
        BroadcastMailbox.attach(name)
    record = reader.pop()
    assert record is not None
    assert record.payload == b"last words"
    with pytest.raises(Closed):
        reader.pop()
    assert mailbox.closed and not mailbox.orphaned


@pytest.mark.parametrize("backend", ["host", "shm"])
def test_a_mailbox_whose_creator_lives_is_no_orphan(name: str, backend: str) -> None:
    with TensorMailbox.create(name, slot_bytes=64, backend=backend) as mailbox:
        assert not mailbox.orphaned
        assert not TensorMailbox.attach(name).orphaned
    assert not mailbox.orphaned


def test_a_name_whose_owner_was_killed_can_be_taken(name: str, start: Callable[..., Child]) -> None:
    child = start(children.own_mailbox, name)
    assert child.hear() == "ready"
    reader = BroadcastMailbox.attach(name).reader()
    child.kill()
    with BroadcastMailbox.create(name) as mailbox:
        mailbox.writer().push(b"not for the reader of the old one")
        with pytest.raises(Closed):
            reader.pop()


def test_records_of_three_processes_keep_their_order_and_none_is_unaccounted_for(
    name: str, start: Callable[..., Child]
) -> None:
    count = 5_000
    with BroadcastMailbox.create(name, cell_count=512) as mailbox:
        reader = mailbox.reader()
        writers = [start(children.push_records, name, count) for _ in range(3)]
        producers = [writer.hear() for writer in writers]
        assert sorted(producers) == [0, 1, 2]
        for writer in writers:
            writer.pipe.send("go")
        seen = []

        def sequences() -> int:  # a cell whose writer sleeps for a lap costs one without a record
            return 3 * count + mailbox.statistics()["skipped"]

        while reader.next_sequence < sequences() and reader.wait(PATIENCE_S):
            seen.append(reader.pop_many(512))
        assert [writer.hear() for writer in writers] == ["done"] * 3
        records = np.concatenate(seen)
        assert len(records) + reader.lost == sequences()
    assert (np.diff(records["sequence"].astype(np.int64)) > 0).all()
    for producer in producers:
        numbers = records["payload"][records["producer"] == producer][:, :8].copy().view("<u8")
        assert (np.diff(numbers.ravel().astype(np.int64)) > 0).all()


class TestFork:
    """What a process inherits by fork is its parent's."""

    def in_child(self, action: Callable[[Connection], None]) -> Any:
        ours, theirs = multiprocessing.Pipe()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                action(theirs)
                status = 0
            finally:
                os._exit(status)
        theirs.close()
        assert ours.poll(PATIENCE_S), "the child says nothing"
        answer = ours.recv()
        assert os.waitpid(pid, 0)[1] == 0
        return answer

    def test_a_child_cannot_use_or_free_what_is_its_parents(self, name: str) -> None:
        with TensorMailbox.create(name, slot_bytes=4096, slot_count=2) as mailbox:
            writer, reader = mailbox.writer(), mailbox.reader()
            with writer.acquire() as lease:
                lease.array((4,))[:] = 3
                lease.publish()
            held = [reader.next(), writer.acquire()]

            def use(pipe: Connection) -> None:
                said = []
                for action in (writer.acquire, reader.next, held[0].check, held[0].release):
                    try:
                        action()
                        said.append("nothing")
                    except Inherited as error:
                        said.append(str(error))
                held.clear()
                mailbox.close()
                pipe.send(said)

            said = self.in_child(use)
            assert len(said) == 4
            assert [
                text for text in said if "make a new writer or reader in this" not in text
            ] == []
            assert not mailbox.closed
            assert mailbox.statistics()["writers"] == 1
            with pytest.raises(Full):
                writer.acquire()
            held[0].check()

    @pytest.mark.parametrize("is_attached", [False, True])
    def test_a_child_makes_writers_of_its_own(self, name: str, is_attached: bool) -> None:
        with BroadcastMailbox.create(name) as mailbox:
            reader = mailbox.reader()
            reader.fileno()

            def write(pipe: Connection) -> None:
                theirs = BroadcastMailbox.attach(name) if is_attached else mailbox
                with theirs.writer() as writer:
                    writer.push(b"from the child")
                reader.close()
                pipe.send("done")

            assert self.in_child(write) == "done"
            assert reader.wait(PATIENCE_S)
            record = reader.pop()
            assert record is not None
            assert record.payload == b"from the child"
