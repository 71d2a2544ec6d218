"""The way of tiles to their encoder: in slots, given back, and by arrays where there is none."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator

import numpy as np
import pytest

from sage_common.ros.tensors import mailboxes
from sage_orchestrator.nodes.tile_channel import SLOTS, TileChannel

needs_mailbox = pytest.mark.skipif(mailboxes.library is None, reason=mailboxes.MISSING)


class Lines:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warning(self, text: str, throttle_s: float = 0.0, key: str = "") -> None:
        self.lines.append(text)

    info = error = warning


@pytest.fixture
def channel() -> Iterator[TileChannel]:
    made = TileChannel(f"test.{os.getpid()}.{uuid.uuid4().hex}", Lines())
    yield made
    made.close()


def pass_on(channel: TileChannel, level: int) -> tuple[int, bool]:
    """The level that was seen, and whether the pixels could have been written to."""

    def draw(tile: np.ndarray) -> None:
        tile[:] = level

    return channel.pass_on(draw, level, lambda tile: (int(tile.mean()), tile.flags.writeable))


@needs_mailbox
def test_tiles_are_looked_at_in_their_slot_and_given_back(channel: TileChannel) -> None:
    for level in range(3 * SLOTS):
        assert pass_on(channel, level) == (level, False)
    assert (channel.in_slots, channel.in_arrays) == (3 * SLOTS, 0)
    assert channel.facts()["focus tiles"] == "mailbox shm"
    with mailboxes.library.TensorMailbox.attach(channel._name) as mailbox:
        counted = mailbox.statistics()
    assert (counted["published"], counted["free_slots"]) == (3 * SLOTS, SLOTS)


@needs_mailbox
def test_another_reader_sees_the_same_tiles_and_may_keep_them_for_a_second(
    channel: TileChannel,
) -> None:
    pass_on(channel, 1)
    mailbox = mailboxes.library.TensorMailbox.attach(channel._name)
    with mailbox.reader() as beside:
        leases = []
        for level in range(2, 2 + SLOTS):
            assert pass_on(channel, level) == (level, False)
            leases.append(beside.next())
        assert [int(lease.numpy().mean()) for lease in leases] == list(range(2, 2 + SLOTS))
        assert [lease.stamp_ns for lease in leases] == list(range(2, 2 + SLOTS))
        assert pass_on(channel, 99) == (99, True), "no slot is free"
        assert channel.in_arrays == 1
        leases.clear()
        assert pass_on(channel, 100) == (100, False)
    mailbox.close()


@needs_mailbox
def test_a_failing_drawer_or_encoder_leaves_no_slot_behind(channel: TileChannel) -> None:
    def fail(tile: np.ndarray) -> None:
        raise ValueError("no")

    for _ in range(2 * SLOTS):
        with pytest.raises(ValueError, match="no"):
            channel.pass_on(fail, 1, lambda tile: None)
        with pytest.raises(ValueError, match="no"):
            channel.pass_on(lambda tile: None, 1, fail)
    assert pass_on(channel, 5) == (5, False)


@needs_mailbox
def test_a_tile_that_was_taken_back_meanwhile_is_worth_nothing(
    channel: TileChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sage_orchestrator.nodes.tile_channel.TTL_MS", 1)
    pass_on(channel, 0)

    def steal(tile: np.ndarray) -> None:
        with mailboxes.library.TensorMailbox.attach(channel._name).writer() as writer:
            taken = []
            while len(taken) < SLOTS:
                with contextlib.suppress(mailboxes.library.Full):  # the lease runs out soon
                    taken.append(writer.acquire("overwrite"))

    with pytest.raises(RuntimeError, match="taken back"):
        channel.pass_on(lambda tile: None, 1, steal)


@needs_mailbox
def test_it_begins_anew_after_it_was_closed(channel: TileChannel) -> None:
    assert pass_on(channel, 1) == (1, False)
    name = channel._name
    channel.close()
    assert name not in mailboxes.library.list_mailboxes()
    assert pass_on(channel, 2) == (2, False)


def test_without_the_library_tiles_are_arrays_and_that_is_said_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mailboxes, "library", None)
    monkeypatch.setattr(mailboxes, "MISSING", "not installed")
    log = Lines()
    channel = TileChannel("tiles-without-a-library", log)
    for level in (3, 4):
        assert pass_on(channel, level) == (level, True)
    assert log.lines == ["tiles go to the focus encoder as arrays: not installed"]
    assert channel.facts() == {
        "focus tiles": "arrays (not installed)",
        "focus tiles in slots": 0,
        "focus tiles in arrays": 2,
    }


def test_a_host_without_mailboxes_says_nothing() -> None:
    log = Lines()
    channel = TileChannel("", log)
    assert pass_on(channel, 3) == (3, True)
    assert channel.facts() == {} and log.lines == []
