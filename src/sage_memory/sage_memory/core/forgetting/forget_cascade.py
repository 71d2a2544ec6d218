"""What a summary must lose when something that it covers is forgotten on request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.engine import Connection

from sage_memory.core.engine.schema import (
    ROLE_PERCEPT,
    experiences,
    forgettings,
    summary_members,
    vectors,
)
from sage_memory.core.labels.rows import LabelRow
from sage_memory.core.rows.changes import set_columns
from sage_memory.core.sleep.records import saved_copy
from sage_memory.core.sleep.records.forgetting_list import PER_EXPERIENCE, permanently_evicted
from sage_memory.core.sleep.records.rewriting import Row, cosine, values_of, vectors_of

TOO_ALIKE = 0.9999
"""Cosine from which the vector of a summary is that of a member, which it must not outlive."""


@dataclass
class Content:
    """All that is known of an experience that is to be forgotten, evicted or not.

    Attributes:
        texts, codes, shas: values that it has, or had before a sleep.
        place: x, y and z; None: it has none.
        vectors: rows of vectors that it has, or had.
        complete: False: a sleep let something go whose copy is gone, too.
    """

    texts: set[str] = field(default_factory=set)
    codes: set[bytes] = field(default_factory=set)
    shas: set[str] = field(default_factory=set)
    place: tuple[float, ...] | None = None
    vectors: list[Row] = field(default_factory=list)
    complete: bool = True


@dataclass
class CascadeResult:
    """What became of the summaries.

    Attributes:
        emptied: ids of those that have nothing left of their own.
        shortened: ids of the others.
        columns: number -> columns that changed of the others, for the index.
        labels: that these have then.
        numbers_without_vectors: numbers of those that lost the meaning of their words, by encoder.
    """

    emptied: list[bytes] = field(default_factory=list)
    shortened: list[bytes] = field(default_factory=list)
    columns: dict[int, Row] = field(default_factory=dict)
    dropped: dict[str, list[int]] = field(default_factory=dict)
    labels: list[LabelRow] = field(default_factory=list)


def contents(connection: Connection, rows: Sequence[Any]) -> dict[bytes, Content]:
    """Everything known of experiences (rows of the table), by id."""
    ids = [bytes(row.id) for row in rows]
    own = vectors_of(connection, ids)
    found = {}
    for row in rows:
        content = Content(vectors=list(own.get(bytes(row.id), [])))
        if row.place_x is not None:
            content.place = (row.place_x, row.place_y, row.place_z)
        _note(content, row._mapping)
        found[bytes(row.id)] = content
    copies = connection.execute(
        select(forgettings.c.experience_id, forgettings.c.saved).where(
            forgettings.c.experience_id.in_(ids), forgettings.c.undone_ns.is_(None), PER_EXPERIENCE
        )
    )
    for key in permanently_evicted(connection) & found.keys():
        found[key].complete = False
    for key, copy in copies:
        content = found[bytes(key)]
        if copy is None:
            content.complete = False
            continue
        values, lost = saved_copy.unpack(copy)
        _note(content, values)
        content.vectors += lost
    return found


def _note(content: Content, values: Mapping[str, Any]) -> None:
    content.texts |= {values["text"]} if values.get("text") else set()
    content.codes |= {bytes(values["codes"])} if values.get("codes") else set()
    content.shas |= {values["payload_sha256"]} if values.get("payload_sha256") else set()


def cascade(connection: Connection, known: Mapping[bytes, Content]) -> CascadeResult:
    """Remove from summaries what they took over from experiences that are to be forgotten.

    Where it is no longer known what was taken over, all words and the puzzle go. The mean of
    the vectors stays unless it is nearly the vector of one that is forgotten.
    """
    link = summary_members.c
    wanted = connection.execute(
        select(link.summary_id, link.member_id).where(link.member_id.in_(list(known)))
    )
    members: dict[bytes, list[Content]] = {}
    for summary, member in wanted:
        members.setdefault(bytes(summary), []).append(known[bytes(member)])
    copies = forgettings.c.experience_id.in_(list(members)) & PER_EXPERIENCE
    connection.execute(update(forgettings).where(copies).values(saved=None))
    done = CascadeResult()
    for summary, lost in members.items():
        kept = _shorten(connection, summary, lost, done)
        (done.shortened if kept else done.emptied).append(summary)
    return done


def _shorten(
    connection: Connection, summary: bytes, lost: list[Content], done: CascadeResult
) -> bool:
    """False if nothing is left of the summary."""
    link = summary_members.c
    count = select(func.count()).select_from(summary_members).where(link.summary_id == summary)
    left = connection.execute(count).scalar_one() - len(lost)
    own = vectors_of(connection, [summary]).get(summary, [])
    borrowed = [vector for vector in own if any(_same(vector, c) for c in lost)]
    if left < 1 or any(vector["role"] == ROLE_PERCEPT for vector in borrowed):
        return False
    row = connection.execute(select(experiences).where(experiences.c.id == summary)).one()
    unsure = not all(content.complete for content in lost)
    values: Row = {"covers": left, "text": _without(row.text, lost, unsure)}
    if unsure or any(bytes(row.codes) in content.codes for content in lost):
        values |= {"codes": b"", "sketch": b""}
    if any(row.payload_sha256 in content.shas for content in lost):
        values |= {"payload_sha256": "", "payload_media_type": ""}
    if any((row.place_x, row.place_y, row.place_z) == content.place for content in lost):
        names = ("frame", "x", "y", "z", "orientation", "covariance")
        values |= {f"place_{name}": None for name in names}
    set_columns(connection, [summary], values)
    if borrowed:
        numbers = [vector["number"] for vector in borrowed]
        connection.execute(delete(vectors).where(vectors.c.number.in_(numbers)))
    for vector in borrowed:
        done.dropped.setdefault(vector["encoder_id"], []).append(row.number)
    indexed = ("covers", "sketch", "place_frame", "place_x", "place_y", "place_z")
    done.columns[row.number] = {name: values[name] for name in indexed if name in values}
    return True


def _same(vector: Row, content: Content) -> bool:
    names = ("role", "encoder_id", "dim")
    return any(
        all(vector[name] == other[name] for name in names)
        and cosine(values_of(vector), values_of(other)) >= TOO_ALIKE
        for other in content.vectors
    )


def _without(text: str, lost: list[Content], unsure: bool) -> str:
    if unsure:
        return ""
    for forgotten in {text for content in lost for text in content.texts}:
        text = text.replace(forgotten, "")
    return "\n".join(line for line in text.split("\n") if line)
