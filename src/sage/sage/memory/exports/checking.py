"""Proof of an export before anything of it is written: each row, and all of them together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from sage.memory.exports.earlier import checksum, completed, exported_table, with_present_tables
from sage.memory.exports.formats import TableFiles, table_files
from sage.memory.exports.labels import check_label_row
from sage.memory.exports.manifest import ExportRefused, Manifest, check_files, read_manifest
from sage.memory.exports.row_checks import check, vectors_in
from sage.memory.exports.rules import CLOCK, DEVICE, STAMP_NS, check_value
from sage.memory.exports.tables import FACTS, TABLES, Row
from sage_common.core.errors import InvalidInput
from sage_memory.core.engine import schema
from sage_memory.core.labels.packing import unpack_names
from sage_memory.core.payloads import EXTENSIONS
from sage_memory.core.places.named_place import plain_name
from sage_memory.core.places.private import FACT as PRIVATE_PLACES
from sage_memory.core.store.modality_facts import FACT as INSTANCES
from sage_memory.core.store.modality_facts import merged_instances

FIRST_EXPORTED = 2
"""Schema of the first exports."""
ONCE: dict[str, tuple[tuple[str, ...], ...]] = {
    "payloads": (("sha256",),),
    "experiences": (("number",), ("id",)),
    "vectors": (("number",), ("experience_id", "encoder_id", "role")),
    "vocabularies": (("number",), ("model_id",)),
    "labels": (("number",), ("experience_id", "vocabulary")),
    "clocks": (("experience_id", "field"),),
    "summary_members": (("summary_id", "member_id"),),
    "consolidation_runs": (("id",),),
    "forgettings": (("number",),),
    "entities": (("name",),),
    "places": (("name",),),
    "taught_words": (("word", "kind"),),
}
"""Columns of which no two rows of a table have the same values."""
OWNED = {
    "vectors": ("experience_id",),
    "labels": ("experience_id",),
    "clocks": ("experience_id",),
    "summary_members": ("summary_id", "member_id"),
}
"""Columns that name an experience of the export."""


@dataclass(frozen=True)
class Checked:
    """An export that was proven whole.

    Attributes:
        folder: where it is.
        manifest: what it holds.
        files: how its tables are read.
        identifiers: ids of its experiences.
        sizes: encoder id -> size of its vectors, those that undoing restores among them.
        payload_names: hash -> name of the file.
        clock: the newest stamp of its logical clock.
    """

    folder: Path
    manifest: Manifest
    files: TableFiles
    identifiers: frozenset[bytes]
    sizes: dict[str, int]
    payload_names: dict[str, str]
    clock: int

    def rows(self, table: Table) -> Iterator[list[Row]]:
        """The rows of a table, in groups."""
        return read_table(self.files, self.folder, self.manifest, table)


def check_export(folder: Path) -> Checked:
    """Prove an export: manifest, files and checksums, columns, rows, vectors, and references.

    Raises:
        ExportRefused: it is no whole export, or of a later version; the place is named.
        RuntimeError: the library of its format is not installed.
    """
    manifest = read_manifest(folder)
    if manifest.schema_version > schema.SCHEMA_VERSION:
        raise ExportRefused(
            folder,
            f"schema version {manifest.schema_version}, this version of SAGE knows up to "
            f"{schema.SCHEMA_VERSION}; update SAGE",
        )
    if manifest.schema_version < FIRST_EXPORTED:
        raise ExportRefused(folder, f"schema version {manifest.schema_version} was never exported")
    try:
        files = table_files(manifest.encoding)
        clock = _check_facts(manifest)
    except InvalidInput as error:
        raise ExportRefused(folder, f"manifest: {error}") from None
    manifest = with_present_tables(manifest)
    if manifest.tables.keys() != TABLES.keys() or manifest.rows.keys() != TABLES.keys():
        raise ExportRefused(folder, f"expected the tables {', '.join(TABLES)}")
    check_files(folder, manifest)
    seen = _Seen()
    for table in TABLES.values():
        rows = read_table(files, folder, manifest, table)
        _check_table(folder, manifest, table, rows, seen)
    names = _check_payloads(folder, manifest, seen.payloads)
    if seen.empty:
        summary = min(seen.empty)
        expected = "0: no row of summary_members links a moment to it"
        error = InvalidInput(
            f"experiences.covers of {summary.hex()}", seen.covers[summary], expected
        )
        raise ExportRefused(folder, str(error))
    return Checked(
        folder=folder,
        manifest=manifest,
        files=files,
        identifiers=frozenset(seen.covers),
        sizes=seen.sizes,
        payload_names=names,
        clock=max(clock, seen.clock),
    )


def read_table(
    files: TableFiles, folder: Path, manifest: Manifest, table: Table
) -> Iterator[list[Row]]:
    """The rows of a table as the present schema has them, in groups."""
    version = manifest.schema_version
    exported = exported_table(table, version)
    for rows in files.read(folder, exported, manifest.tables[table.name]):
        yield completed(table, rows, version)


def _check_facts(manifest: Manifest) -> int:
    """Prove the facts; the logical clock."""
    facts = manifest.facts
    if facts.keys() - {INSTANCES, PRIVATE_PLACES} != set(FACTS):
        expected = f"exactly {sorted(FACTS)}, and maybe {INSTANCES} and {PRIVATE_PLACES}"
        raise InvalidInput("facts", sorted(facts), expected)
    check_value("facts.device_id", facts["device_id"], DEVICE)
    merged_instances(facts.get(INSTANCES, "").splitlines(), ())
    for name in facts.get(PRIVATE_PLACES, "").splitlines():
        plain_name(name)
    numbers = {}
    for name, rule in (("created_ns", STAMP_NS), ("clock", CLOCK)):
        written = facts[name].isascii() and facts[name].isdigit() and len(facts[name]) < 20
        numbers[name] = int(facts[name]) if written else -1
        if not rule.holds(numbers[name]):
            raise InvalidInput(f"facts.{name}", facts[name], rule.expected)
    return numbers["clock"]


@dataclass
class _Seen:
    """What the rows that were proven so far hold.

    Attributes:
        covers: id of an experience -> how many moments it says that it covers.
        empty: summaries of which no link was seen.
        sizes: encoder id -> size of its vectors.
        payloads: hash -> media type and bytes, in the order of the rows.
        vocabularies: number -> model, and how many classes it has.
        clock: the newest stamp.
    """

    covers: dict[bytes, int] = field(default_factory=dict)
    empty: set[bytes] = field(default_factory=set)
    sizes: dict[str, int] = field(default_factory=dict)
    payloads: dict[str, tuple[str, int]] = field(default_factory=dict)
    vocabularies: dict[int, tuple[str, int]] = field(default_factory=dict)
    clock: int = 0


def _check_table(
    folder: Path, manifest: Manifest, table: Table, groups: Iterator[list[Row]], seen: _Seen
) -> None:
    count = 0
    keys: list[set[tuple[Any, ...]]] = [set() for _ in ONCE[table.name]]
    for rows in groups:
        for row in rows:
            count += 1
            try:
                check(table, row)
                _check_once(table, row, keys)
                _check_references(table, row, seen)
            except InvalidInput as error:
                where = folder / manifest.tables[table.name][0]
                raise ExportRefused(where, f"row {count}: {error}") from None
    if count != manifest.rows[table.name]:
        found = f"{count} rows of {table.name}, the manifest says {manifest.rows[table.name]}"
        raise ExportRefused(folder, found)


def _check_once(table: Table, row: Row, keys: list[set[tuple[Any, ...]]]) -> None:
    for names, known in zip(ONCE[table.name], keys, strict=True):
        key = tuple(row[name] for name in names)
        if key in known:
            shown = [part.hex() if isinstance(part, bytes) else part for part in key]
            raise InvalidInput(f"{table.name}.{', '.join(names)}", shown, "each once")
        known.add(key)


def _check_references(table: Table, row: Row, seen: _Seen) -> None:
    for column in OWNED.get(table.name, ()):
        if row[column] not in seen.covers:
            field = f"{table.name}.{column}"
            raise InvalidInput(field, row[column].hex(), "an experience of this export")
    for vector in vectors_in(table, row):
        size = seen.sizes.setdefault(vector["encoder_id"], vector["dim"])
        if vector["dim"] != size:
            expected = f"{size}, as all of {vector['encoder_id']}"
            raise InvalidInput("vectors.dim", vector["dim"], expected)
    note = NOTES.get(table.name)
    if note is not None:
        note(row, seen)


def _note_experience(row: Row, seen: _Seen) -> None:
    if row["crc32"] != checksum(row):
        raise InvalidInput("experiences.crc32", row["crc32"], f"{checksum(row)}, of its row")
    seen.covers[row["id"]] = row["covers"]
    if row["covers"]:
        seen.empty.add(row["id"])


def _note_vocabulary(row: Row, seen: _Seen) -> None:
    seen.vocabularies[row["number"]] = row["model_id"], len(unpack_names(row["names"]))


def _note_labels(row: Row, seen: _Seen) -> None:
    if row["vocabulary"] not in seen.vocabularies:
        expected = "a number in the vocabularies of this export"
        raise InvalidInput("labels.vocabulary", row["vocabulary"], expected)
    check_label_row(row, *seen.vocabularies[row["vocabulary"]])


def _note_link(row: Row, seen: _Seen) -> None:
    summary, member = row["summary_id"], row["member_id"]
    for role, key, expected in (("summary_id", summary, True), ("member_id", member, False)):
        if bool(seen.covers[key]) != expected:
            field = f"experiences.covers of summary_members.{role}"
            meaning = "1 or more: a summary" if expected else "0: a moment"
            raise InvalidInput(field, seen.covers[key], meaning)
    seen.empty.discard(summary)


def _note_payload(row: Row, seen: _Seen) -> None:
    seen.payloads[row["sha256"]] = row["media_type"], row["bytes"]


def _note_clock(row: Row, seen: _Seen) -> None:
    seen.clock = max(seen.clock, row["stamp"])


NOTES: dict[str, Callable[[Row, _Seen], None]] = {
    "payloads": _note_payload,
    "experiences": _note_experience,
    "vocabularies": _note_vocabulary,
    "labels": _note_labels,
    "clocks": _note_clock,
    "summary_members": _note_link,
}


def _check_payloads(
    folder: Path, manifest: Manifest, rows: dict[str, tuple[str, int]]
) -> dict[str, str]:
    """Prove the payload files against their rows; hash -> name of the file."""
    expected = {
        f"payloads/{sha256[:2]}/{sha256}.{EXTENSIONS.get(media_type, 'bin')}": sha256
        for sha256, (media_type, _) in rows.items()
    }
    found: dict[str, str] = {}
    for name, (_, digest) in manifest.files.items():
        if not name.startswith("payloads/"):
            continue
        sha256 = expected.get(name)
        if sha256 is None:
            raise ExportRefused(folder / name, "expected a row of payloads that names this file")
        if digest != sha256:
            raise ExportRefused(folder / name, f"SHA-256 {digest}: expected content of its name's")
        found[sha256] = name
    for number, (sha256, (_, size)) in enumerate(rows.items(), start=1):
        held = manifest.files[found[sha256]][0] if sha256 in found else size
        if held != size:
            error = InvalidInput("payloads.bytes", size, f"{held}, as its file has")
            raise ExportRefused(folder / manifest.tables["payloads"][0], f"row {number}: {error}")
    missing = len(rows) - len(found)
    if missing != manifest.payloads_missing:
        error = InvalidInput("payloads_missing", manifest.payloads_missing, f"{missing}, as found")
        raise ExportRefused(folder, f"manifest: {error}")
    return found
