"""What a node hands over: in place, by copy, or not at all, and what is left behind."""

from __future__ import annotations

import contextlib
import errno
import resource
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

mailbox = pytest.importorskip("sage_cuda_mailbox", reason="the mailboxes are not built")

from mailbox_ends import SHAPE, Camera  # noqa: E402

from sage_common.core.health import PressureLevel  # noqa: E402
from sage_common.ros.tensors import connection, mailboxes, output  # noqa: E402
from sage_common.ros.tensors.handles import mailbox_name  # noqa: E402
from sage_common.ros.tensors.output import SLOTS, SLOTS_AT  # noqa: E402
from sage_common.ros.tensors.reader import TensorGone, TensorReader  # noqa: E402

LARGE = (64, 128, 3)
"""Of whole pages."""


def shared_bytes(camera: Camera) -> int:
    """What the kernel counts of the mailbox."""
    (path,) = Path("/dev/shm").glob(f"*{camera.name}")
    return path.stat().st_blocks * 512


@pytest.fixture
def reader(camera: Camera) -> Iterator[TensorReader]:
    """One that is there already: what was published before a reader came is not for it."""
    made = TensorReader(camera.name)
    with pytest.raises(TensorGone):
        made.open(camera.show())
    yield made
    made.close()


def test_what_was_written_in_a_slot_is_seen_there(camera: Camera, reader: TensorReader) -> None:
    handle = camera.show()
    assert (handle.mailbox, handle.backend, handle.device) == (camera.name, "shm", -1)
    assert (tuple(handle.shape), handle.dtype) == (SHAPE, "uint8")
    assert handle.header == camera.header() and handle.ttl_ms == 1000
    with reader.open(handle) as lease:
        seen = lease.numpy()
        assert (seen == camera.shown).all() and not seen.flags.writeable
    assert (camera.output.in_place, camera.output.by_copy) == (2, 0)


def test_a_published_array_can_no_longer_be_written(camera: Camera, reader: TensorReader) -> None:
    slot = camera.output.allocate(SHAPE, "uint8")
    assert slot is not None
    camera.output.publish(slot.array, camera.header(), slot)
    with pytest.raises(ValueError, match="read-only"):
        slot.array[:] = 1


def test_a_mailbox_that_closes_while_it_is_attached_to_has_gone(
    camera: Camera, reader: TensorReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = camera.show()
    camera.output.close()
    with mailbox.TensorMailbox.create(camera.name, slot_bytes=64) as closed:
        pass
    closing = SimpleNamespace(attach=lambda name: closed)
    monkeypatch.setattr(mailboxes.library, "TensorMailbox", closing)
    with reader.open(handle) as lease:  # as it does where there is no mailbox
        assert (lease.numpy() == camera.shown).all()


def test_what_is_elsewhere_is_copied_once(camera: Camera, reader: TensorReader) -> None:
    pixels = np.arange(np.prod(SHAPE), dtype=np.uint8).reshape(SHAPE)[:, ::-1]
    with reader.open(camera.show_copy(pixels)) as lease:
        np.testing.assert_array_equal(lease.numpy(), pixels)
    assert (camera.output.in_place, camera.output.by_copy) == (1, 1)
    assert (camera.fact("in place"), camera.fact("by copy")) == ("1", "1")
    counted = mailbox.TensorMailbox.attach(camera.name).statistics()
    assert (counted["published"], counted["copied"]) == (2, 1)


def test_without_subscribers_there_is_no_mailbox(camera: Camera) -> None:
    camera.handles.subscriber_count = 0
    assert camera.show() is None
    camera.output.publish(np.zeros(SHAPE, np.uint8), camera.header())
    assert camera.handles.sent == []
    assert camera.name not in mailbox.list_mailboxes()
    assert camera.fact("mailbox") == "none: nobody subscribes"


def test_an_inactive_node_has_no_mailbox(camera: Camera, reader: TensorReader) -> None:
    slot = camera.output.allocate(SHAPE, "uint8")
    camera.is_active = False
    camera.output.close()
    assert slot is not None and camera.show() is None
    camera.output.publish(slot.array, camera.header(), slot)
    assert camera.name not in mailbox.list_mailboxes()
    camera.is_active = True
    with pytest.raises(TensorGone):
        reader.open(camera.show())
    with reader.open(camera.show()) as lease:
        assert (lease.numpy() == camera.shown).all()


def test_larger_tensors_get_a_new_mailbox_and_slots_of_the_old_are_copied(
    camera: Camera, reader: TensorReader
) -> None:
    old = camera.output.allocate(SHAPE, "uint8")
    assert old is not None
    old.array[:] = 77
    assert camera.show((120, 160, 3)) is not None
    camera.output.publish(old.array, camera.header(), old)
    assert camera.output.by_copy == 1
    with pytest.raises(TensorGone):
        reader.open(camera.handles.sent[-1])
    with reader.open(camera.show((120, 160, 3))) as lease:
        assert lease.shape == (120, 160, 3)
    assert mailbox.list_mailboxes().count(camera.name) == 1


def test_a_reader_that_keeps_everything_makes_nobody_wait(
    camera: Camera, reader: TensorReader
) -> None:
    kept = [reader.open(camera.show()) for _ in range(SLOTS)]
    assert camera.show() is None
    assert int(camera.fact("refused")) == 1 and camera.free_slots() == 0
    assert [int(lease.numpy()[0, 0, 0]) for lease in kept] == list(range(2, SLOTS + 2))
    kept.clear()
    assert camera.free_slots() == SLOTS
    assert camera.show() is not None


def test_under_pressure_there_are_fewer_slots_and_readers_go_on(
    camera: Camera, reader: TensorReader
) -> None:
    kept, drawn = reader.open(camera.show()), camera.output.allocate(SHAPE, "uint8")
    assert drawn is not None
    drawn.array[:] = 99
    before = camera.output.held_bytes()
    assert before == SLOTS * 4096
    camera.output.relieve(PressureLevel.RED)
    assert (kept.numpy() == 2).all() and kept.check() is None
    camera.output.publish(drawn.array, camera.header(), drawn)
    assert 0 < camera.output.held_bytes() <= before / 3
    with reader.open(camera.handles.sent[-1]) as lease:
        assert (lease.numpy() == 99).all(), "it is the same mailbox"
    with reader.open(camera.show()) as lease:
        assert (lease.numpy() == camera.shown).all()
    camera.output.relieve(PressureLevel.RED)
    assert camera.free_slots() == SLOTS_AT[PressureLevel.RED] - 1, "kept is looked at still"
    camera.output.relieve(PressureLevel.GREEN)
    assert camera.show() is not None
    assert camera.output.held_bytes() == before


def test_slots_that_readers_hold_are_emptied_when_they_are_given_back(
    camera: Camera, reader: TensorReader
) -> None:
    with contextlib.suppress(TensorGone):  # it comes to the larger mailbox with its first tensor
        reader.open(camera.show(LARGE))
    kept = [reader.open(camera.show(LARGE)) for _ in range(SLOTS)]
    first = camera.shown - SLOTS + 1
    taken = shared_bytes(camera)
    camera.output.relieve(PressureLevel.RED)
    assert shared_bytes(camera) == taken
    assert [int(lease.numpy()[0, 0, 0]) for lease in kept] == list(range(first, first + SLOTS))
    kept.clear()
    assert camera.show(LARGE) is not None
    slot_bytes = camera.output.held_bytes() // SLOTS_AT[PressureLevel.RED]
    assert shared_bytes(camera) <= taken - (SLOTS - SLOTS_AT[PressureLevel.RED]) * slot_bytes


def test_what_counts_as_given_back_is_what_the_next_mailbox_does_not_take(
    camera: Camera, reader: TensorReader
) -> None:
    slot_bytes = camera.output.held_bytes() // SLOTS
    for level in (
        PressureLevel.YELLOW,
        PressureLevel.GREEN,
        PressureLevel.RED,
        PressureLevel.YELLOW,
    ):
        camera.output.relieve(level)
        expected = SLOTS_AT[level] * slot_bytes
        assert camera.output.held_bytes() == expected
        assert camera.show() is not None
        assert camera.output.held_bytes() == expected
    camera.output.close()
    assert camera.output.held_bytes() == 0


def test_emptied_slots_have_pages_again_before_anybody_writes_to_them(
    camera: Camera, reader: TensorReader
) -> None:
    camera.show(LARGE)
    taken = shared_bytes(camera)
    camera.output.relieve(PressureLevel.RED)
    assert shared_bytes(camera) < taken / 2
    camera.output.relieve(PressureLevel.GREEN)
    assert shared_bytes(camera) == taken and camera.free_slots() == SLOTS


def test_where_no_pages_are_to_be_had_a_new_mailbox_is_made(
    camera: Camera, reader: TensorReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_array: object) -> None:
        raise OSError(errno.ENOMEM, "no room")

    before = camera.output.held_bytes()
    camera.output.relieve(PressureLevel.YELLOW)
    monkeypatch.setattr(output, "take_shared_pages", refuse)
    camera.output.relieve(PressureLevel.GREEN)
    assert camera.name not in mailbox.list_mailboxes()
    assert camera.output.held_bytes() == before, "as much as the next tensor takes"
    assert camera.show() is not None
    assert camera.output.held_bytes() == before
    camera.output.relieve(PressureLevel.YELLOW)
    camera.output.relieve(PressureLevel.GREEN)
    camera.handles.subscriber_count = 0
    assert camera.output.held_bytes() == 0, "nobody wants another one"


@pytest.mark.parametrize(
    ("level", "kept"),
    [(PressureLevel.GREEN, 12), (PressureLevel.YELLOW, 6), (PressureLevel.RED, 1)],
)
def test_frames_decoded_ahead_leave_slots_to_those_that_are_due(
    camera: Camera, reader: TensorReader, level: int, kept: int
) -> None:
    camera.output.relieve(level)
    with contextlib.suppress(TensorGone):  # it comes to a new mailbox after its first tensor
        reader.open(camera.show())
    ahead = deque(camera.draw() for _ in range(7))
    held: deque[Any] = deque(maxlen=kept + 1)  # one more: an encoder is a frame behind
    for number in range(40):
        sent = camera.send(ahead.popleft())
        assert sent is not None, number
        held.append(reader.open(sent))
        ahead.append(camera.draw())
    assert int(camera.fact("refused")) == 0


def test_frames_that_were_not_published_give_their_slots_back(
    camera: Camera, reader: TensorReader
) -> None:
    drawn = [camera.output.allocate(SHAPE, "uint8") for _ in range(5)]
    assert camera.free_slots() == SLOTS - 5
    drawn.clear()
    assert camera.free_slots() == SLOTS


def test_a_taken_name_is_said_once_and_tried_again(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RETRY_NS", 0)
    with mailbox.TensorMailbox.create(camera.name, slot_bytes=4096):
        assert camera.show() is None and camera.show() is None
        assert len(camera.log.lines) == 1 and "is there already" in camera.log.lines[0]
        assert camera.fact("mailbox").startswith("none: ")
    assert camera.show() is not None


def test_a_mailbox_whose_writer_cannot_be_had_is_given_up_and_made_later(camera: Camera) -> None:
    own = connection.OwnMailbox("nothing is published", camera.log)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def create(library: Any, files: int = soft) -> Any:
        made = library.TensorMailbox.create(camera.name, slot_bytes=64)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
        return made

    try:
        assert not own.make(lambda library: create(library, files=0))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert own.mailbox is None and own.writer is None and "/proc" in own.fault
    own.close()
    assert own.make(create) and own.fault == "" and own.writer is not None
    own.close()


def test_without_the_library_all_goes_on_and_says_so(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailboxes, "library", None)
    monkeypatch.setattr(mailboxes, "MISSING", "sage_cuda_mailbox is not installed (test)")
    assert camera.show() is None
    camera.output.publish(np.zeros(SHAPE, np.uint8), camera.header())
    assert camera.handles.sent == []
    assert camera.fact("mailbox") == "none: sage_cuda_mailbox is not installed (test)"
    assert camera.log.lines == [
        "frames go as images only: sage_cuda_mailbox is not installed (test)"
    ]


def test_names_of_mailboxes() -> None:
    assert mailbox_name("/sage/camera/front/tensor", 42) == "42.sage.camera.front.tensor"
    # what the mailboxes' C++ says of the same topic
    both = mailbox_name(f"/{'a' * 60}/{'b' * 80}/tensor", 7)
    assert both == f"7.{'a' * 60}.{'b' * 48}.518f6497e3259fc1" and len(both) == 128
    long = [mailbox_name(f"/{'a' * 200}{end}", 1) for end in "xy"]
    assert len(set(long)) == 2 and {len(name) for name in long} == {128}
