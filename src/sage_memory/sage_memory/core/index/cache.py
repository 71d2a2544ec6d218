"""The index on disk: disposable files beside the store, so that opening reads newer rows only.

`index/header.json` names a folder of plain `.npy` files, and of each its size and CRC-32. The
header is replaced at once after the folder is complete and synced: a kill at any moment leaves the
old cache, the new one, or none. Full chunks never change and are taken over by a hard link. What
was forgotten is not in there: the cache is removed before a forgetting is acknowledged.

Whoever reads it checks it three ways: the files against the header, the header against the facts of
the store, and, when newer rows are taken in, count and CRC sum of every encoder's vectors against
the rows. What does not hold is thrown away, and the index is filled from the rows.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import threading
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.home import make_private, replace_file, sync_folder
from sage_memory.core.index.columns import DERIVED, NAMED
from sage_memory.core.index.label_space import LabelCopy
from sage_memory.core.index.space_view import Chunk, QuantiserStatistics, SpaceCopy
from sage_memory.core.rows.indexed import COLUMNS

FORMAT = 3
HEADER = "header.json"
LISTS = "cells-*"
"""Files of earlier versions, with signs of vectors in them: they go with the cache."""
GENERATION, NAME = re.compile(r"g[0-9]+"), re.compile(r"[a-z0-9_]+")
"""Names of its folders and files: none in a header may lead out of the cache."""
LEAST_NEW, NEW_SHARE = 1000, 0.02
"""It is written again after so many new rows, and that share of all."""
READ_BLOCK = 2**20
READERS, NICENESS = 2, 10
"""Threads that check files: neither reading nor summing needs Python."""


@dataclass(frozen=True)
class Facts:
    """What a cache and a store must agree on.

    Attributes:
        created_ns, device_id: of the store.
        stamp: logical clock of the last change that the index has taken over.
    """

    created_ns: str
    device_id: str
    stamp: int


@dataclass(frozen=True)
class IndexCopy:
    """An index as arrays: what is written, and what is read back.

    Attributes:
        columns: name -> values of all experiences; codes: column -> name -> code.
        spaces: encoder id -> its vectors.
        labels: model id -> what it recognised.
    """

    facts: Facts
    columns: Mapping[str, NDArray[Any]]
    codes: Mapping[str, Mapping[str, int]]
    spaces: Mapping[str, SpaceCopy]
    labels: Mapping[str, LabelCopy]


class IndexCache:
    """The files in `folder`; only the one writer of a store writes them.

    Attributes:
        rows: experiences in the cache as it was last read or written; 0: there is none.
        losses: how often it was discarded.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = 0
        self.losses = 0
        self._files: dict[str, tuple[int, int]] = {}
        self._generation = ""
        self._lock = threading.Lock()

    def exists(self) -> bool:
        """Whether there is one, whole or not."""
        return (self.folder / HEADER).exists()

    def due(self, rows: int) -> bool:
        """Whether so many experiences are enough more than it holds to write it again."""
        return rows - self.rows >= max(LEAST_NEW, NEW_SHARE * rows)

    def discard(self) -> None:
        """Remove it: nothing of it is left on the disk."""
        with self._lock:
            self.losses += 1
            self.rows, self._files, self._generation = 0, {}, ""
            if self.folder.exists():
                for path in [self.folder / HEADER, *self.folder.glob(LISTS)]:
                    path.unlink(missing_ok=True)
                for leftover in self._generations():
                    shutil.rmtree(leftover)
                sync_folder(self.folder)

    def write(self, copy: IndexCopy, losses: int) -> None:
        """Replace it, unless it was discarded since `losses`: the copy holds too much then.

        Raises:
            OSError: the disk is full; the old one, or none, is left.
        """
        with self._lock:
            if self.losses == losses:
                self._write(copy)

    def _write(self, copy: IndexCopy) -> None:
        make_private(self.folder)
        generation = f"g{int(self._generation[1:] or 0) + 1}" if self._generation else "g1"
        fresh = self.folder / generation
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        files: dict[str, tuple[int, int]] = {}
        spaces = [
            self._write_space(fresh, number, encoder_id, space, files)
            for number, (encoder_id, space) in enumerate(copy.spaces.items())
        ]
        for name, values in copy.columns.items():
            files[name] = write_array(fresh / f"{name}.npy", values)
        for place, labels in enumerate(copy.labels.values()):
            for part, values in vars(labels).items():
                files[f"l{place}_{part}"] = write_array(fresh / f"l{place}_{part}.npy", values)
        sync_folder(fresh)
        header = {
            "format": FORMAT,
            "folder": generation,
            "created_ns": copy.facts.created_ns,
            "device_id": copy.facts.device_id,
            "stamp": copy.facts.stamp,
            "rows": len(copy.columns["number"]),
            "codes": copy.codes,
            "spaces": spaces,
            "labels": list(copy.labels),
            "files": files,
        }
        replace_file(self.folder / HEADER, _signed(header))
        self.rows, self._files, self._generation = header["rows"], files, generation  # type: ignore[assignment]
        for leftover in self._generations():
            if leftover != fresh:
                shutil.rmtree(leftover)

    def read(self) -> IndexCopy | None:
        """What was written; None if there is nothing, or it is damaged or of another version."""
        try:
            header = _checked(json.loads((self.folder / HEADER).read_bytes()))
            if header is None or not self._whole(header):
                return None
            copy = self._copy(header)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        self.rows = header["rows"]
        self._files = {name: (size, crc) for name, (size, crc) in header["files"].items()}
        self._generation = header["folder"]
        return copy

    def _write_space(
        self,
        fresh: Path,
        number: int,
        encoder_id: str,
        space: SpaceCopy,
        files: dict[str, tuple[int, int]],
    ) -> dict[str, Any]:
        for name, values in space.slots().items():
            files[f"s{number}_{name}"] = write_array(fresh / f"s{number}_{name}.npy", values)
        centred = space.statistics.count if space.statistics is not None else 0
        for index, chunk in enumerate(space.chunks):
            for name, values in (
                ("codes", chunk.codes), ("scales", chunk.scales), ("bits", chunk.bits),
            ):  # fmt: skip
                key = f"s{number}_{index}_{name}_{centred if name == 'bits' else 0}"
                full = space.untouched and len(chunk.codes) == space.size
                if not (full and self._link(fresh, key, files)):
                    files[key] = write_array(fresh / f"{key}.npy", values)
        return {
            "encoder_id": encoder_id,
            "dim": space.dim,
            "size": space.size,
            "chunks": len(space.chunks),
            "centred": centred,
        }

    def _link(self, fresh: Path, key: str, files: dict[str, tuple[int, int]]) -> bool:
        """Take a file of the cache as it is over into the fresh one, if it is there."""
        old = self.folder / self._generation / f"{key}.npy"
        if key not in self._files or not self._generation:
            return False
        with contextlib.suppress(OSError):
            os.link(old, fresh / old.name)
            files[key] = self._files[key]
            return True
        return False

    def _whole(self, header: dict[str, Any]) -> bool:
        folder = self.folder / header["folder"]
        paths = [folder / f"{name}.npy" for name in header["files"]]
        with ThreadPoolExecutor(READERS, initializer=_yield_to_others) as readers:
            found = readers.map(checksum, paths)
            expected = [(size, crc) for size, crc in header["files"].values()]
            return list(found) == expected

    def _copy(self, header: dict[str, Any]) -> IndexCopy:
        folder = self.folder / header["folder"]

        def load(name: str, mapped: bool = False) -> NDArray[Any]:
            path = folder / f"{name}.npy"
            if mapped:
                return np.asarray(np.load(path, "r", allow_pickle=False))
            return np.asarray(np.load(path, allow_pickle=False))

        spaces = {}
        for number, about in enumerate(header["spaces"]):
            chunks = []
            for index in range(about["chunks"]):
                chunks.append(
                    Chunk(
                        load(f"s{number}_{index}_codes_0", mapped=True),
                        load(f"s{number}_{index}_scales_0"),
                        load(f"s{number}_{index}_bits_{about['centred']}"),
                    )
                )
            slots = {name: load(f"s{number}_{name}") for name in SpaceCopy.SLOTS}
            mean, deviation = slots.pop("mean"), slots.pop("deviation")
            statistics = (
                QuantiserStatistics(mean, deviation, about["centred"]) if about["centred"] else None
            )
            spaces[about["encoder_id"]] = SpaceCopy(
                about["dim"], about["size"], chunks, statistics, untouched=True, **slots
            )
        facts = Facts(header["created_ns"], header["device_id"], header["stamp"])
        columns = {name: load(name) for name in (*COLUMNS, *DERIVED)}
        labels = {
            model_id: LabelCopy(*(load(f"l{place}_{part.name}") for part in fields(LabelCopy)))
            for place, model_id in enumerate(header["labels"])
        }
        codes = {name: header["codes"][name] for name in NAMED}
        return IndexCopy(facts, columns, codes, spaces, labels)

    def _generations(self) -> Iterator[Path]:
        return (path for path in list(self.folder.iterdir()) if path.is_dir())


def write_array(path: Path, values: NDArray[Any]) -> tuple[int, int]:
    """Write a new file and sync it; its checksum.

    Raises:
        OSError: it is there already, or the disk is full.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        np.save(stream, values, allow_pickle=False)
        stream.flush()
        os.fsync(stream.fileno())
    return checksum(path)


def _yield_to_others() -> None:
    """Let the graph's other threads go first: reading all of a large cache takes a second."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def checksum(path: Path) -> tuple[int, int]:
    """Size and CRC-32 of a file."""
    size = crc = 0
    block = memoryview(bytearray(READ_BLOCK))  # one for all: fresh pages take longer than reading
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(block):
            crc = zlib.crc32(block[:count], crc)
            size += count
    return size, crc


def _signed(header: dict[str, Any]) -> bytes:
    body = json.dumps(header, sort_keys=True)
    return json.dumps({"crc32": zlib.crc32(body.encode()), "header": body}).encode()


def _checked(signed: dict[str, Any]) -> dict[str, Any] | None:
    body: str = signed["header"]
    if zlib.crc32(body.encode()) != signed["crc32"]:
        return None
    header: dict[str, Any] = json.loads(body)
    inside = GENERATION.fullmatch(header["folder"]) and all(map(NAME.fullmatch, header["files"]))
    return header if inside and header["format"] == FORMAT else None
