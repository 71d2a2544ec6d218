"""The peripheral broadcast mailbox."""

from __future__ import annotations

from dataclasses import dataclass

from sage_cuda_mailbox import Closed

from .participant_table import ParticipantTable


@dataclass(frozen=True)
class Record:
    sequence: int
    producer: int
    type: int
    stamp_ns: int
    payload: bytes


class BroadcastMailbox:
    """Remembers every record; a reader may see the last `cell_count` of them."""

    def __init__(self, cell_count: int, place_count: int = 64) -> None:
        self.cell_count = cell_count
        self.records: list[Record] = []
        self.places = ParticipantTable(place_count)
        self.closed = False

    def writer(self) -> BroadcastWriter:
        if self.closed:
            raise Closed
        return BroadcastWriter(self)

    def reader(self, *, oldest: bool = False) -> BroadcastReader:
        if self.closed:
            raise Closed
        return BroadcastReader(self, oldest)

    def statistics(self) -> dict[str, int]:
        writers = sum(holder is not None for holder in self.places.holders)
        return {"records": len(self.records), "writers": writers, "closed": self.closed}

    def close(self) -> None:
        self.closed = True


class BroadcastWriter:
    def __init__(self, mailbox: BroadcastMailbox) -> None:
        self._mailbox: BroadcastMailbox | None = mailbox
        self.producer = mailbox.places.join(self)

    def push(self, payload: bytes, type: int = 0, stamp_ns: int = 0) -> int:  # noqa: A002
        if self._mailbox is None or self._mailbox.closed:
            raise Closed
        records = self._mailbox.records
        records.append(Record(len(records), self.producer, type, stamp_ns, bytes(payload)))
        return len(records) - 1

    def close(self) -> None:
        if self._mailbox is not None:
            self._mailbox.places.leave(self.producer)
            self._mailbox = None


class BroadcastReader:
    def __init__(self, mailbox: BroadcastMailbox, oldest: bool) -> None:
        self._mailbox = mailbox
        end = len(mailbox.records)
        self.next_sequence = max(0, end - mailbox.cell_count) if oldest else end
        self.lost = 0

    def pop(self) -> Record | None:
        records = self._mailbox.records
        if self.next_sequence == len(records):
            if self._mailbox.closed:
                raise Closed
            return None
        overwritten = len(records) - self._mailbox.cell_count - self.next_sequence
        if overwritten > 0:
            self.lost += overwritten
            self.next_sequence += overwritten
        self.next_sequence += 1
        return records[self.next_sequence - 1]

    def pop_many(self, limit: int) -> list[Record]:
        found: list[Record] = []
        while len(found) < limit and self.next_sequence < len(self._mailbox.records):
            record = self.pop()
            assert record is not None
            found.append(record)
        if not found:
            self.pop()  # raises, if there is reason to
        return found
