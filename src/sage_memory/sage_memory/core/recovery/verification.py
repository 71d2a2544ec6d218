"""What is wrong with a store: every row, checksum, link and payload looked at."""

from __future__ import annotations

import hashlib
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DatabaseError

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Labels, check_labels
from sage_memory.core.engine import schema
from sage_memory.core.engine.database import cause, damaged_pages
from sage_memory.core.engine.errors import PayloadDamaged
from sage_memory.core.engine.plain_query import any_text
from sage_memory.core.engine.schema import (
    clocks,
    experiences,
    forgettings,
    labels,
    meta,
    payloads,
    summary_members,
    vectors,
    vocabularies,
)
from sage_memory.core.errors import MemoryFailure, StoreDamaged
from sage_memory.core.experience import DIGEST
from sage_memory.core.identifiers import ID_BYTES, id_text
from sage_memory.core.labels.encoding import decode as decode_labels
from sage_memory.core.labels.packing import unpack_names
from sage_memory.core.labels.rows import labels_crc32, vocabulary_crc32
from sage_memory.core.payloads import PayloadFiles
from sage_memory.core.places.rows import place_of
from sage_memory.core.rows.checksums import is_whole
from sage_memory.core.rows.encoded_vectors import decode
from sage_memory.core.rows.records import ALTERED
from sage_memory.core.rows.rows import sketch, unpack_puzzle
from sage_memory.core.taught.rows import word_of

BATCH = 1024
SETTLED_S = 60.0
"""A file without a row is younger than this while its row waits for its commit."""
REPAIR = "`sage memory repair` keeps what can be read"
REEMBED = "`sage memory reembed` makes it anew from the payload, `sage memory repair` removes it"
RELABEL = "`sage memory repair` removes them"
NOTHING = "nothing: recall says that it is gone"
SWEPT = "nothing: the next start for writing removes it"


@dataclass(frozen=True)
class Finding:
    """Something wrong.

    Attributes:
        what: page, experience, vector, labels, vocabulary, clock, link, place, taught word,
            payload, fact or index.
        where: which one, and what is wrong with it.
        serious: True: content is lost or may be; False: nothing that recall answers depends on it.
        fix: what to do.
    """

    what: str
    where: str
    serious: bool
    fix: str


def distinct(found: Sequence[Finding]) -> list[Finding]:
    """Each finding once, in order; `where` says how often: one page fails many readings."""
    return [
        finding if times == 1 else replace(finding, where=f"{finding.where} ({times} times)")
        for finding, times in Counter(found).items()
    ]


def compare_index(compare: Callable[[], None]) -> list[Finding]:
    """Run a comparison of the index with the rows; a difference is a finding."""
    try:
        compare()
    except StoreDamaged as error:
        return [Finding("index", error.detail, True, "start again, which rebuilds it")]
    return []


def inspect_rows(connection: Connection, files: PayloadFiles) -> list[Finding]:
    """Look at everything, within one snapshot; takes minutes on a large store."""
    found = [Finding("page", words, True, REPAIR) for words in damaged_pages(connection)]
    for look in (_facts, _experiences, _vectors, _labels, _clocks, _links, _places, _taught_words):
        try:
            found.extend(look(connection))
        except DatabaseError as error:
            found.append(Finding("page", cause(error), True, REPAIR))
    found.extend(_payloads(connection, files))
    found.extend(_unnamed_payloads(connection, files))
    return found


def _facts(connection: Connection) -> Iterator[Finding]:
    facts = dict(connection.execute(select(meta.c.key, meta.c.value)).all())
    revision = connection.execute(select(schema.alembic_version.c.version_num)).scalars().all()
    if list(revision) != [schema.REVISION]:
        yield Finding("fact", f"revision {list(revision)}, not {schema.REVISION}", True, REPAIR)
    newest = connection.execute(select(func.max(clocks.c.stamp))).scalar_one() or 0
    if int(facts.get("clock", 0)) < newest:
        yield Finding("fact", f"clock {facts.get('clock')} is behind {newest}", True, REPAIR)


def _experiences(connection: Connection) -> Iterator[Finding]:
    with any_text(connection):
        wanted = select(experiences).order_by(experiences.c.number)
        for row in connection.execute(wanted.execution_options(yield_per=BATCH)):
            whole_id = isinstance(row.id, bytes) and len(row.id) == ID_BYTES
            name = f"experience {id_text(row.id) if whole_id else ''} (row {row.number})"
            for wrong in _wrongs(row, whole_id):
                yield Finding("experience", f"{name}: {wrong}", True, REPAIR)


def _wrongs(row: Any, whole_id: bool) -> Iterator[str]:
    if not whole_id:
        yield "its id is no UUID"
    if not is_whole(row):
        yield ALTERED
    try:
        if row.start_ns > row.end_ns:
            yield "ends before it starts"
        if wrong := _wrong_puzzle(bytes(row.codes), bytes(row.sketch)):
            yield wrong
    except TypeError as error:
        yield f"a value is of another type: {error}"


def _wrong_puzzle(codes: bytes, drawn: bytes) -> str:
    if not codes:
        return ""  # evicted
    try:
        puzzle = unpack_puzzle(codes)
    except InvalidInput:
        return "its puzzle is none, or cannot be unpacked"
    return "" if sketch(puzzle).tobytes() == drawn else "its sketch is not that of its puzzle"


def _vectors(connection: Connection) -> Iterator[Finding]:
    wanted = select(vectors).order_by(vectors.c.number)
    for row in connection.execute(wanted.execution_options(yield_per=BATCH)):
        where = f"vector {row.number} of {row.encoder_id}"
        try:
            decode(row.encoding, row.dim, bytes(row.vector))
        except InvalidInput as error:
            yield Finding("vector", f"{where}: {error}", True, REEMBED)
            continue
        if zlib.crc32(row.vector) != row.crc32:
            yield Finding("vector", f"{where}: its checksum does not match", True, REEMBED)


def _labels(connection: Connection) -> Iterator[Finding]:
    models: dict[int, tuple[str, int]] = {}
    for row in connection.execute(select(vocabularies).order_by(vocabularies.c.number)):
        where = f"{row.number} of {row.model_id}"
        if vocabulary_crc32(row.model_id, bytes(row.names)) != row.crc32:
            yield Finding("vocabulary", f"{where}: its checksum does not match", True, REPAIR)
            continue
        try:
            models[row.number] = row.model_id, len(unpack_names(bytes(row.names)))
        except InvalidInput as error:
            yield Finding("vocabulary", f"{where}: {error}", True, REPAIR)
    wanted = select(labels).order_by(labels.c.number)
    for row in connection.execute(wanted.execution_options(yield_per=BATCH)):
        model_id, classes = models.get(row.vocabulary, ("", 0))
        where = f"labels {row.number} of {model_id or 'no model that is known'}"
        key, blob = bytes(row.experience_id), bytes(row.labels)
        if labels_crc32(key, model_id, blob) != row.crc32:
            yield Finding("labels", f"{where}: their checksum does not match", True, RELABEL)
            continue
        try:
            check_labels(Labels(model_id, decode_labels(blob)), classes)
        except InvalidInput as error:
            yield Finding("labels", f"{where}: {error}", True, RELABEL)


def _clocks(connection: Connection) -> Iterator[Finding]:
    whole = (clocks.c.experience_id == experiences.c.id) & (clocks.c.field == schema.WHOLE)
    missing = (
        select(experiences.c.number)
        .select_from(experiences.outerjoin(clocks, whole))
        .where(clocks.c.experience_id.is_(None))
    )
    for number in connection.execute(missing).scalars():
        yield Finding("clock", f"experience {number} has none", False, REPAIR)
    of_nothing = (
        select(clocks.c.experience_id, clocks.c.field)
        .select_from(clocks.outerjoin(experiences, clocks.c.experience_id == experiences.c.id))
        .where(experiences.c.id.is_(None))
    )
    for identifier, field in connection.execute(of_nothing):
        where = f"{field} of {identifier.hex()}, which is not there"
        yield Finding("clock", where, False, REPAIR)


def _links(connection: Connection) -> Iterator[Finding]:
    for table, column in (
        (vectors, vectors.c.experience_id),
        (labels, labels.c.experience_id),
        (summary_members, summary_members.c.summary_id),
        (summary_members, summary_members.c.member_id),
    ):
        dangling = (
            select(column)
            .select_from(table.outerjoin(experiences, column == experiences.c.id))
            .where(experiences.c.id.is_(None))
        )
        for identifier in connection.execute(dangling).scalars():
            where = f"{table.name}.{column.name} {identifier.hex()} leads nowhere"
            yield Finding("link", where, True, REPAIR)
    members = select(summary_members.c.summary_id)
    empty = select(experiences.c.id).where(
        experiences.c.covers > 0,
        experiences.c.forgotten_ns.is_(None),
        experiences.c.id.not_in(members),
    )
    for identifier in connection.execute(empty).scalars():
        where = f"summary {id_text(identifier)} covers moments, but none is linked"
        yield Finding("link", where, True, REPAIR)


def _places(connection: Connection) -> Iterator[Finding]:
    for row in connection.execute(select(schema.places)).mappings():
        try:
            place_of(dict(row))
        except InvalidInput as error:
            yield Finding("place", f"{row['name']!r}: {error}", True, REPAIR)


def _taught_words(connection: Connection) -> Iterator[Finding]:
    for row in connection.execute(select(schema.taught_words)).mappings():
        try:
            word_of(dict(row))
        except InvalidInput as error:
            yield Finding("taught word", f"{row['word']!r}: {error}", True, REPAIR)


def _payloads(connection: Connection, files: PayloadFiles) -> Iterator[Finding]:
    for sha256, media_type in connection.execute(select(payloads.c.sha256, payloads.c.media_type)):
        try:
            path = files.path(sha256, media_type)
        except PayloadDamaged as error:
            yield Finding("payload", str(error), True, REPAIR)
            continue
        try:
            data = files.read(sha256, media_type)
        except (OSError, MemoryFailure) as error:
            yield Finding("payload", f"{path}: {error}", False, NOTHING)
            continue
        if hashlib.sha256(data).hexdigest() != sha256:
            yield Finding("payload", f"{path}: not what was kept", True, f"remove it: {path}")


def _unnamed_payloads(connection: Connection, files: PayloadFiles) -> Iterator[Finding]:
    """Rows and files that no experience names, nor would if its sleep were undone."""
    rows = dict(connection.execute(select(payloads.c.sha256, payloads.c.media_type)).all())
    named = set(connection.execute(select(experiences.c.payload_sha256)).scalars())
    unnamed = {sha for sha in rows.keys() - named if DIGEST.fullmatch(sha)}
    copies = select(forgettings.c.saved).where(forgettings.c.saved.is_not(None))
    for copy in connection.execute(copies).scalars() if unnamed else ():
        unnamed = {sha for sha in unnamed if sha.encode() not in copy}
    for sha256 in sorted(unnamed):
        path = files.path(sha256, rows[sha256])
        yield Finding("payload", f"{path}: no experience names it", False, f"remove it: {path}")
    for path in sorted(files.orphans(rows)):
        with suppress(FileNotFoundError):  # evicted by the running graph
            if time.time() - path.stat().st_mtime > SETTLED_S:
                yield Finding("payload", f"{path}: no row names it", False, SWEPT)
