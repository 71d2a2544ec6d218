"""Proof that the columns of one row of an export agree with each other, and that blobs hold what
the store would have written."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
from sqlalchemy import Table

from sage.memory.exports.labels import check_vocabulary_row
from sage.memory.exports.rules import (
    MAX_NUMBER,
    MAX_PAYLOAD_BYTES,
    RULES,
    SHARE,
    check_row,
    check_value,
    whole,
)
from sage.memory.exports.tables import Row
from sage.memory.exports.vectors import check_vector
from sage_common.core.errors import InvalidInput
from sage_memory.core.engine import schema
from sage_memory.core.experience import MAX_STAMP_NS
from sage_memory.core.places.rows import place_of
from sage_memory.core.rows.rows import sketch, unpack_puzzle
from sage_memory.core.sleep.changes.run_record import DONE, RUNNING, RunRecord
from sage_memory.core.sleep.options import checked
from sage_memory.core.sleep.records import forgetting_list, saved_copy
from sage_memory.core.sleep.report import ConsolidationReport
from sage_memory.core.store.entities import named
from sage_memory.core.taught.rows import word_of

UNREADABLE = (
    ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError,
    zlib.error, struct.error,
)  # fmt: skip
"""What a reader of a blob or of JSON raises that is none of the expected form."""
PLACE = ("place_frame", "place_x", "place_y", "place_z", "place_orientation")


def check(table: Table, row: Row) -> None:
    """Prove a row: every column, and all of them together.

    Raises:
        InvalidInput: names table and column, the value, and what was expected.
    """
    check_row(table, row)
    more = CHECKS.get(table.name)
    if more is not None:
        more(row)


def vectors_in(table: Table, row: Row) -> list[Row]:
    """Rows of the vectors that a proven row holds: its own, or in the copy of what was evicted."""
    if table is schema.vectors:
        return [row]
    if table is schema.forgettings and _is_copy(row):
        return saved_copy.unpack(row["saved"])[1]
    return []


def _experience(row: Row) -> None:
    if row["start_ns"] > row["end_ns"]:
        span = (row["start_ns"], row["end_ns"])
        raise InvalidInput("experiences.start_ns, end_ns", span, "start_ns <= end_ns")
    _check_puzzle("experiences", row["codes"], row["sketch"])
    there = [row[name] is not None for name in PLACE]
    if any(there) != all(there):
        raise InvalidInput("experiences.place", there, f"all of {', '.join(PLACE)}, or none")
    if (row["payload_sha256"] == "") != (row["payload_media_type"] == ""):
        pair = (row["payload_sha256"], row["payload_media_type"])
        raise InvalidInput("experiences.payload", pair, "hash and media type, or neither")


def _check_puzzle(table: str, codes: bytes, drawn: bytes) -> None:
    """Prove that packed codes are a puzzle, and which sums of blocks it has."""
    if not codes:
        if drawn:
            raise InvalidInput(f"{table}.sketch", drawn, "nothing, as there is no puzzle")
        return
    try:
        puzzle = unpack_puzzle(codes)
    except InvalidInput as error:
        raise InvalidInput(f"{table}.codes", codes, error.expected) from None
    if sketch(puzzle).tobytes() != drawn:
        raise InvalidInput(f"{table}.sketch", drawn, "the sums of the blocks of its puzzle")


def _run(row: Row) -> None:
    if row["state"] not in (DONE, RUNNING):
        return  # its report is read no more
    try:
        if row["state"] == RUNNING:
            _check_record(RunRecord.of_row(row))
        else:
            _check_report(ConsolidationReport.of_json(row["report"]))
    except InvalidInput as error:
        raise InvalidInput(
            f"consolidation_runs.report.{error.field}", error.value, error.expected
        ) from None
    except UNREADABLE:
        raise InvalidInput(
            "consolidation_runs.report", row["report"], "the report of a run"
        ) from None


def _check_record(record: RunRecord) -> None:
    checked(record.options)
    for name in ("horizon", "bytes_before", "target_bytes"):
        most = MAX_NUMBER if name == "horizon" else MAX_STAMP_NS
        check_value(name, getattr(record, name), whole(0, most))
    for name in ("salient", "all"):
        check_value(f"before.{name}", getattr(record.before, name), SHARE)
    for question in record.questions:
        key = len(question.identifier)
        if key != forgetting_list.ID_BYTES or not np.isfinite(question.vector).all():
            raise InvalidInput("questions", key, "ids of 16 bytes and finite vectors")
        check_value("questions", question.encoder_id, RULES["vectors"]["encoder_id"])


def _check_report(report: ConsolidationReport) -> None:
    for field in fields(report):
        value = getattr(report, field.name)
        if type(value) is not type(field.default):
            expected = f"of type {type(field.default).__name__}"
            raise InvalidInput(field.name, value, expected)
        if type(value) is int:
            check_value(field.name, value, whole(0, MAX_PAYLOAD_BYTES * 2**10))
        if type(value) is float:
            check_value(field.name, value, SHARE)


def _forgetting(row: Row) -> None:
    blob = row["saved"]
    if blob is None:
        return
    try:
        if row["undo_until_ns"] is None:
            forgetting_list.unpack(blob)
        else:
            _check_copy(*saved_copy.unpack(blob))
    except InvalidInput as error:
        raise InvalidInput(
            f"forgettings.saved.{error.field}", error.value, error.expected
        ) from None
    except UNREADABLE:
        raise InvalidInput("forgettings.saved", blob, "what undoing a sleep needs") from None


def _is_copy(row: Row) -> bool:
    return row["saved"] is not None and row["undo_until_ns"] is not None


def _check_copy(row: Row, vectors: list[Row]) -> None:
    """Prove what a run evicted: columns of an experience, and vectors."""
    known = {*saved_copy.COLUMNS, *saved_copy.BLOBS}
    if not row.keys() <= known:
        raise InvalidInput("row", sorted(row.keys() - known), f"only {sorted(known)}")
    for name, value in row.items():
        if value is not None or not schema.experiences.c[name].nullable:
            check_value(name, value, RULES["experiences"][name])
    if ("codes" in row) != ("sketch" in row):
        raise InvalidInput("row", sorted(row), "codes and sketch, or neither")
    if "codes" in row:
        _check_puzzle("row", row["codes"], row["sketch"])
    pairs = [(vector["encoder_id"], vector["role"]) for vector in vectors]
    if len(pairs) != len(set(pairs)):
        raise InvalidInput("vectors", pairs, "one of each encoder and role")
    for vector in vectors:
        for name, value in vector.items():
            check_value(f"vectors.{name}", value, RULES["vectors"][name])
        check_vector(vector)


def _entity(row: Row) -> None:
    kind = named(row["name"]).kind
    if kind != row["kind"]:
        raise InvalidInput("entities.kind", row["kind"], f"{kind}, as its name begins")


CHECKS: dict[str, Callable[[Row], Any]] = {
    "experiences": _experience,
    "vectors": check_vector,
    "vocabularies": check_vocabulary_row,
    "consolidation_runs": _run,
    "forgettings": _forgetting,
    "entities": _entity,
    "places": place_of,
    "taught_words": word_of,
}
