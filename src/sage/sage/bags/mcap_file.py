"""Reads one MCAP file, also one that was cut off."""

from __future__ import annotations

import heapq
import os
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import zstandard
from mcap.exceptions import EndOfFile, McapError
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Channel, Chunk, McapRecord, Message, Schema
from mcap.stream_reader import CRCValidationError, StreamReader, breakup_chunk

from sage.bags.message import BagMessage, BagTopic
from sage.bags.metadata import parse_qos
from sage_common.core.errors import InvalidInput

_MAGIC = b"\x89MCAP0\r\n"
_RECORD_HEAD = struct.Struct("<BQ")
# Longer records of a file that was cut off are taken for garbage.
_LONGEST_RECORD = 1 << 30
# Files without chunks are read in stretches of about this size.
_STRETCH_BYTES = 1 << 20


@dataclass(frozen=True)
class Stretch:
    """A run of records that lies together in the file: a chunk, or messages outside of one.

    Attributes:
        start_ns, end_ns: first and last log time in it.
        offset, length: where it lies [bytes].
    """

    start_ns: int
    end_ns: int
    offset: int
    length: int


@dataclass
class McapFile:
    """What one MCAP file holds.

    Attributes:
        path: of the file.
        stretches: where the messages lie.
        channels, schemas: by id.
        counts: messages by channel id.
        complete: False: the file was cut off, and everything up to the cut was found.
    """

    path: Path
    stretches: list[Stretch] = field(default_factory=list)
    channels: dict[int, Channel] = field(default_factory=dict)
    schemas: dict[int, Schema] = field(default_factory=dict)
    counts: Counter[int] = field(default_factory=Counter)
    complete: bool = True

    def topics(self) -> list[BagTopic]:
        """Topics by name."""
        found: dict[str, BagTopic] = {}
        for number, channel in self.channels.items():
            schema = self.schemas.get(channel.schema_id)
            count = self.counts[number]
            if channel.topic in found:
                count += found[channel.topic].count
            found[channel.topic] = BagTopic(
                name=channel.topic,
                type_name=schema.name if schema else "",
                count=count,
                encoding=channel.message_encoding,
                qos=parse_qos(channel.metadata.get("offered_qos_profiles", "")),
                type_hash=channel.metadata.get("topic_type_hash", ""),
            )
        return [found[name] for name in sorted(found)]

    def messages(self, topics: Sequence[str] | None) -> Iterator[BagMessage]:
        """Messages in the order of (time, topic, place in the file)."""
        wanted = {n for n, c in self.channels.items() if topics is None or c.topic in topics}
        waiting: list[tuple[int, str, int, BagMessage]] = []
        place = 0
        with self.path.open("rb") as stream:
            for stretch in sorted(self.stretches, key=lambda s: (s.start_ns, s.offset)):
                while waiting and waiting[0][0] < stretch.start_ns:
                    yield heapq.heappop(waiting)[3]
                stream.seek(stretch.offset)
                for message in _messages_in(stream.read(stretch.length)):
                    place += 1
                    if message.channel_id in wanted:
                        item = self._message(message)
                        heapq.heappush(waiting, (item.time_ns, item.topic, place, item))
        while waiting:
            yield heapq.heappop(waiting)[3]

    def _message(self, message: Message) -> BagMessage:
        channel = self.channels[message.channel_id]
        schema = self.schemas.get(channel.schema_id)
        type_name = schema.name if schema else ""
        return BagMessage(message.log_time, channel.topic, type_name, message.data)


def read_mcap(path: Path) -> McapFile:
    """What an MCAP file holds, from its summary if it has one, else by reading it through.

    Raises:
        InvalidInput: it is not an MCAP file.
        FileNotFoundError: there is none.
    """
    with path.open("rb") as stream:
        if stream.read(len(_MAGIC)) != _MAGIC:
            raise InvalidInput("bag", str(path), "an MCAP file")
        return _from_summary(path, stream) or _from_scan(path, stream)


def _from_summary(path: Path, stream: BinaryIO) -> McapFile | None:
    stream.seek(-len(_MAGIC), os.SEEK_END)
    if stream.read() != _MAGIC:
        return None
    try:
        summary = SeekingReader(stream).get_summary()
    except (McapError, OSError, struct.error, ValueError):
        return None
    if summary is None or summary.statistics is None or not summary.chunk_indexes:
        return None
    if not summary.channels:
        return None
    return McapFile(
        path=path,
        stretches=[
            Stretch(i.message_start_time, i.message_end_time, i.chunk_start_offset, i.chunk_length)
            for i in summary.chunk_indexes
        ],
        channels=dict(summary.channels),
        schemas=dict(summary.schemas),
        counts=Counter(summary.statistics.channel_message_counts),
    )


def _from_scan(path: Path, stream: BinaryIO) -> McapFile:
    found = McapFile(path, complete=False)
    scan = _Scan(found)
    stream.seek(len(_MAGIC))
    while head := stream.read(_RECORD_HEAD.size):
        if len(head) < _RECORD_HEAD.size:
            break
        opcode, length = _RECORD_HEAD.unpack(head)
        if length > _LONGEST_RECORD:
            break
        offset = stream.tell() - _RECORD_HEAD.size
        body = stream.read(length)
        if len(body) < length:
            break
        if opcode == Opcode.FOOTER:
            found.complete = True
            break
        try:
            scan.add(head + body, offset)
        except (McapError, CRCValidationError, zstandard.ZstdError, struct.error, ValueError):
            break  # The first record that cannot be read ends what can be trusted.
    scan.end_stretch()
    return found


class _Scan:
    """Collects channels, counts and stretches while a file is read through."""

    def __init__(self, found: McapFile) -> None:
        self._found = found
        self._open: Stretch | None = None

    def add(self, record: bytes, offset: int) -> None:
        for item in _records(record):
            if isinstance(item, Chunk):
                self._add_chunk(item, offset, len(record))
            else:
                self._learn(item)
            if isinstance(item, Message):
                self._extend(item.log_time, offset, len(record))

    def end_stretch(self) -> None:
        if self._open is not None:
            self._found.stretches.append(self._open)
            self._open = None

    def _add_chunk(self, chunk: Chunk, offset: int, length: int) -> None:
        self.end_stretch()
        times_ns = []
        for item in breakup_chunk(chunk, validate_crc=True):
            self._learn(item)
            if isinstance(item, Message):
                times_ns.append(item.log_time)
        if times_ns:
            self._found.stretches.append(Stretch(min(times_ns), max(times_ns), offset, length))

    def _learn(self, item: McapRecord) -> None:
        if isinstance(item, Channel):
            self._found.channels[item.id] = item
        elif isinstance(item, Schema):
            self._found.schemas[item.id] = item
        elif isinstance(item, Message):
            self._found.counts[item.channel_id] += 1

    def _extend(self, time_ns: int, offset: int, length: int) -> None:
        if self._open is not None and self._open.length > _STRETCH_BYTES:
            self.end_stretch()
        if self._open is None:
            self._open = Stretch(time_ns, time_ns, offset, length)
            return
        self._open = Stretch(
            min(self._open.start_ns, time_ns),
            max(self._open.end_ns, time_ns),
            self._open.offset,
            offset + length - self._open.offset,
        )


def _records(data: bytes) -> Iterator[McapRecord]:
    """The records in a piece of a file that starts and ends between two."""
    reader = StreamReader(BytesIO(data), skip_magic=True, emit_chunks=True)
    try:
        yield from reader.records
    except EndOfFile:
        return


def _messages_in(data: bytes) -> Iterator[Message]:
    for record in _records(data):
        items = breakup_chunk(record) if isinstance(record, Chunk) else [record]
        for item in items:
            if isinstance(item, Message):
                yield item
