"""Waiting for a mailbox: with a time limit, by a file descriptor, beside other threads."""

from __future__ import annotations

import asyncio
import select
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sage_cuda_mailbox import BroadcastMailbox, Closed, InUse, TensorMailbox

PATIENCE_S = 60


class Rig:
    """One of the two mailboxes, with a writer and a reader."""

    def __init__(self, kind: str, name: str) -> None:
        self.mailbox: Any
        if kind == "records":
            self.mailbox = BroadcastMailbox.create(name)
        else:
            self.mailbox = TensorMailbox.create(name, slot_bytes=4096)
        self.writer = self.mailbox.writer()
        self.reader = self.mailbox.reader()

    def write(self) -> None:
        if isinstance(self.mailbox, BroadcastMailbox):
            self.writer.push(b"new")
        else:
            with self.writer.acquire() as lease:
                lease.array((3,))
                lease.publish()

    def read(self) -> Any:
        if isinstance(self.mailbox, BroadcastMailbox):
            return self.reader.pop()
        lease = self.reader.next()
        if lease is not None:
            lease.release()
        return lease

    def is_readable(self, timeout_s: float = 0) -> bool:
        return select.select([self.reader], [], [], timeout_s)[0] != []


@pytest.fixture(params=["records", "tensors"])
def rig(request: pytest.FixtureRequest, name: str) -> Iterator[Rig]:
    rig = Rig(request.param, name)
    yield rig
    rig.reader.close()
    rig.mailbox.close()


def in_thread(action: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread


def test_waiting_ends_with_something_new_or_with_the_time(rig: Rig) -> None:
    assert not rig.reader.wait(0)
    assert not rig.reader.wait(0.01)
    rig.write()
    assert rig.reader.wait(0)
    assert rig.reader.wait()
    rig.read()
    assert not rig.reader.wait(0)


def test_other_threads_run_while_one_waits(rig: Rig) -> None:
    thread = in_thread(rig.write)
    assert rig.reader.wait(PATIENCE_S)
    thread.join()
    assert rig.read() is not None


def test_waiting_ends_when_the_mailbox_is_closed(rig: Rig) -> None:
    thread = in_thread(rig.mailbox.close)
    with pytest.raises(Closed):
        rig.reader.wait(PATIENCE_S)
    thread.join()


def test_a_reader_is_for_one_thread_at_a_time(rig: Rig) -> None:
    outcomes: list[bool] = []
    thread = in_thread(lambda: outcomes.append(rig.reader.wait(PATIENCE_S)))
    refused = None
    while refused is None and thread.is_alive():
        try:
            rig.read()
        except InUse as error:
            refused = str(error)
    assert refused == "this reader is in use by another thread"
    with pytest.raises(InUse, match="in use by another thread"):
        rig.reader.close()
    rig.write()
    thread.join()
    assert outcomes == [True]


def test_a_signal_ends_waiting(rig: Rig) -> None:
    class Rang(Exception):
        pass

    def ring(*_: object) -> None:
        raise Rang

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Rang):
            rig.reader.wait(PATIENCE_S)
    finally:
        signal.signal(signal.SIGALRM, before)
    rig.write()
    assert rig.read() is not None


def test_the_file_descriptor_is_readable_while_there_is_something(rig: Rig) -> None:
    rig.write()
    assert rig.is_readable()
    assert rig.read() is not None
    assert rig.read() is None
    for _ in range(20):
        rig.write()
        rig.write()
        assert rig.is_readable(PATIENCE_S)
        assert rig.read() is not None
        assert rig.is_readable()
        assert rig.read() is not None
        assert rig.read() is None
    while rig.is_readable(0.1):  # once more than needed, at times
        assert rig.read() is None


def test_the_file_descriptor_tells_of_the_end(rig: Rig) -> None:
    rig.reader.fileno()
    assert rig.read() is None
    rig.mailbox.close()
    assert rig.is_readable(PATIENCE_S)
    for _ in range(2):
        with pytest.raises(Closed):
            rig.read()
        assert rig.is_readable()


def test_the_watching_thread_ends_with_its_reader(rig: Rig) -> None:
    def threads() -> int:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("Threads:"))

    before = threads()
    first = rig.reader.fileno()
    assert rig.reader.fileno() == first
    assert threads() == before + 1
    rig.reader.close()
    assert threads() == before
    with pytest.raises(Closed):
        rig.reader.fileno()


def test_an_event_loop_is_told(rig: Rig) -> None:
    async def count(wanted: int) -> int:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        seen = []

        def drain() -> None:
            while (item := rig.read()) is not None:
                seen.append(item)
                if len(seen) < wanted:
                    rig.write()
                else:
                    done.set_result(len(seen))

        loop.add_reader(rig.reader, drain)
        rig.write()
        try:
            return await asyncio.wait_for(done, PATIENCE_S)
        finally:
            loop.remove_reader(rig.reader)

    assert asyncio.run(count(30)) == 30
