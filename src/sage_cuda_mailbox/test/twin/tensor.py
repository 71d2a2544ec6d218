"""The focus tensor mailbox."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sage_cuda_mailbox import Closed, Expired, Full, GenerationMismatch, NotLeased

from .broadcast import BroadcastMailbox, BroadcastReader
from .participant_table import ParticipantTable
from .slots import OPEN, Lease, Slot, ended, lease_at

NS_PER_MS = 1_000_000


class TensorMailbox:
    """Slots, and who may look at which. `now_ns` is the clock."""

    def __init__(
        self, slot_count: int, now_ns: Callable[[], int], place_count: int = 32, ttl_ms: float = 0
    ) -> None:
        self.slots = [Slot([Lease() for _ in range(place_count)]) for _ in range(slot_count)]
        self.places = ParticipantTable(place_count)
        cell_count = 2
        while cell_count < 2 * slot_count:
            cell_count *= 2
        self.announcements = BroadcastMailbox(cell_count)
        self.announcer = self.announcements.writer()
        self.now_ns = now_ns
        self.ttl_ns = round(ttl_ms * NS_PER_MS)
        self.closed = False
        self.counts = dict.fromkeys(("refused", "published", "expired", "overwritten"), 0)

    def writer(self) -> TensorWriter:
        if self.closed:
            raise Closed
        return TensorWriter(self)

    def reader(self) -> TensorReader:
        if self.closed:
            raise Closed
        return TensorReader(self)

    def close(self) -> None:
        self.closed = True
        self.announcements.close()

    def statistics(self) -> dict[str, int]:
        holders = self.places.holders
        return {
            **self.counts,
            "records": len(self.announcements.records),
            "writers": sum(isinstance(holder, TensorWriter) for holder in holders),
            "readers": sum(isinstance(h, TensorReader) and not h.is_retired for h in holders),
            "free_slots": sum(self._is_free(slot) for slot in self.slots),
            "closed": self.closed,
        }

    def may_use(self, lease: Lease, place: int) -> bool:
        """Whether an open lease is worth anything."""
        reader = self.places.holders[place]
        if reader is not lease.reader or not isinstance(reader, TensorReader):
            return False
        return lease.state == "held" or not reader.is_retired

    def has_expired(self, slot: Slot) -> bool:
        return slot.ttl_ns > 0 and self.now_ns() - slot.published_ns >= slot.ttl_ns

    def open_leases(self, slot: Slot) -> list[Lease]:
        return [
            lease
            for place, lease in enumerate(slot.leases)
            if lease.generation == slot.generation
            and lease.state in OPEN
            and self.may_use(lease, place)
        ]

    def _is_free(self, slot: Slot) -> bool:
        if slot.state == "writing":
            return slot.writer not in self.places.holders
        return slot.state == "vacant" or self.has_expired(slot) or not self.open_leases(slot)


class TensorWriter:
    def __init__(self, mailbox: TensorMailbox) -> None:
        self.mailbox = mailbox
        self.place = mailbox.places.join(self)
        self._first = 0
        self._is_closed = False
        self.open_leases = 0

    def acquire(self, when_full: str = "refuse") -> WriteLease:
        if self._is_closed or self.mailbox.closed:
            raise Closed
        slots = self.mailbox.slots
        order = [(self._first + step) % len(slots) for step in range(len(slots))]
        index = next((index for index in order if self._make_free(slots[index])), None)
        if index is None and when_full == "overwrite":
            index = self._take_back_oldest()
        if index is None:
            self.mailbox.counts["refused"] += 1
            raise Full
        slot = slots[index]
        slot.state, slot.writer, slot.generation = "writing", self, slot.generation + 1
        self._first = (index + 1) % len(slots)
        self.open_leases += 1
        return WriteLease(self, index)

    def _make_free(self, slot: Slot) -> bool:
        if slot.state == "published" and self.mailbox.has_expired(slot):
            for lease in self.mailbox.open_leases(slot):
                lease.state = "expired"
                self.mailbox.counts["expired"] += 1
        return self.mailbox._is_free(slot)

    def _take_back_oldest(self) -> int | None:
        slots = self.mailbox.slots
        untaken = [
            index
            for index, slot in enumerate(slots)
            if slot.state == "published"
            and all(lease.state != "held" for lease in self.mailbox.open_leases(slot))
        ]
        if not untaken:
            return None
        index = min(untaken, key=lambda index: slots[index].order)
        for lease in slots[index].leases:
            if lease.generation == slots[index].generation and lease.state == "pending":
                lease.state = "overwritten"
                self.mailbox.counts["overwritten"] += 1
        return index

    def end_lease(self) -> None:
        self.open_leases -= 1
        self._leave()

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._leave()

    def _leave(self) -> None:
        if self._is_closed and self.open_leases == 0:
            self.mailbox.places.leave(self.place)


class WriteLease:
    def __init__(self, writer: TensorWriter, slot: int) -> None:
        self._writer: TensorWriter | None = writer
        self._mailbox = writer.mailbox
        self.slot = slot
        self.generation = self._mailbox.slots[slot].generation
        self._tensor = np.zeros(0, np.uint8)

    def copy(self, array: np.ndarray) -> None:
        self._tensor = array.copy()

    def publish(self, tag: int = 0, ttl_ms: float | None = None) -> int:
        if self._writer is None:
            raise NotLeased
        mailbox, slot = self._mailbox, self._mailbox.slots[self.slot]
        if mailbox.closed:
            self.abandon()
            raise Closed
        slot.tensor, slot.tag = self._tensor, tag
        slot.published_ns = mailbox.now_ns()
        slot.ttl_ns = mailbox.ttl_ns if ttl_ms is None else round(ttl_ms * NS_PER_MS)
        slot.order = mailbox.counts["published"]
        mailbox.counts["published"] += 1
        readers = [
            (place, holder)
            for place, holder in enumerate(mailbox.places.holders)
            if isinstance(holder, TensorReader) and not holder.is_retired
        ]
        for place, reader in readers:
            slot.leases[place] = Lease(reader, slot.generation, "pending")
        slot.state = "published"
        mailbox.announcer.push(f"{self.slot} {self.generation} {slot.order}".encode())
        self._end()
        return len(readers)

    def abandon(self) -> None:
        if self._writer is not None:
            self._mailbox.slots[self.slot].state = "vacant"
            self._end()

    def _end(self) -> None:
        writer, self._writer = self._writer, None
        assert writer is not None
        writer.end_lease()


class TensorReader:
    def __init__(self, mailbox: TensorMailbox) -> None:
        self.mailbox = mailbox
        self._announcements: BroadcastReader = mailbox.announcements.reader()
        self.place = mailbox.places.join(self)
        self.is_retired = False
        self.open_leases = 0
        self._missed = 0
        self._lost_before = 0

    @property
    def missed(self) -> int:
        return self._missed + self._announcements.lost

    def next(self) -> ReadLease | None:
        if self.is_retired:
            raise Closed
        while (announcement := self._announcements.pop()) is not None:
            slot, generation, order = map(int, announcement.payload.split())
            if self._announcements.lost != self._lost_before:
                self._lost_before = self._announcements.lost
                self._end_older(order, "overwritten")
            try:
                return self._take(slot, generation)
            except NotLeased:
                pass  # opened before, or never given
            except (Expired, GenerationMismatch):
                self._missed += 1
        return None

    def open(self, slot: int, generation: int) -> ReadLease:
        if self.is_retired:
            raise Closed
        lease = self._take(slot, generation)
        self._end_older(self.mailbox.slots[slot].order, "released")
        return lease

    def _take(self, slot: int, generation: int) -> ReadLease:
        lease = lease_at(self.mailbox.slots[slot], self.place, generation)
        if lease.reader is not self or lease.state != "pending":
            raise ended(lease)
        lease.state = "held"
        self.open_leases += 1
        return ReadLease(self, slot, generation)

    def _end_older(self, order: int, state: str) -> None:
        for slot in self.mailbox.slots:
            lease = slot.leases[self.place]
            if lease.reader is self and lease.state == "pending" and slot.order < order:
                lease.state = state

    def end_lease(self) -> None:
        self.open_leases -= 1
        self._leave()

    def close(self) -> None:
        if not self.is_retired:
            self.is_retired = True
            self._leave()

    def _leave(self) -> None:
        if self.is_retired and self.open_leases == 0:
            self.mailbox.places.leave(self.place)


class ReadLease:
    def __init__(self, reader: TensorReader, slot: int, generation: int) -> None:
        self._reader: TensorReader | None = reader
        self.slot = slot
        self.generation = generation
        self.tag = reader.mailbox.slots[slot].tag
        self._tensor = reader.mailbox.slots[slot].tensor

    def numpy(self) -> np.ndarray:
        if self._reader is None:
            raise NotLeased
        return self._tensor

    def check(self) -> None:
        if self._reader is None:
            raise NotLeased
        lease = self._lease(self._reader)
        if lease.state != "held":
            raise ended(lease)

    def release(self) -> None:
        reader, self._reader = self._reader, None
        if reader is None:
            raise NotLeased
        try:
            lease = self._lease(reader)
            if lease.state not in OPEN:
                raise ended(lease)
            lease.state = "released"
        finally:
            reader.end_lease()

    def _lease(self, reader: TensorReader) -> Lease:
        return lease_at(reader.mailbox.slots[self.slot], reader.place, self.generation)
