"""What Foxglove needs of an MCAP file, read with the reader of the format's own project."""

from __future__ import annotations

from pathlib import Path

from mcap.reader import make_reader
from mcap.stream_reader import StreamReader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from sage_common.ros.conversions.definitions import canonical


def check_for_foxglove(path: Path) -> int:
    """Hold a file against it; how many topics have messages.

    A profile; definitions that are whole, so that each message can be read with the file alone; and
    a summary with index and statistics, without which a large file is read from end to end first.
    """
    with path.open("rb") as file:
        assert list(StreamReader(file, emit_chunks=True).records)  # no record is cut off
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        assert reader.get_header().profile == "ros2"
        summary = reader.get_summary()
        assert summary is not None and summary.statistics is not None
        assert summary.chunk_indexes
        for chunk in summary.chunk_indexes:
            assert chunk.compression in ("", "zstd", "lz4")
            assert chunk.message_index_offsets, "messages are found by topic"
        counts = dict.fromkeys(summary.channels, 0)
        seen: set[str] = set()
        for schema, channel, message in reader.iter_messages():
            counts[channel.id] += 1
            assert schema is not None
            assert (channel.message_encoding, schema.encoding) == ("cdr", "ros2msg")
            if channel.topic not in seen:
                seen.add(channel.topic)
                store = get_typestore(Stores.EMPTY)
                store.register(get_types_from_msg(schema.data.decode(), schema.name))
                store.deserialize_cdr(canonical(message.data, schema.name), schema.name)
        statistics = summary.statistics
        found = {number: count for number, count in counts.items() if count}
        assert statistics.channel_message_counts == found
        assert statistics.message_count == sum(counts.values())
        assert statistics.chunk_count == len(summary.chunk_indexes)
        return len(seen)
