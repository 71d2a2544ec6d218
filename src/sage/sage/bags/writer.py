"""Writes a bag: MCAP in rosbag2's layout, `<dir>/<dir>_0.mcap` and `<dir>/metadata.yaml`."""

from __future__ import annotations

from pathlib import Path

from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.typesys import TypesysError

from sage.bags.metadata import OfferedQos, TopicRecord, bag_metadata, to_yaml
from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.definitions import typestore

# rosbag2's own default. Larger chunks compress no better, and more is lost when killed.
CHUNK_BYTES = 768 * 1024


class BagWriter:
    """Writes one bag. What was flushed outlives the process, however it ends.

    Args:
        folder: of the bag; made here, must not exist yet.
        compress: compress chunks with Zstandard; JPEG frames hardly get smaller.

    Raises:
        InvalidInput: the folder exists.
        OSError: it cannot be made.
    """

    def __init__(self, folder: Path, compress: bool = True) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise InvalidInput("output", str(folder), "a folder that does not exist yet") from None
        self.path = folder / f"{folder.absolute().name}_0.mcap"
        self._topics: dict[str, TopicRecord] = {}
        self._channels: dict[str, int] = {}
        self._schemas: dict[str, int] = {}
        self._times_ns: tuple[int, int] | None = None
        self._file = self.path.open("xb")
        compression = CompressionType.ZSTD if compress else CompressionType.NONE
        self._mcap = McapWriter(self._file, chunk_size=CHUNK_BYTES, compression=compression)
        self._mcap.start(profile="ros2", library="sage")

    def add_topic(self, name: str, type_name: str, qos: OfferedQos) -> None:
        """Announce a topic before its first message; a second time does nothing.

        Raises:
            InvalidInput: the type is unknown, or the topic has another type already.
        """
        if name in self._topics:
            known = self._topics[name].type_name
            if known != type_name:
                raise InvalidInput(name, type_name, f"{known}, as before")
            return
        store = typestore()
        try:
            definition, _ = store.generate_msgdef(type_name, ros_version=2)
            type_hash = store.hash_rihs01(type_name)
        except (KeyError, TypesysError) as error:
            raise InvalidInput(name, type_name, "a message type that is known here") from error
        if type_name not in self._schemas:
            self._schemas[type_name] = self._mcap.register_schema(
                type_name, "ros2msg", definition.encode()
            )
        self._channels[name] = self._mcap.register_channel(
            name,
            "cdr",
            self._schemas[type_name],
            {"offered_qos_profiles": qos.as_yaml(), "topic_type_hash": type_hash},
        )
        self._topics[name] = TopicRecord(name, type_name, type_hash, qos)

    def write(self, name: str, time_ns: int, data: bytes, sent_ns: int | None = None) -> None:
        """Add one message.

        Args:
            name: an announced topic.
            time_ns: when it was received [ns].
            data: the message, CDR with its encapsulation header.
            sent_ns: when it was published [ns]; None: not known, taken as received.

        Raises:
            KeyError: the topic was not announced.
            OSError: the disk is full.
        """
        topic = self._topics[name]
        self._mcap.add_message(
            self._channels[name],
            log_time=time_ns,
            data=data,
            publish_time=time_ns if sent_ns is None else sent_ns,
            sequence=topic.count,
        )
        topic.count += 1
        first, last = self._times_ns or (time_ns, time_ns)
        self._times_ns = (min(first, time_ns), max(last, time_ns))

    def add_metadata(self, name: str, content: dict[str, str]) -> None:
        """Add a metadata record: what is known of the bag, but no message.

        Raises:
            OSError: the disk is full.
        """
        self._mcap.add_metadata(name, content)

    @property
    def counts(self) -> dict[str, int]:
        """Messages written, by topic."""
        return {name: topic.count for name, topic in self._topics.items()}

    def flush(self) -> None:
        """Hand everything to the system: it then outlives this process.

        Raises:
            OSError: the disk is full.
        """
        self._mcap.flush()

    def close(self) -> None:
        """Write the index and metadata.yaml.

        rosbag2 repeats metadata.yaml inside the MCAP file, where it is optional: left out here, so
        that equal messages give equal files whatever the folder is called.

        Raises:
            OSError: the disk is full.
        """
        start_ns, end_ns = self._times_ns or (0, 0)
        content = bag_metadata(self.path.name, list(self._topics.values()), start_ns, end_ns)
        text = to_yaml(content)
        try:
            self._mcap.finish()
        finally:
            self._file.close()
        (self.folder / "metadata.yaml").write_text(text)

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
