"""Makes a sound store of what can be read of a damaged one."""

from __future__ import annotations

import os
import shutil
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.engine import Connection

from sage_common.core.errors import InvalidInput
from sage_common.core.home import sync_folder
from sage_memory.core.device import device_name
from sage_memory.core.engine import schema
from sage_memory.core.engine.database import (
    PLAIN,
    Driver,
    naming,
    open_writer,
)
from sage_memory.core.engine.errors import PayloadDamaged
from sage_memory.core.engine.lock import WriterLock
from sage_memory.core.errors import DiskRefuses, NothingToRecover, StoreMissing, StoreNotReadable
from sage_memory.core.experience import DIGEST
from sage_memory.core.identifiers import ID_BYTES, id_text
from sage_memory.core.payloads import PayloadFiles, Seal
from sage_memory.core.places.rows import place_of
from sage_memory.core.recovery.damaged_database import DamagedDatabase, Row, open_damaged
from sage_memory.core.recovery.readable_labels import ReadableLabels
from sage_memory.core.rows.checksums import COLUMNS, row_crc32
from sage_memory.core.rows.encoded_vectors import decode
from sage_memory.core.rows.rows import sketch, unpack_puzzle
from sage_memory.core.store.modality_facts import FACT as INSTANCES
from sage_memory.core.store.modality_facts import stored_instances
from sage_memory.core.taught.rows import word_of

BATCH = 512
MOST_NAMED = 100
"""Altered experiences that are named one by one."""
LATER: Row = {
    "entity": "", "sketch": b"", "context": None, "covers": 0, "pinned": 0,
    "encoding": schema.ENCODING_FLOAT32,
}  # fmt: skip
"""Values of columns that a store of an earlier version does not have."""
PROVEN: tuple[tuple[Table, Callable[[Row], object], str], ...] = (
    (schema.places, place_of, "places that are none"),
    (schema.taught_words, word_of, "words that were taught"),
)
"""Tables whose rows prove themselves, and what is lost where they do not."""


@dataclass(frozen=True)
class ProgressCallback:
    """Called as a repair proceeds.

    Attributes:
        totals: is given the name of a table, and how many rows it may have.
        count: is given the name of a table, and how many more of its rows are kept.
    """

    totals: Callable[[dict[str, int]], None] = lambda _: None
    count: Callable[[str, int], None] = lambda _, __: None


@dataclass
class Repaired:
    """What became of a damaged store.

    Attributes:
        set_aside: folder with the damaged files, as they were found.
        kept: table -> rows kept.
        lost: what is gone, in words; empty: nothing that is known of.
    """

    set_aside: Path
    kept: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


def repair(
    home: Path,
    driver: Driver = PLAIN,
    seal: Seal | None = None,
    progress: ProgressCallback | None = None,
) -> Repaired:
    """Put a store of all that can be read in the place of a damaged one.

    Experiences keep their ids and numbers; a vector, puzzle or link is kept only if it proves to
    be whole. An experience of which something else was altered is kept as it is read, and named.
    The damaged files are set aside, never deleted; payloads stay where they are.

    Args:
        home: folder of the store.
        driver, seal: of an encrypted one.
        progress: called as it proceeds; None: not.

    Raises:
        StoreLocked: it is in use.
        StoreMissing: there is none.
        StoreNotReadable: it is another user's.
        NothingToRecover: nothing at all can be read; put a backup in its place.
        DiskRefuses: there is no room for a second file; nothing was changed.
    """
    path = home / "memory.db"
    try:
        path.open("rb").close()
    except FileNotFoundError:
        raise StoreMissing(path) from None
    except PermissionError as error:
        raise StoreNotReadable(path, str(error.strerror)) from error
    lock = WriterLock(home / "memory.lock", path)
    fresh = path.with_name(f"{path.name}.repaired")
    try:
        log = path.with_name(f"{path.name}-wal")
        if not path.stat().st_size and not (log.exists() and log.stat().st_size):
            raise NothingToRecover(path, "0 bytes long")
        with naming(fresh), TemporaryDirectory(prefix=".repair-", dir=home) as workshop:
            damaged = open_damaged(path, driver, Path(workshop))
            try:
                if all(not any(damaged.rows(table)) for table in (schema.meta, schema.experiences)):
                    raise NothingToRecover(path, "nothing of it can be read")
                files = PayloadFiles(home / "payloads", seal)
                made = _Repair(damaged, files, _folder(home), progress or ProgressCallback())
                repaired = made.into(fresh, driver)
            finally:
                damaged.close()
        _exchange(path, fresh, repaired.set_aside)
    except OSError as error:
        raise DiskRefuses(fresh, str(error.strerror)) from error
    finally:
        for leftover in home.glob(f"{fresh.name}*"):
            leftover.unlink()
        lock.close()
    return repaired


def _folder(home: Path) -> Path:
    taken = {found.name for found in home.glob("damaged-*")}
    number = next(n for n in range(1, len(taken) + 2) if f"damaged-{n}" not in taken)
    return home / f"damaged-{number}"


def _exchange(path: Path, fresh: Path, aside: Path) -> None:
    """Link the damaged files into `aside`, then let `fresh` take their place."""
    aside.mkdir(mode=0o700)
    for file in (path, path.with_name(f"{path.name}-wal")):
        if file.exists():
            os.link(file, aside / file.name)
    sync_folder(aside)
    sync_folder(path.parent)
    cache = path.with_name("index")
    if cache.exists():  # of rows that may be gone
        shutil.rmtree(cache)
    for suffix in ("-wal", "-shm"):  # a log of the old file must not meet the new one
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
    os.replace(fresh, path)
    sync_folder(path.parent)


class _Repair:
    """One pass over a damaged store."""

    def __init__(
        self, damaged: DamagedDatabase, files: PayloadFiles, aside: Path, progress: ProgressCallback
    ) -> None:
        self._damaged = damaged
        self._progress = progress
        self._files = files
        self._facts_found = {row["key"]: row["value"] for row in damaged.rows(schema.meta)}
        self._devices: Counter[str] = Counter()
        self._payloads_named: dict[str, str] = {}
        self._report = Repaired(aside)
        self._known: set[bytes] = set()
        self._whole: set[bytes] = set()
        self._missing: set[bytes] = set()
        self._numbers: list[int] = []
        self._newest_clock = 0
        self._lost: Counter[str] = Counter()
        self._altered: list[bytes] = []

    def into(self, fresh: Path, driver: Driver) -> Repaired:
        """Write everything readable into a new file, in one transaction."""
        for leftover in fresh.parent.glob(f"{fresh.name}*"):
            leftover.unlink()
        os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        engine = open_writer(fresh, driver)
        with engine.begin() as connection:
            schema.metadata.create_all(connection)
            most = self._damaged.highest(schema.experiences)
            self._copy(connection, schema.experiences, self._experiences(), most)
            most = self._damaged.highest(schema.vectors)
            self._copy(connection, schema.vectors, self._vectors(), most)
            labels = ReadableLabels(self._damaged, self._lost)
            self._copy(connection, schema.vocabularies, labels.vocabularies())
            self._copy(connection, schema.labels, labels.labels(self._known))
            self._copy(connection, schema.clocks, self._clocks(), len(self._known))
            self._copy(connection, schema.summary_members, self._links())
            self._copy(connection, schema.payloads, self._payloads())
            for table in (schema.runs, schema.forgettings, schema.entities):
                self._copy(connection, table, self._damaged.rows(table))
            for table, proof, lost in PROVEN:
                self._copy(connection, table, self._proven(table, proof, lost))
            self._copy(connection, schema.meta, self._facts())
            revision = {"version_num": schema.REVISION}
            connection.execute(insert(schema.alembic_version), [revision])
        engine.dispose()  # moves the log into the file
        self._report_progress()
        return self._report

    def _copy(
        self, connection: Connection, table: Table, rows: Iterator[Row], most: int = 0
    ) -> None:
        """Write rows, each once; with `most`, how many there may be, progress is reported."""
        count = 0
        if most:
            self._progress.totals({table.name: most})
        keys: set[tuple[Any, ...]] = set()
        batch: list[Row] = []
        for row in rows:
            key = tuple(row[column.name] for column in table.primary_key)
            if key in keys:  # a page that stands in two places
                continue
            keys.add(key)
            batch.append({column.name: row.get(column.name) for column in table.c})
            count += 1
            if len(batch) == BATCH:
                connection.execute(insert(table), batch)
                if most:
                    self._progress.count(table.name, len(batch))
                batch = []
        if batch:
            connection.execute(insert(table), batch)
        if most:
            self._progress.count(table.name, len(batch))
        self._report.kept[table.name] = count

    def _experiences(self) -> Iterator[Row]:
        for row in self._damaged.rows(schema.experiences):
            if len(row["id"]) != ID_BYTES or row["id"] in self._known:
                continue
            if "crc32" in row and row["crc32"] != row_crc32(_in_order(row)):
                self._altered.append(row["id"])
            row = LATER | row
            drawn = _sketch_of(row["codes"])
            if row["codes"] and not drawn:
                self._lost["puzzles"] += 1
                row["codes"] = b""
            self._known.add(row["id"])
            self._numbers.append(row["number"])
            self._devices[row["device_id"]] += 1
            if row["payload_sha256"] and not DIGEST.fullmatch(row["payload_sha256"]):
                self._lost["payloads whose hash is none"] += 1
                row |= {"payload_sha256": "", "payload_media_type": ""}
            self._payloads_named[row["payload_sha256"]] = row["payload_media_type"]
            row["sketch"] = drawn
            yield row | {"crc32": row_crc32(_in_order(row))}

    def _vectors(self) -> Iterator[Row]:
        seen: set[tuple[bytes, str, str]] = set()
        for row in self._damaged.rows(schema.vectors):
            row = LATER | row
            key = (row["experience_id"], row["encoder_id"], row["role"])
            if not _is_whole(row):
                self._lost["vectors that do not match their checksums"] += 1
            elif row["experience_id"] not in self._known:
                self._missing.add(row["experience_id"])
            elif key not in seen:
                seen.add(key)
                self._whole.add(row["experience_id"])
                yield row

    def _clocks(self) -> Iterator[Row]:
        missing = []
        for identifier in self._known:
            rows = self._damaged.of(schema.clocks, "experience_id", identifier)
            self._newest_clock = max([self._newest_clock, *(row["stamp"] for row in rows)])
            yield from rows
            if not any(row["field"] == schema.WHOLE for row in rows):
                missing.append(identifier)
        self._lost["clocks, set anew"] += len(missing)
        for identifier in sorted(missing):
            self._newest_clock += 1
            yield {
                "experience_id": identifier,
                "field": schema.WHOLE,
                "stamp": self._newest_clock,
                "device_id": self._device(),
            }

    def _links(self) -> Iterator[Row]:
        for row in self._damaged.rows(schema.summary_members):
            if row["summary_id"] in self._known and row["member_id"] in self._known:
                yield row
            else:
                self._lost["links of summaries"] += 1

    def _payloads(self) -> Iterator[Row]:
        """Rows of payloads; one that was lost is made anew, lest its file be swept away."""
        for row in self._damaged.rows(schema.payloads):
            if not DIGEST.fullmatch(row["sha256"]):
                continue
            self._payloads_named.pop(row["sha256"], None)
            yield row
        for sha256, media_type in self._payloads_named.items():
            path = None
            with suppress(PayloadDamaged):  # a link is no payload
                path = self._files.find(sha256, media_type) if sha256 else None
            if path is not None:
                facts = path.stat()
                yield {
                    "sha256": sha256,
                    "bytes": facts.st_size,
                    "media_type": media_type,
                    "created_ns": facts.st_mtime_ns,
                    "last_used_ns": facts.st_mtime_ns,
                    "pinned": 0,
                }

    def _proven(self, table: Table, proof: Callable[[Row], object], lost: str) -> Iterator[Row]:
        for row in self._damaged.rows(table):
            try:
                proof(row)
            except InvalidInput:
                self._lost[lost] += 1
                continue
            yield row

    def _facts(self) -> Iterator[Row]:
        found = self._facts_found
        clock = found.get("clock", "0")
        newest = max(self._newest_clock, int(clock) if clock.isdigit() else 0)
        found = {"created_ns": "0", "device_id": self._device()} | found
        found |= {"schema_version": str(schema.SCHEMA_VERSION), "clock": str(newest)}
        if INSTANCES in found:
            found[INSTANCES] = "\n".join(stored_instances(found))
        for key, value in found.items():
            yield {"key": key, "value": value}

    def _device(self) -> str:
        """As the store says, or the device that most experiences are of."""
        often = self._devices.most_common(1)
        return self._facts_found.get("device_id") or (often[0][0] if often else device_name())

    def _report_progress(self) -> None:
        gaps = (max(self._numbers) if self._numbers else 0) - len(self._numbers)
        bare = len(self._known - self._whole)
        lost = [f"{count} {what}" for what, count in self._lost.items() if count]
        gone = max(gaps, len(self._missing))
        if gone or not self._known:
            lost.insert(0, f"at least {gone} experiences" if self._known else "all experiences")
        if bare:
            lost.append(f"{bare} experiences have no vectors: evicted on purpose, or lost")
        for identifier in self._altered[:MOST_NAMED]:
            lost.append(f"experience {id_text(identifier)}: it was altered; kept as it is read now")
        if len(self._altered) > MOST_NAMED:
            lost.append(f"{len(self._altered) - MOST_NAMED} more experiences that were altered")
        self._report.lost = lost


def _in_order(row: Row) -> tuple[Any, ...]:
    """Values as `row_crc32` takes them."""
    return tuple(row.get(name) for name in COLUMNS)


def _sketch_of(codes: bytes) -> bytes:
    """Sketch of a packed puzzle; empty if it is none."""
    try:
        return sketch(unpack_puzzle(codes)).tobytes()
    except InvalidInput:
        return b""


def _is_whole(row: Row) -> bool:
    try:
        decode(row["encoding"], row["dim"], row["vector"])
    except InvalidInput:
        return False
    return bool(zlib.crc32(row["vector"]) == row["crc32"])
