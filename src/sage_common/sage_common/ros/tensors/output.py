"""Tensors of a node, written where others look at them; a topic says which is where."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from std_msgs.msg import Header

from sage_common.allocator import remove_shared_pages, take_shared_pages
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.host import Logger, Publisher
from sage_common.ros.tensors import mailboxes
from sage_common.ros.tensors.connection import OwnMailbox
from sage_common.ros.tensors.handles import make_handle
from sage_msgs.msg import TensorHandle

# Enough for 12 frames that the memory keeps, 5 in front of an encoder, and 7 decoded ahead.
SLOTS = 24
SLOTS_AT = (SLOTS, 12, 8, 8, 8)
"""By level of pressure: whoever keeps pictures keeps fewer then (memory 6 and 1), too."""
LEFT_FREE = 2
"""Slots that frames decoded ahead leave under pressure; those that get none are copied when due."""
TTL_MS = 1000
RELIEVE_TRIES, RELIEVE_PERIOD_S = 10, 0.05
"""How often to look for slots that readers have given back meanwhile, and how soon again."""


@dataclass(frozen=True)
class TensorSlot:
    """Room for one tensor; given back when nothing refers to it any more.

    Attributes:
        array: to be written, until it is published.
        lease: `sage_cuda_mailbox.WriteLease`.
        mailbox: where it is.
    """

    array: NDArray[Any]
    lease: Any
    mailbox: Any


class TensorOutput:
    """Hands tensors over through a mailbox in shared memory, and publishes their handles.

    The mailbox is made with the first tensor that somebody wants, and anew when tensors grow
    and, under pressure, when they shrink to a half. Slots that are too many then are emptied: they
    stay taken, and their pages go back to the system. A
    reader that holds every slot makes no writer wait: the tensor is counted as refused. May be
    used by several threads.

    Args:
        publisher: of the handles; None: there are no mailboxes here.
        mailbox_name: what the mailbox is called.
        is_active: whether the node is; an inactive one has no mailbox.
        log: of the node.

    Attributes:
        in_place, by_copy: tensors handed over that were written in their slot, and copied there.
        refused: tensors that were not handed over, because readers held every slot.
    """

    def __init__(
        self,
        publisher: Publisher | None,
        mailbox_name: str,
        is_active: Callable[[], bool],
        log: Logger,
    ) -> None:
        self.in_place = self.by_copy = self.refused = 0
        self._publisher = publisher
        self._name = mailbox_name
        self._is_active = is_active
        self._log = log
        self._lock = threading.Lock()
        self._own = OwnMailbox("frames go as images only", log)
        self._tag = 0
        self._slots = SLOTS
        self._emptied: list[Any] = []
        self._slot_bytes = 0
        self._made_for_bytes = 0

    @property
    def wanted(self) -> bool:
        """True while somebody subscribes to the handles of this active node."""
        if self._publisher is None or not self._is_active():
            return False
        return self._publisher.subscriber_count > 0

    def allocate(self, shape: tuple[int, ...], dtype: DTypeLike) -> TensorSlot | None:
        """Room to write a tensor into; None if nobody wants it, or none is to be had.

        Under pressure the last free slots are left to tensors that are handed over before this one.
        """
        if not self.wanted:
            return None
        with self._lock:
            if self._is_short_of_slots():
                return None
            return self._slot(shape, np.dtype(dtype))

    def publish(self, array: NDArray[Any], header: Header, slot: TensorSlot | None = None) -> None:
        """Hand a tensor over: as it is if it was written into `slot`, else by a copy.

        Its slot may hold another tensor as soon as this returns.
        """
        if self._publisher is None or not self.wanted:
            return
        with self._lock:
            if slot is not None and slot.mailbox is self._own.mailbox:
                handle = self._hand_over(slot, header)
                self.in_place += handle is not None
            else:
                handle = self._hand_over(self._copied(array), header)
                self.by_copy += handle is not None
            self.refused += handle is None and self._own.mailbox is not None
        if handle is not None:
            self._publisher.publish(handle)

    def close(self) -> None:
        """Remove the mailbox; the next tensor makes a new one. Readers keep what they hold."""
        with self._lock:
            self._close()
            self._slot_bytes = 0

    def held_bytes(self) -> int:
        """Of shared memory, free slots included: all of it is taken when a mailbox is made.

        Where `relieve` removed one that is wanted, what the next tensor will take.
        """
        with self._lock:
            mailbox = self._own.mailbox
            if mailbox is not None:
                return int(self._slots_in_use * mailbox.slot_bytes)
            return self._slots * self._slot_bytes if self.wanted else 0

    def kept_bytes(self) -> int:
        """What of it the slots at the highest level of pressure take."""
        with self._lock:
            mailbox = self._own.mailbox
            return int(SLOTS_AT[-1] * mailbox.slot_bytes) if mailbox is not None else 0

    def relieve(self, level: int) -> None:
        """Have fewer slots under pressure, and all of them again at green.

        Fewer: those that nobody looks at are emptied at once, others as soon as they are given
        back. More: emptied slots take pages again before anybody writes to them, who would be
        killed if there were none to be had then; where that fails, the next tensor makes a new
        mailbox. With a new one each time, both would be there until every reader has come to it.
        """
        for _ in range(RELIEVE_TRIES):
            with self._lock:
                self._slots = SLOTS_AT[level]
                self._fill_up_to(self._slots)
                if self._empty_down_to(self._slots):
                    return
            time.sleep(RELIEVE_PERIOD_S)

    def facts(self) -> dict[str, object]:
        """For /diagnostics."""
        if self._publisher is None:
            return {}
        topic, mailbox = self._publisher.topic, self._own.mailbox
        if mailbox is None:
            return {f"{topic} mailbox": f"none: {self._own.fault or 'nobody subscribes'}"}
        counted = mailbox.statistics()
        size_mb = self._slots_in_use * mailbox.slot_bytes / 1e6
        return {
            f"{topic} mailbox": f"{mailbox.backend}, {size_mb:.0f} MB",
            f"{topic} in place": self.in_place,
            f"{topic} by copy": self.by_copy,
            f"{topic} refused": self.refused,
            f"{topic} readers": counted["readers"],
            f"{topic} free slots": f"{counted['free_slots']} of {self._slots_in_use}",
        }

    @property
    def _slots_in_use(self) -> int:
        """Of the mailbox that there is, if there is one, those that are not emptied."""
        mailbox = self._own.mailbox
        return 0 if mailbox is None else int(mailbox.slot_count) - len(self._emptied)

    def _empty_down_to(self, slots: int) -> bool:
        """Empty slots that nobody looks at; False if there are too few of them."""
        while self._slots_in_use > slots:
            try:
                lease = self._own.writer.acquire("overwrite")
            except mailboxes.library.Full:
                return False
            self._emptied.append(lease)
            remove_shared_pages(lease.array((lease.bytes,), np.uint8))
        return True

    def _fill_up_to(self, slots: int) -> None:
        """Use emptied slots again; where that fails, the next tensor makes a new mailbox."""
        while self._emptied and self._slots_in_use < slots:
            lease = self._emptied[-1]
            try:
                take_shared_pages(lease.array((lease.bytes,), np.uint8))
            except OSError:
                self._slot_bytes = self._own.mailbox.slot_bytes
                self._close()
                return
            lease.abandon()
            self._emptied.pop()

    def _close(self) -> None:
        self._emptied.clear()
        self._own.close()

    def _is_short_of_slots(self) -> bool:
        mailbox = self._own.mailbox
        if mailbox is None or self._slots_in_use >= SLOTS:
            return False  # all that `SLOTS` counts have room; asking costs 0.1 ms
        return bool(mailbox.statistics()["free_slots"] <= LEFT_FREE)

    def _slot(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> TensorSlot | None:
        lease = self._acquire(math.prod(shape) * dtype.itemsize)
        return (
            None
            if lease is None
            else TensorSlot(lease.array(shape, dtype), lease, self._own.mailbox)
        )

    def _copied(self, array: NDArray[Any]) -> TensorSlot | None:
        slot = self._slot(array.shape, array.dtype)
        if slot is not None:
            slot.lease.copy(array)  # as np.copyto, and counted by the mailbox
        return slot

    def _hand_over(self, slot: TensorSlot | None, header: Header) -> TensorHandle | None:
        """Publish in the mailbox; the handle to be sent, if that could be done."""
        if slot is None:
            return None
        self._tag += 1
        handle = make_handle(slot.mailbox, slot.array, slot.lease, header, self._tag, TTL_MS)
        try:
            slot.lease.publish(tag=self._tag, stamp_ns=stamp_ns(header.stamp))
        except (mailboxes.library.Busy, mailboxes.library.Closed) as error:
            self._log.warning(f"{self._name}: a tensor was not handed over: {error}", 1.0, "tensor")
            return None
        return handle

    def _acquire(self, tensor_bytes: int) -> Any:
        """A lease to write by; None: no mailbox, or all its slots are in use."""
        mailbox = self._own.mailbox
        has_room = mailbox is not None and mailbox.slot_bytes >= tensor_bytes
        wastes = self._slots < SLOTS and tensor_bytes <= self._made_for_bytes // 2
        if wastes or not has_room:
            self._empty_down_to(0)  # the old one goes only when all readers have come to the new
            if not self._make_mailbox(tensor_bytes):
                return None
        self._empty_down_to(self._slots)
        try:
            return self._own.writer.acquire("overwrite")
        except mailboxes.library.Full:
            return None

    def _make_mailbox(self, slot_bytes: int) -> bool:
        def create(library: Any) -> Any:
            self._emptied.clear()
            self._made_for_bytes = slot_bytes
            library.sweep_stale()  # of graphs that were killed, and had other names
            return library.TensorMailbox.create(
                self._name, slot_bytes=slot_bytes, slot_count=SLOTS, ttl_ms=TTL_MS
            )

        return self._own.make(create)
