"""Answers queries with whole records out of the rows of a store."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.engine import Connection, Engine

from sage_common.core.errors import InvalidInput
from sage_common.core.specs.modality import ModalitySpecs
from sage_memory.core.engine.database import naming
from sage_memory.core.engine.errors import PayloadDamaged
from sage_memory.core.engine.plain_query import KEYS, PlainQuery
from sage_memory.core.engine.schema import ROLE_PERCEPT, experiences, vectors
from sage_memory.core.errors import RowDamaged, StoreDamaged
from sage_memory.core.experience import MAX_STAMP_NS
from sage_memory.core.identifiers import id_bytes
from sage_memory.core.index.index import View
from sage_memory.core.index.sync import IndexSync
from sage_memory.core.labels.rows import labels_of
from sage_memory.core.payloads import PayloadFiles
from sage_memory.core.recall import placement
from sage_memory.core.recall.conditions import conditions, wanted
from sage_memory.core.recall.exact import Hit
from sage_memory.core.recall.example import example_meanings
from sage_memory.core.recall.meaning import Meaning, alternatives, meanings
from sage_memory.core.recall.placement import Placed
from sage_memory.core.recall.query import Answer, Query, Recalled, made
from sage_memory.core.recall.query_plan import (
    Asked,
    Found,
    beside_example,
    close_but_declined,
    find,
    notes,
)
from sage_memory.core.recall.question.senses import modalities_of_senses
from sage_memory.core.recall.reasons import reason
from sage_memory.core.recall.recognition.evidence import LEAST, evidence_of
from sage_memory.core.recall.recognition.naming import label_parts, shown_names
from sage_memory.core.recall.relevance import in_order, most_searched, relevant
from sage_memory.core.recall.row_source import RowSource
from sage_memory.core.recall.search import comparable
from sage_memory.core.recall.summary_groups import heads, summaries_of
from sage_memory.core.rows.encoded_vectors import decode
from sage_memory.core.rows.records import MOST_NAMED, DamagedRows, Record, fault_note, read_records

PERCEPTS = PlainQuery(
    select(vectors.c.experience_id, vectors.c.encoding, vectors.c.dim, vectors.c.vector)
    .join(experiences, experiences.c.id == vectors.c.experience_id)
    .where(
        experiences.c.number.in_(KEYS),
        vectors.c.encoder_id == experiences.c.encoder_id,
        vectors.c.role == ROLE_PERCEPT,
    )
)


class Reader(IndexSync):
    """Answers from the rows.

    Attributes:
        damaged: rows that recalls came across and left out.
    """

    def __init__(
        self, path: Path, engine: Engine, files: PayloadFiles, instances: Sequence[str]
    ) -> None:
        super().__init__(path, engine, files)
        self._instances = instances
        self.damaged = DamagedRows()

    @cached_property
    def specs(self) -> ModalitySpecs:
        """What is declared of the modalities of its rows; read with the first that needs it."""
        return ModalitySpecs(self._instances)

    def modalities_of_senses(self) -> dict[str, str]:
        """Sense -> the modality of it that experiences have, where it is one."""
        present = [name for name in self.index.view().codes["modality"] if name]
        return modalities_of_senses(self.specs[name] for name in present)

    def entities(self) -> list[str]:
        """Whom or what experiences are about or from."""
        return [name for name in self.index.view().codes["entity"] if name]

    def recall(self, query: Query) -> list[Answer]:
        """Answers to a checked query, best first."""
        return self.ask(query).answers

    def ask(self, query: Query) -> Recalled:
        """Answers to a checked query, and what there is to know about them.

        A damaged row is left out, and named in the notes; the next best takes its place.
        """
        view = self.index.view()  # before the first read: what it holds, the rows hold
        with self.snapshot() as connection:
            source = RowSource(connection)
            asked = self._asked(connection, view, query)
            searched = replace(query, limit=most_searched(asked, query))
            nearest = self._whole_answers(connection, view, searched, asked, source)
            answers, unlike = relevant(view, asked, query, nearest)
            answers = in_order(answers, query)
            declined = (
                unlike.declined + close_but_declined(view, asked, query.limit, source)
                if query.with_declined
                else []
            )
        said = notes(view, asked) + unlike.notes + beside_example(view, query)
        if source.faults:
            self.damaged.note(source.faults)
            said += [fault_note(*fault) for fault in source.faults.items()]
        return Recalled(answers, declined[: query.limit], said, asked.kept)

    def at(self, stamp_ns: int) -> Placed | None:
        """The experience nearest in time that is whole; None if none is kept.

        Raises:
            InvalidInput: the stamp is no integer of 64 bits.
        """
        if not isinstance(stamp_ns, int | np.integer) or abs(stamp_ns) > MAX_STAMP_NS:
            raise InvalidInput("stamp_ns", stamp_ns, "an integer of 64 bits")
        view = self.index.view()
        left_out: list[int] = []
        while (row := placement.nearest(view, stamp_ns, left_out)) is not None:
            try:
                return self._placed(view, row)
            except RowDamaged:
                if len(left_out) == MOST_NAMED:
                    raise
                left_out.append(row)
        return None

    def of_id(self, identifier: bytes | str) -> Placed | None:
        """The experience with this id; None if there is none, or it was forgotten.

        Raises:
            RowDamaged: it is not what was written.
        """
        identifier = id_bytes(identifier)
        view = self.index.view()
        wanted_row = select(experiences.c.number).where(experiences.c.id == identifier)
        with naming(self._path), self._engine.connect() as connection:
            number = connection.execute(wanted_row).scalar_one_or_none()
        row = None if number is None else placement.numbered(view, number)
        return None if row is None else self._placed(view, row)

    def _placed(self, view: View, row: int) -> Placed:
        number = int(view.columns["number"][row])
        with naming(self._path), self._engine.connect() as connection:
            whole, faults = read_records(connection, [number])
        if faults:
            fault = {view.columns["id"][row].tobytes(): faults[number]}
            self.damaged.note(fault)
            raise RowDamaged(self._path, fault_note(*fault.popitem()))
        return placement.placed(view, row, whole[number].experience)

    def _asked(self, connection: Connection, view: View, query: Query) -> Asked:
        own = meanings(query)
        tried = conditions(view, query)
        fitting, kept = wanted(view, tried)
        excluded = -1
        choices: list[Meaning] = []
        if query.example_id:
            number, of_example = example_meanings(connection, id_bytes(query.example_id))
            known = placement.numbered(view, number)
            if known is not None:
                excluded = known
                fitting[known] = False
            own.append(of_example[0])
            choices = of_example[1:] if len(own) == 1 else []
        if own:
            choices = [own[0], *alternatives(query, own[0]), *choices]
        evidence = evidence_of(connection, view, query)
        if evidence is not None and own:
            texts = int(np.count_nonzero(fitting & comparable(view, own[0])))
            evidence = replace(evidence, relevance=query.relevance, texts=texts)
        return Asked(
            own, choices, tried, fitting, kept, excluded, evidence, newest_first=query.newest_first
        )

    def _whole_answers(
        self, connection: Connection, view: View, query: Query, asked: Asked, source: RowSource
    ) -> list[Answer]:
        """As many as there are, none of a damaged row; these are noted in `source`."""
        while True:
            hits, covering = self._grouped_hits(connection, view, query, asked, source)
            numbers = view.columns["number"][[hit.row for hit in hits]].tolist()
            embeddings = _embeddings(connection, numbers) if query.with_embedding else {}
            records, faults = read_records(connection, numbers, embeddings)
            if not faults:
                found = [records[number] for number in numbers]
                hits = self._explained(connection, query, asked, found, hits)
                shown = self._shown(connection, found, hits)
                return self._answers(found, hits, covering, shown, asked.evidence is not None)
            for number, hit in zip(numbers, hits, strict=True):
                if number in faults:
                    asked.wanted[hit.row] = False
                    asked.left_out.append(hit.row)
                    source.faults[view.columns["id"][hit.row].tobytes()] = faults[number]
            if len(source.faults) > MOST_NAMED:
                first = fault_note(*next(iter(source.faults.items())))
                raise StoreDamaged(
                    self._path, f"{len(source.faults)} experiences, one of them: {first}"
                )

    def _explained(
        self,
        connection: Connection,
        query: Query,
        asked: Asked,
        records: list[Record],
        hits: list[Hit],
    ) -> list[Hit]:
        """Hits with what was recognised before what was said, as far as each counts."""
        if asked.evidence is None:
            return hits
        evidence = asked.evidence
        seen = labels_of(connection, [experience.id for _, experience in records])
        explained = []
        for (row, experience), hit in zip(records, hits, strict=True):
            shown = label_parts(seen.get(experience.id, ()), query.labels, self._sense(row))
            said = [
                part for part in hit.parts if not shown or evidence.of_words(part.score) >= LEAST
            ]
            explained.append(hit._replace(parts=(*shown, *said)))
        return explained

    def _shown(
        self, connection: Connection, records: list[Record], hits: list[Hit]
    ) -> dict[bytes, tuple[str, ...]]:
        """By id what was recognised in those with which nothing was compared."""
        pairs = zip(records, hits, strict=True)
        rows = {record.experience.id: record.row for record, hit in pairs if not hit.parts}
        seen = labels_of(connection, list(rows)) if rows else {}
        return {key: shown_names(found, self._sense(rows[key])) for key, found in seen.items()}

    def _sense(self, row: Any) -> str:
        return "heard" if self.specs[row.modality].payload == "sound" else "seen"

    def _grouped_hits(
        self, connection: Connection, view: View, query: Query, asked: Asked, source: RowSource
    ) -> Found:
        """Hits and what covers them; of a summary and what it covers only the best one."""
        limit = query.limit
        while True:
            hits = find(view, asked, limit, source)
            if not view.summarised:
                return Found(hits, {})
            ids = [view.columns["id"][hit.row].tobytes() for hit in hits]
            covering = summaries_of(connection, ids)
            if query.covered:
                return Found(hits, covering)
            first = [hits[place] for place in heads(ids, covering)]
            if len(first) >= query.limit or len(hits) < limit:
                return Found(first[: query.limit], covering)
            limit *= 2

    def _answers(
        self,
        records: list[Record],
        hits: list[Hit],
        covering: dict[bytes, bytes],
        shown: dict[bytes, tuple[str, ...]],
        fused: bool,
    ) -> list[Answer]:
        answers = []
        for rank, ((row, experience), hit) in enumerate(zip(records, hits, strict=True), start=1):
            path, note = self._payload(row.payload_sha256, row.payload_media_type)
            summary = covering.get(experience.id, b"")
            speaks = bool(row.text) and self.specs[row.modality].words
            similar = hit.parts[-1].score if fused and hit.parts else hit.score  # words are last
            why = reason(row, similar, hit.parts, summary, speaks, shown.get(experience.id, ()))
            answers.append(
                made(
                    Answer,
                    experience=experience,
                    score=hit.score,
                    reason=why,
                    payload_path=path,
                    payload_note=note,
                    rank=rank,
                    parts=hit.parts,
                    summary_id=summary,
                )
            )
        return answers

    def _payload(self, sha256: str, media_type: str) -> tuple[Path | None, str]:
        if not sha256:
            return None, "no payload was kept"
        try:
            path = self.files.find(sha256, media_type)
        except PayloadDamaged as error:
            return None, str(error)
        except OSError as error:
            return None, f"the payload cannot be read: {error}"
        if path is not None:
            return path, ""
        lost = self.files.path(sha256, media_type)
        return None, f"the payload is gone (evicted to stay under the cap, or lost): {lost}"


def _embeddings(connection: Connection, numbers: list[int]) -> dict[bytes, NDArray[np.float32]]:
    """Of the percepts, by id; one that is damaged is left out."""
    found = {}
    for key, encoding, dim, blob in PERCEPTS.rows(connection, numbers):
        with suppress(InvalidInput):
            found[bytes(key)] = decode(encoding, dim, blob)
    return found
