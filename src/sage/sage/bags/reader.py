"""Opens a bag of any kind: what it holds, and its messages in order."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import yaml

from sage.bags.foreign_file import ForeignFile
from sage.bags.mcap_file import McapFile, read_mcap
from sage.bags.message import BagMessage, BagTopic
from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput

EXPECTED = "a rosbag2 folder, or an .mcap, .db3 or .bag file"


class BagFile(Protocol):
    """One file of a bag, or a bag that is read as a whole."""

    complete: bool

    def topics(self) -> list[BagTopic]: ...

    def messages(self, topics: Sequence[str] | None) -> Iterator[BagMessage]: ...


@dataclass(frozen=True)
class Bag:
    """A bag.

    Attributes:
        path: as given.
        topics: by name.
        start_ns, end_ns: log time of the first and the last message [ns]; 0 if it is empty.
        complete: False: a file was cut off; all that is before the cut is there.
        files: what it is read from.
    """

    path: Path
    topics: dict[str, BagTopic]
    start_ns: int
    end_ns: int
    complete: bool
    files: tuple[BagFile, ...]

    @property
    def count(self) -> int:
        """Messages in the bag."""
        return sum(topic.count for topic in self.topics.values())

    @property
    def duration_s(self) -> float:
        """Time from the first to the last message [s]."""
        return (self.end_ns - self.start_ns) / NS_PER_S

    def messages(self, topics: Sequence[str] | None = None) -> Iterator[BagMessage]:
        """Messages in the order of (time, topic, place in the bag).

        Args:
            topics: only these; None: all.
        """
        streams = [file.messages(topics) for file in self.files]
        yield from heapq.merge(*streams, key=lambda message: (message.time_ns, message.topic))

    def state(self) -> str:
        """One line about the bag, for people."""
        text = f"{self.path}: {self.count} messages on {len(self.topics)} topics"
        text += f", {self.duration_s:.1f} s"
        return text if self.complete else text + "; it was cut off, this is what could be recovered"


def open_bag(path: Path) -> Bag:
    """A ROS 2 bag (MCAP or sqlite3, folder or file) or a ROS 1 bag.

    Only the indexes are read, unless a file was cut off or has none.

    Raises:
        InvalidInput: it is none of these, or damaged beyond reading.
        FileNotFoundError: there is nothing at this path.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: nothing there; expected {EXPECTED}")
    if path.is_dir():
        return _from_folder(path)
    if path.suffix == ".mcap":
        return _of_mcap(path, [path])
    if path.suffix in (".db3", ".bag"):
        return _of_foreign(path)
    raise InvalidInput("bag", str(path), EXPECTED)


def _from_folder(path: Path) -> Bag:
    information = _metadata(path)
    mcaps = sorted(path.glob("*.mcap"), key=lambda file: _natural(file.name))
    if mcaps and not information.get("compression_mode"):
        return _of_mcap(path, mcaps)
    if information:
        return _of_foreign(path)
    databases = sorted(path.glob("*.db3"))
    if len(databases) == 1:
        return _of_foreign(databases[0])
    raise InvalidInput("bag", str(path), f"{EXPECTED}; the folder holds no metadata.yaml")


def _metadata(path: Path) -> dict[str, object]:
    """The content of metadata.yaml; empty if there is none, or it was cut off."""
    try:
        content = yaml.safe_load((path / "metadata.yaml").read_text())
        information = content["rosbag2_bagfile_information"]
    except (FileNotFoundError, yaml.YAMLError, UnicodeError, KeyError, TypeError, RecursionError):
        return {}
    return information if isinstance(information, dict) else {}


def _of_mcap(path: Path, files: Sequence[Path]) -> Bag:
    parts = [read_mcap(file) for file in files]
    return _bag(path, parts, [(s.start_ns, s.end_ns) for part in parts for s in part.stretches])


def _of_foreign(path: Path) -> Bag:
    part = ForeignFile(path)
    return _bag(path, [part], [(part.start_ns, part.end_ns)])


def _bag(
    path: Path, parts: Sequence[McapFile | ForeignFile], times_ns: Sequence[tuple[int, int]]
) -> Bag:
    topics: dict[str, BagTopic] = {}
    for topic in (topic for part in parts for topic in part.topics()):
        count = topic.count + (topics[topic.name].count if topic.name in topics else 0)
        topics[topic.name] = replace(topic, count=count)
    return Bag(
        path=path,
        topics=dict(sorted(topics.items())),
        start_ns=min((start for start, _ in times_ns), default=0),
        end_ns=max((end for _, end in times_ns), default=0),
        complete=all(part.complete for part in parts),
        files=tuple(parts),
    )


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key by which `x_10.mcap` comes after `x_9.mcap`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
