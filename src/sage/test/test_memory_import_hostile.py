"""An export that was made to do harm is refused before anything is written, or does none."""

from __future__ import annotations

import base64
import json
import math
import shutil
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import memory_homes as homes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_exports import contents, read, write
from test_memory_export_damaged import changed_manifest, resign

from sage.memory.exports.checking import ONCE
from sage.memory.exports.earlier import checksum
from sage.memory.exports.formats import FORMATS
from sage.memory.exports.json_files import _value
from sage.memory.exports.manifest import ExportRefused
from sage.memory.exports.rules import MAX_NUMBER, RULES
from sage.memory.exports.tables import TABLES, kind_of
from sage_common.core.clock import ManualClock
from sage_memory import Memory, Query
from sage_memory.core.engine import schema
from sage_memory.core.places.named_place import named_at
from sage_memory.core.sleep.options import SleepOptions

FAR = 2**63 - 1
UUID7 = "018bcfe5-6800-7000-8000-00000000000f"
WHOLES = st.sampled_from([-5, -1, 0, 1, 2, 2**31 - 1, 2**31, MAX_NUMBER, FAR]) | st.integers(-9, 9)
NUMBERS = st.sampled_from([-1.0, -0.0, 0.5, 1.0, 1.0 + 1e-9, 1e308, math.inf, math.nan, 5e-324])
TEXTS = st.sampled_from(
    ["", "x", "../victim/name", "a/b", "\x00", "x" * 129, "y" * 16385, "ab" * 32, "AB" * 32,
     "vision", "running", "done", "undone", "everything", "words", "i8", "speaker:", "image/webp",
     "{}", "[" * 100_000, '{"vision": [1e999, 0, 0, 0, 0]}', '{"vision": 3}', "percept",
     "rolled back"]
)  # fmt: skip
BLOBS = st.sampled_from(
    [b"", b"\x00", b"x" * 16, bytes(36), zlib.compress(bytes(899)), zlib.compress(bytes(900)),
     zlib.compress(b"\x0a" * 900), zlib.compress(bytes(10**8)), np.full(4, np.nan).tobytes(),
     np.ones(4).tobytes(), bytes(288), b'{"row": {}, "blobs": {}, "vectors": []}\n',
     b'{"row": {"id": "x"}, "blobs": {}, "vectors": []}\n', b"\xff\xff\xff\xff"]
)  # fmt: skip
HOSTILE = {"integer": WHOLES, "number": NUMBERS, "text": TEXTS, "bytes": BLOBS, "id": BLOBS}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Exports in both formats of a store that has slept, and has a row in every table."""
    folder = tmp_path_factory.mktemp("hostile")
    clock = ManualClock(homes.START_NS)
    homes.made_home(folder / "home")
    with Memory.open(folder / "home", clock=clock) as memory:
        twins = [
            homes.experience(100, start_ns=homes.START_NS + k, total=0.1, text="the same")
            for k in range(5)
        ]
        kept = [memory.remember(one).result() for one in twins]
        memory.learn_about(kept[0], 3600.0)
        memory.label(kept[0].id, homes.SEEN, homes.CLASSES).result()
        memory.name_place(named_at("kitchen", "map", (0.0, 0.0, 0.0), 0.1, 5)).result()
        memory.teach(homes.MY_CUP).result()
        clock.advance_to(homes.START_NS + 10**12)
        assert memory.sleep(SleepOptions(target_share=0.05)).run_id
        memory.pin(memory.recall(Query(limit=1))[0].experience.id, True).result()
    for encoding in FORMATS:
        if encoding == "parquet":
            pytest.importorskip("pyarrow", reason="requirements/memory.in is not installed")
        write(folder / "home", folder / encoding, encoding)
    rows = json.loads((folder / "jsonl" / "manifest.json").read_text())["rows"]
    assert all(rows.values()), rows
    yield folder
    shutil.rmtree(folder)


def changed_json(folder: Path, table: str, place: int, column: str, value: Any) -> None:
    path = folder / f"{table}.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    shown = base64.b64encode(value).decode() if isinstance(value, bytes) else value
    row = rows[place % len(rows)]
    row[column] = shown
    if table == "experiences" and column != "crc32":  # whoever does harm sets it as well
        with suppress(ValueError, KeyError, TypeError, AttributeError, OverflowError):
            row["crc32"] = checksum(
                {name: _value(kind_of(schema.experiences.c[name]), row[name]) for name in row}
            )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    resign(folder, path.name)


def changed_parquet(folder: Path, table: str, place: int, column: str, value: Any) -> None:
    import pyarrow.parquet

    path = folder / f"{table}.parquet"
    found = pyarrow.parquet.read_table(path)
    rows = found.to_pylist()
    row = rows[place % len(rows)]
    row[column] = value
    if table == "experiences" and column != "crc32":
        row["crc32"] = checksum(row)
    fields = [field.with_nullable(True) for field in found.schema]
    changed = pyarrow.Table.from_pylist(rows, schema=pyarrow.schema(fields))
    pyarrow.parquet.write_table(changed, path)
    resign(folder, path.name)


CHANGED = {"jsonl": changed_json, "parquet": changed_parquet}


def works(home: Path) -> None:
    """The store opens, verifies, recalls, sleeps, forgets and remembers."""
    clock = ManualClock(homes.START_NS + 2 * 10**12)
    with Memory.open(home, clock=clock) as memory:
        assert not [one for one in memory.inspect() if one.serious]
        answers = memory.recall(Query(limit=100, covered=True, with_embedding=True))
        for answer in answers:
            memory.payload(answer.experience)
        memory.recall(Query(example=np.ones(16, np.float32), example_encoder_id="vision-1-abc"))
        memory.recall(Query(example_codes=np.zeros((30, 30), np.uint8)))
        memory.sleep(SleepOptions(target_share=0.05))
        memory.forget([answers[0].experience.id], "asked to").result()
        memory.remember(homes.experience(200)).result()
    with Memory.open(home, clock=clock) as memory:
        assert not [one for one in memory.inspect() if one.serious]


@pytest.mark.parametrize("encoding", FORMATS)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_value_is_refused_by_name_or_does_no_harm(
    tmp_path_factory: pytest.TempPathFactory, exported: Path, encoding: str, data: st.DataObject
) -> None:
    table = data.draw(st.sampled_from(sorted(TABLES)))
    column = data.draw(st.sampled_from(sorted(TABLES[table].columns.keys())))
    value = data.draw(st.none() | HOSTILE[kind_of(TABLES[table].columns[column])])
    place = data.draw(st.integers(0, 10))
    folder = tmp_path_factory.mktemp("mutated")
    shutil.copytree(exported / encoding, folder / "export")
    if encoding == "parquet" and kind_of(TABLES[table].columns[column]) == "id":
        value = None if value is None else bytes(value)[:16].ljust(16, b"\x00")
    CHANGED[encoding](folder / "export", table, place, column, value)
    try:
        read(folder / "new", folder / "export")
    except ExportRefused as refused:
        told = str(refused)
        assert table in told and "expected" in told, told
        assert not (folder / "new").exists()
    else:
        works(folder / "new")
    shutil.rmtree(folder)


TOLD: dict[str, tuple[str, str, Any, str]] = {
    "a path": ("payloads", "sha256", "../victim/name", "payloads.sha256"),
    "a path of an experience": ("experiences", "payload_sha256", "../x", "64 hexadecimal digits"),
    "a number": ("experiences", "number", -5, "experiences.number = -5: expected an integer"),
    "a puzzle": ("experiences", "codes", b"no", "experiences.codes = b'no': expected 900 codes"),
    "a bomb": ("experiences", "codes", zlib.compress(bytes(10**8)), "expected 900 codes"),
    "a total": ("experiences", "total", 1e308, "experiences.total = 1e+308: expected a number"),
    "a stamp": ("experiences", "start_ns", -1, "experiences.start_ns = -1"),
    "covers": ("experiences", "covers", -1, "experiences.covers = -1"),
    "covers of nothing": ("experiences", "covers", 3, "0: no row of summary_members"),
    "a long text": ("experiences", "text", "x" * 5_000_000, "a text of 0 to 16384 characters"),
    "a surrogate": ("experiences", "text", "\ud800", "valid UTF-8"),
    "true": ("experiences", "pinned", True, "experiences.pinned = True"),
    "a huge number": ("experiences", "total", 10**400, "experiences.total"),
    "an id": ("experiences", "id", "ff" * 16, "experiences.id"),
    "a clock": ("clocks", "stamp", FAR, "clocks.stamp"),
    "a field": ("clocks", "field", "total", "clocks.field"),
    "a role": ("vectors", "role", "smell", "vectors.role"),
    "labels": ("labels", "labels", b"no", "labels.crc32"),
    "a model": ("labels", "vocabulary", 9, "a number in the vocabularies of this export"),
    "names": ("vocabularies", "names", zlib.compress(b'["x"]'), "vocabularies.crc32"),
    "a radius": ("places", "radius_m", 0.0, "radius_m"),
    "a far place": ("places", "x", 1e300, "places.x"),
    "a place's name": ("places", "name", "The Kitchen", "name"),
    "a word": ("taught_words", "word", "My  Cup", "word"),
    "examples": ("taught_words", "examples", b"no", "examples"),
    "other examples": ("taught_words", "features_by", "other-1", "crc32"),
    "a kind": ("taught_words", "kind", "smell", "taught_words.kind"),
    "a run": ("consolidation_runs", "report", "[]", "consolidation_runs.report"),
    "a deep run": ("consolidation_runs", "report", "[" * 100_000, "consolidation_runs.report"),
    "a deep context": ("experiences", "context", "[" * 100_000, "experiences.context"),
    "a copy": ("forgettings", "saved", b"no", "forgettings.saved"),
    "an entity": ("entities", "name", "anna", "KIND:NAME"),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_is_wrong_is_told(tmp_path: Path, exported: Path, name: str) -> None:
    table, column, value, told = TOLD[name]
    shutil.copytree(exported / "jsonl", tmp_path / "export")
    if name == "a surrogate":
        path = tmp_path / "export" / f"{table}.jsonl"
        path.write_text(path.read_text().replace("the same", "\\ud800"))
        resign(tmp_path / "export", path.name)
    else:
        changed_json(tmp_path / "export", table, 0, column, value)
    with pytest.raises(ExportRefused) as refused:
        read(tmp_path / "new", tmp_path / "export")
    assert told in str(refused.value)
    assert not (tmp_path / "new").exists()


def test_what_is_refused_leaves_a_store_as_it_was(tmp_path: Path, exported: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "export"
    shutil.copytree(exported / "home", home)
    before = contents(home)
    shutil.copytree(exported / "jsonl", folder)
    changed_json(folder, "payloads", 0, "sha256", "../victim/name")
    with pytest.raises(ExportRefused):
        read(home, folder, merge=True)
    assert contents(home) == before


def test_a_vector_of_another_size_than_the_stores_is_not_merged(tmp_path: Path) -> None:
    homes.made_home(tmp_path / "home")
    with Memory.open(tmp_path / "other", rng=np.random.default_rng(8)) as memory:
        memory.remember(homes.experience(0, embedding=np.ones(8, np.float32))).result()
    write(tmp_path / "other", tmp_path / "export", "jsonl")
    with pytest.raises(ValueError, match=r"vectors.dim = 8: expected 16, as all of vision-1-abc"):
        read(tmp_path / "home", tmp_path / "export", merge=True)
    works(tmp_path / "home")


def _payload_file(folder: Path) -> Path:
    return next((folder / "payloads").glob("*/*"))


def _swapped(folder: Path) -> None:
    path = _payload_file(folder)
    path.write_bytes(b"something else")
    resign(folder, path.relative_to(folder).as_posix())


def _unnamed(folder: Path) -> None:
    path = _payload_file(folder).with_name(f"{'ab' * 32}.webp")
    path.write_bytes(b"x")
    resign(folder, path.relative_to(folder).as_posix())


def _another_size(folder: Path) -> None:
    changed_json(folder, "payloads", 0, "bytes", 7)


def _missing(folder: Path) -> None:
    path = _payload_file(folder).relative_to(folder).as_posix()
    changed_manifest(folder, lambda content: content["files"].pop(path))


def _fact(name: str, value: Any):
    return lambda folder: changed_manifest(folder, lambda c: c["facts"].update({name: value}))


def _deep_line(folder: Path) -> None:
    path = folder / "experiences.jsonl"
    path.write_text(path.read_text() + "[" * 100_000 + "\n")
    resign(folder, path.name)


def _compressed(folder: Path) -> None:
    path = folder / "vectors-00000.npz"
    with np.load(path) as arrays:
        np.savez_compressed(path, allow_pickle=False, **dict(arrays))
    resign(folder, path.name)


def _twice(folder: Path) -> None:
    path = folder / "summary_members.jsonl"
    path.write_text(path.read_text() * 2)
    resign(folder, path.name)


FOLDERS = {
    "payload of another content": (_swapped, "expected content of its name's"),
    "payload without a row": (_unnamed, "expected a row of payloads"),
    "payload of another size": (
        _another_size,
        "payloads.jsonl: row 1: payloads.bytes = 7: expected 288, as its file has",
    ),
    "payload without a file": (_missing, "payloads_missing = 0: expected 1, as found"),
    "no device": (_fact("device_id", ""), "facts.device_id"),
    "another fact": (_fact("schema_version", "99"), "facts = "),
    "an instance that is none": (_fact("instances", "radio"), "instances = 'radio'"),
    "a private place without a name": (_fact("private_places", "kitchen\n..."), "name = "),
    "a clock that is none": (_fact("clock", "١"), "facts.clock"),
    "a clock at its end": (_fact("clock", str(FAR)), "facts.clock"),
    "deep JSON": (_deep_line, "experiences.jsonl: line 13: row = '[[["),
    "deep manifest": (lambda f: (f / "manifest.json").write_text("[" * 100_000), "not readable"),
    "compressed vectors": (_compressed, "expected plain arrays"),
    "a row twice": (_twice, "summary_members.summary_id, member_id"),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_lies_is_refused(tmp_path: Path, exported: Path, name: str) -> None:
    damage, told = FOLDERS[name]
    shutil.copytree(exported / "jsonl", tmp_path / "export")
    damage(tmp_path / "export")
    with pytest.raises(ExportRefused) as refused:
        read(tmp_path / "new", tmp_path / "export")
    assert told in str(refused.value)
    assert not (tmp_path / "new").exists()


def test_every_column_has_a_rule_and_every_key_is_proven() -> None:
    for name, table in TABLES.items():
        assert RULES[name].keys() == set(table.columns.keys()), name
        unique = [tuple(index.columns.keys()) for index in table.indexes if index.unique]
        unique += [(column.name,) for column in table.columns if column.unique]
        keys = {tuple(table.primary_key.columns.keys()), *unique}
        assert keys <= set(ONCE[name]), name
    assert TABLES.keys() == RULES.keys()
    assert schema.meta.name not in TABLES
