"""Forgetting on request: the content is removed from every file, a tombstone stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.engine import Connection

from sage_common.core.errors import InvalidInput
from sage_memory.core.engine.schema import (
    experiences,
    forgettings,
    payloads,
    summary_members,
    vectors,
)
from sage_memory.core.errors import DiskRefuses, NotCompacted
from sage_memory.core.experience import MAX_TEXT, check_text
from sage_memory.core.forgetting.forget_cascade import CascadeResult, Content, cascade, contents
from sage_memory.core.identifiers import id_bytes, id_text
from sage_memory.core.labels.rows import label_rows, remove_labels
from sage_memory.core.labels.summarising import relabel_summaries
from sage_memory.core.rows.changes import replace_content, set_columns
from sage_memory.core.sleep.changes import run_record
from sage_memory.core.sleep.records.forgetting_list import PER_EXPERIENCE
from sage_memory.core.sleep.records.rewriting import TOMBSTONE
from sage_memory.core.store.labelling import Relabelled
from sage_memory.core.store.store import Store
from sage_memory.core.store.teaching import remove_examples
from sage_memory.core.store.writer import Future

MOST_AT_ONCE = 1000


@dataclass(frozen=True)
class Forgotten:
    """What a request removed: experiences, and bytes of their content and payloads."""

    count: int
    bytes_freed: int


def forget(
    store: Store, identifiers: Sequence[bytes | str], reason: str, now_ns: int
) -> Future[Forgotten]:
    """Remove experiences for good; the future settles when the files hold nothing of them.

    Gone are their rows' content, vectors, links, what words were taught by them, the copies kept
    for undoing a sleep, what summaries took over from them, and payloads that no other experience
    has. The database is rewritten at once, which takes seconds where it is large; remembering
    queues meanwhile.

    Args:
        identifiers: 16 bytes each, or their text, at most `MOST_AT_ONCE`.
        reason: kept with the tombstones; must not repeat the content.

    Raises:
        InvalidInput: none or too many, or too long a reason. An id that is unknown, or forgotten
            already, fails the future; nothing is forgotten then.
        NotCompacted: from the future: they are forgotten, but the disk is too full to shrink the
            file; their bytes leave it when the store is next closed with room on the disk.
    """
    if not isinstance(identifiers, Sequence) or isinstance(identifiers, bytes | str):
        raise InvalidInput("ids", identifiers, "a list of ids, each 16 bytes or text")
    ids = [id_bytes(identifier, "ids") for identifier in identifiers]
    check_text("reason", reason)
    if not 1 <= len(identifiers) <= MOST_AT_ONCE:
        raise InvalidInput("len(ids)", len(identifiers), f"1..{MOST_AT_ONCE}")
    if len(reason) > MAX_TEXT:
        raise InvalidInput("len(reason)", len(reason), f"at most {MAX_TEXT} characters")
    wanted = list(dict.fromkeys(ids))
    numbers: list[int] = []
    changed: list[CascadeResult] = []
    unlabelled: list[Relabelled] = []

    def remove(connection: Connection) -> Forgotten:
        return _remove(store, connection, wanted, reason, now_ns, numbers, changed, unlabelled)

    def update_index(_done: Forgotten) -> None:
        store.payloads.delete_removed()
        index = store.reader.index
        for disowned in changed:
            for encoder_id, some in disowned.dropped.items():
                index.drop_vectors(some, encoder_id)
            for number, columns in disowned.columns.items():
                index.update(number, **columns)
            index.relabel(list(disowned.columns), disowned.labels)
        index.forget(numbers)
        for relabelled in unlabelled:
            index.relabel(*relabelled)
        try:
            store.compact_now()
        except DiskRefuses as error:
            raise NotCompacted(error.path, error.detail) from error

    return store.change(remove, update_index)


def _remove(
    store: Store,
    connection: Connection,
    wanted: list[bytes],
    reason: str,
    now_ns: int,
    numbers: list[int],
    changed: list[CascadeResult],
    unlabelled: list[Relabelled],
) -> Forgotten:
    column = experiences.c
    rows = connection.execute(
        select(experiences).where(column.id.in_(wanted), column.forgotten_ns.is_(None))
    ).all()
    missing = set(wanted) - {bytes(row.id) for row in rows}
    if missing:
        named = ", ".join(sorted(id_text(key) if len(key) == 16 else key.hex() for key in missing))
        raise InvalidInput("ids", named, "experiences of this store that are not forgotten")
    known = contents(connection, rows)
    freed = sum(_size(row, known[bytes(row.id)]) for row in rows)
    disowned = cascade(connection, known)
    gone = [*wanted, *disowned.emptied]
    link = summary_members.c
    connection.execute(delete(vectors).where(vectors.c.experience_id.in_(gone)))
    connection.execute(
        delete(summary_members).where(or_(link.summary_id.in_(gone), link.member_id.in_(wanted)))
    )
    remove_labels(connection, gone)
    relabelled = relabel_summaries(connection, disowned.shortened)
    disowned.labels = label_rows(connection, list(disowned.columns))
    store.set_clocks(connection, [(summary, "labels") for summary in relabelled])
    listed = forgettings.c.experience_id.in_(gone) & PER_EXPERIENCE
    connection.execute(update(forgettings).where(listed).values(saved=None))
    tombstone = TOMBSTONE | {"pinned": 0, "forgotten_ns": now_ns, "forgotten_reason": reason}
    replace_content(connection, gone, tombstone)
    run_record.remove_probes(connection, wanted)
    shas = {sha for content in known.values() for sha in content.shas}
    used = _used(connection, shas)
    freed += store.payloads.remove(connection, shas - used)
    for sha in sorted(used):
        _pin_payload(connection, sha)
    store.set_clocks(connection, [(identifier, "forgotten") for identifier in gone])
    unlabelled[:] = [remove_examples(store, connection, wanted)]
    numbers[:] = connection.execute(select(column.number).where(column.id.in_(gone))).scalars()
    changed[:] = [disowned]
    return Forgotten(len(wanted), freed)


def _size(row: Any, content: Content) -> int:
    texts = sum(len(text) for text in (*content.texts, row.reason, row.context or ""))
    blobs = sum(len(codes) for codes in content.codes) + len(row.sketch)
    return texts + blobs + sum(len(vector["vector"]) for vector in content.vectors)


def _used(connection: Connection, shas: set[str]) -> set[str]:
    """Payloads that another experience has, or would have again if its sleep were undone."""
    if not shas:
        return set()
    own = experiences.c.payload_sha256
    used = set(connection.execute(select(own).where(own.in_(shas))).scalars())
    copies = select(forgettings.c.saved).where(forgettings.c.saved.is_not(None), PER_EXPERIENCE)
    for copy in connection.execute(copies).scalars():
        used |= {sha for sha in shas - used if sha.encode() in copy}
    return used


def _pin_payload(connection: Connection, sha256: str) -> None:
    """Let a payload be pinned if one of the experiences that share it is, else not."""
    sharing = experiences.c.payload_sha256 == sha256
    most = select(func.coalesce(func.max(experiences.c.pinned), 0)).where(sharing)
    same = payloads.c.sha256 == sha256
    connection.execute(update(payloads).where(same).values(pinned=most.scalar_subquery()))


def pin(store: Store, identifier: bytes | str, pinned: bool) -> Future[None]:
    """Keep an experience from every sleep, and its payload from the cap; or no longer.

    A payload stays pinned as long as one of the experiences that share it is. An unknown id fails
    the future with `InvalidInput`.
    """
    identifier = id_bytes(identifier)
    if not isinstance(pinned, bool):
        raise InvalidInput("pinned", pinned, "True or False")
    column = experiences.c
    numbers: list[int] = []

    def change(connection: Connection) -> None:
        row = connection.execute(
            select(column.number, column.payload_sha256).where(
                column.id == identifier, column.forgotten_ns.is_(None)
            )
        ).one_or_none()
        if row is None:
            named = id_text(identifier) if len(identifier) == 16 else identifier.hex()
            raise InvalidInput("id", named, "an experience of this store that is not forgotten")
        numbers[:] = [row.number]
        set_columns(connection, [identifier], {"pinned": int(pinned)})
        store.set_clock(connection, identifier, "pinned")
        if row.payload_sha256:
            _pin_payload(connection, row.payload_sha256)

    return store.change(change, lambda _: store.reader.index.update(numbers[0], pinned=pinned))
