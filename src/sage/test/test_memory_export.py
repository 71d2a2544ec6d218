"""Export and import: lossless, and the same bytes every time."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import memory_homes as homes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_exports import as_of_schema, contents, read, write
from sqlalchemy import Table, insert, select

from sage.memory.exports.exporting import export
from sage.memory.exports.formats import FORMATS, table_files
from sage.memory.exports.manifest import FILE_NAME
from sage_common.core.clock import ManualClock
from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Labels
from sage_memory import Memory, Payload, Query
from sage_memory.core.engine import schema
from sage_memory.core.payloads import EXTENSIONS
from sage_memory.core.places.named_place import named_at
from sage_memory.core.rows.changes import set_columns
from sage_memory.core.rows.encoded_vectors import encode_int8, vector_values
from sage_memory.core.sleep.records import saved_copy
from sage_memory.core.sleep.report import ConsolidationReport
from sage_memory.core.taught.examples import Example

RUN = UUID("018bcfe5-6800-7000-8000-000000000001").bytes
parametrized = pytest.mark.parametrize("encoding", FORMATS)


@pytest.fixture(autouse=True)
def _library(request: pytest.FixtureRequest) -> None:
    if "parquet" in request.node.name:
        pytest.importorskip("pyarrow", reason="requirements/memory.in is not installed")


def rows_of(table: Table):
    ordered = select(table).order_by(*table.primary_key.columns)
    return lambda connection: connection.execute(ordered).all()


def everything(home: Path, labels: Labels | None = homes.SEEN) -> None:
    """Give a store a row of every table: a tombstone, a run, a summary, an entity, int8."""
    with Memory.open(home, clock=ManualClock(homes.START_NS)) as memory:
        ids = [answer.experience.id for answer in memory.recall(Query(limit=100))]

        def write_all(connection) -> None:
            values = np.random.default_rng(0).normal(size=(1, 8)).astype(np.float32)
            (blob,) = encode_int8(values / np.linalg.norm(values))
            vector = vector_values(ids[0], "small-1", schema.ROLE_PERCEPT, 8, "i8", blob)
            connection.execute(insert(schema.vectors), [vector])
            pair = {"summary_id": ids[0], "member_id": ids[1]}
            connection.execute(insert(schema.summary_members), [pair])
            set_columns(connection, [ids[0]], {"covers": 1})
            run = {"id": RUN, "started_ns": 5, "state": "done", "cause": "idle"}
            run |= {"recall_before": 1 / 3, "report": ConsolidationReport(RUN).to_json()}
            connection.execute(insert(schema.runs), [run])
            gone = {"run_id": RUN, "experience_id": ids[1], "what": "text", "at_ns": 6}
            copy = saved_copy.pack({"text": "seen"}, [vector])
            rows = [gone | {"reason": "dull", "undo_until_ns": 7, "saved": copy}]
            connection.execute(insert(schema.forgettings), rows)
            entity = {
                "name": "speaker:anna",
                "kind": "speaker",
                "reward": -0.25,
                "coherence": 0.1 + 0.2,
            }
            entity |= {"conflict": 0.0, "trust": 1.0, "observations": 3, "last_ns": 9}
            connection.execute(insert(schema.entities), [entity])

        memory.change(write_all).result()
        if labels is not None:
            memory.name_place(named_at("kitchen", "map", (1.0, -2.0, 0.5), 0.1, 5)).result()
            memory.set_private("kitchen", True).result()
            memory.teach(homes.MY_CUP).result()
            memory.label(ids[1], labels, homes.CLASSES).result()


@parametrized
def test_a_round_trip_gives_the_same_bytes(tmp_path: Path, encoding: str) -> None:
    homes.made_home(tmp_path / "old")
    everything(tmp_path / "old")
    write(tmp_path / "old", tmp_path / "first", encoding)
    done = read(tmp_path / "new", tmp_path / "first")
    write(tmp_path / "new", tmp_path / "second", encoding)
    first = contents(tmp_path / "first")
    assert contents(tmp_path / "second") == first
    assert done.rows["experiences"] == 6
    assert done.rows["vectors"] == 6 + 3 + 1
    few = ("consolidation_runs", "forgettings", "entities", "places", "taught_words")
    assert [done.rows[name] for name in few] == [1] * len(few)
    assert done.rows["labels"] == 2, "a moment's, and its summary's"
    assert done.payload_files == 3
    assert len([name for name in first if name.startswith("payloads/")]) == 3
    with (
        Memory.open(tmp_path / "old", read_only=True) as old,
        Memory.open(tmp_path / "new", read_only=True) as new,
    ):
        assert [place.is_private for place in new.places()] == [True]
        for table in schema.metadata.tables.values():
            assert old.read(rows_of(table)) == new.read(rows_of(table)), table.name
        for ours, theirs in zip(
            old.recall(Query(with_embedding=True)),
            new.recall(Query(with_embedding=True)),
            strict=True,
        ):
            assert (ours.experience.id, ours.score) == (theirs.experience.id, theirs.score)
            np.testing.assert_array_equal(ours.experience.embedding, theirs.experience.embedding)
            assert (ours.payload_path is None) == (theirs.payload_path is None)
        new.verify()


@parametrized
@pytest.mark.parametrize("version", [2, 3, 4, 5, 6, 7])
def test_an_export_of_a_schema_before_is_taken_in(
    tmp_path: Path, encoding: str, version: int
) -> None:
    homes.made_home(tmp_path / "old")
    everything(tmp_path / "old", labels=None)
    write(tmp_path / "old", tmp_path / "first", encoding)
    content = json.loads((tmp_path / "first" / "manifest.json").read_text())
    as_of_schema(tmp_path / "first", encoding, version)
    done = read(tmp_path / "new", tmp_path / "first")
    assert done.rows == content["rows"]
    write(tmp_path / "new", tmp_path / "second", encoding)
    again = json.loads((tmp_path / "second" / "manifest.json").read_text())
    for manifest in (content, again):  # a report stays as it was written
        manifest["files"].pop(f"consolidation_runs.{encoding}")
    assert again == content
    with Memory.open(tmp_path / "new") as memory:
        rows = memory.read(lambda c: c.execute(select(schema.runs.c.report)).all())
    assert [ConsolidationReport.of_json(text) for (text,) in rows] == [ConsolidationReport(RUN)]
    former = {"night_id"} if version < 5 else set()
    assert [json.loads(text).keys() & {"night_id"} for (text,) in rows] == [former]


@pytest.mark.parametrize("extension", sorted({*EXTENSIONS.values(), "bin"}))
def test_an_export_may_hold_every_kind_of_payload_file(extension: str) -> None:
    assert FILE_NAME.fullmatch(f"payloads/ab/{'0' * 64}.{extension}")
    assert not FILE_NAME.fullmatch(f"payloads/ab/{'0' * 64}.{extension}x")


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
unit = st.floats(0.0, 1.0)
moments = st.fixed_dictionaries(
    {
        "text": texts,
        "reason": texts,
        "entity": texts,
        "source": texts.filter(bool),
        "total": unit,
        "surprise": unit,
        "context": st.none() | st.dictionaries(texts, st.tuples(*[unit] * 5), max_size=2),
        "pinned": st.booleans(),
        "payload": st.none() | st.binary(min_size=1, max_size=30),
        "media_type": st.sampled_from(["image/webp", "audio/flac", "application/x-own"]),
    }
)


@parametrized
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(told=st.lists(moments, max_size=4), lost=st.booleans())
def test_whatever_was_kept_comes_back(
    tmp_path_factory: pytest.TempPathFactory, encoding: str, told: list[dict], lost: bool
) -> None:
    folder = tmp_path_factory.mktemp("trip")
    clock = ManualClock(homes.START_NS)
    with Memory.open(folder / "old", clock=clock) as memory:
        for index, fields in enumerate(told):
            told_of = {key: fields[key] for key in fields if key not in ("payload", "media_type")}
            data = fields["payload"]
            payload = None if data is None else Payload(data, fields["media_type"])
            memory.remember(homes.experience(index, **told_of), payload).result()
    stored = [path for path in (folder / "old" / "payloads").rglob("*") if path.is_file()]
    for path in stored[: int(lost)]:
        path.unlink()
    write(folder / "old", folder / "first", encoding)
    read(folder / "new", folder / "first")
    write(folder / "new", folder / "second", encoding)
    first = contents(folder / "first")
    assert contents(folder / "second") == first
    missing = json.loads(first["manifest.json"])["payloads_missing"]
    assert missing == min(len(stored), int(lost))
    shutil.rmtree(folder)


def test_instances_of_modalities_go_with_an_export(tmp_path: Path) -> None:
    Memory.open(tmp_path / "old", instances=("radio language", "rear vision")).close()
    write(tmp_path / "old", tmp_path / "first", "jsonl")
    read(tmp_path / "new", tmp_path / "first")
    with Memory.open(tmp_path / "new", read_only=True) as memory:
        assert memory.modality_specs["radio"].words
    write(tmp_path / "new", tmp_path / "second", "jsonl")
    assert contents(tmp_path / "second") == contents(tmp_path / "first")
    with Memory.open(tmp_path / "own", instances=("rear audio",)) as memory:
        memory.remember(homes.experience(1)).result()
    read(tmp_path / "own", tmp_path / "first", merge=True)
    with Memory.open(tmp_path / "own", read_only=True) as memory:
        assert memory.modality_specs["radio"].words
        assert memory.modality_specs["rear"].payload == "sound", "it keeps what it knew"


@parametrized
def test_a_store_that_is_not_empty_is_only_added_to_and_on_request(
    tmp_path: Path, encoding: str
) -> None:
    homes.made_home(tmp_path / "old")
    write(tmp_path / "old", tmp_path / "export", encoding)
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    with Memory.open(tmp_path / "new", clock=ManualClock(homes.START_NS)) as memory:
        memory.remember(homes.experience(50)).result()
    with pytest.raises(InvalidInput, match="7 experiences"):
        read(tmp_path / "new", tmp_path / "export")
    same = read(tmp_path / "new", tmp_path / "export", merge=True)
    assert same.rows["experiences"] == same.rows["vectors"] == same.rows["clocks"] == 0
    assert same.skipped["experiences"] == 6
    other = tmp_path / "other"
    with Memory.open(other, device_id="another", rng=np.random.default_rng(9)) as memory:
        memory.remember(homes.rich(70), Payload(b"seen", "image/webp")).result()
    write(other, tmp_path / "more", encoding)
    added = read(tmp_path / "new", tmp_path / "more", merge=True)
    assert (added.rows["experiences"], added.rows["vectors"]) == (1, 2)
    assert added.payload_files == added.rows["payloads"] == 1
    with Memory.open(tmp_path / "new", read_only=True) as memory:
        answers = memory.recall(Query(entity="", device_id="another"))
        assert [answer.payload_path.read_bytes() for answer in answers] == [b"seen"]
        assert len(memory.recall(Query(limit=100))) == 8
        memory.verify()


def test_a_merge_takes_labels_in_by_their_model(tmp_path: Path) -> None:
    made = homes.made_home(tmp_path / "old")
    another = Labels("another-1@cc", homes.SEEN.labels)
    with Memory.open(tmp_path / "old") as memory:
        memory.label(made[0].id, another, ("a", "b", "c", "d")).result()
        memory.label(made[1].id, homes.SEEN, homes.CLASSES).result()
    write(tmp_path / "old", tmp_path / "export", "jsonl")
    with Memory.open(tmp_path / "new", rng=np.random.default_rng(9)) as memory:
        own = memory.remember(homes.experience(50), None, [(homes.SEEN, homes.CLASSES)]).result()
    done = read(tmp_path / "new", tmp_path / "export", merge=True)
    assert (done.rows["labels"], done.rows["vocabularies"]) == (2, 1)
    with Memory.open(tmp_path / "new") as memory:
        found = {key: memory.labels(key) for key in (own.id, made[0].id, made[1].id)}
        assert [seen.model_id for (seen,) in found.values()] == [
            homes.SEEN.model_id, another.model_id, homes.SEEN.model_id,
        ]  # fmt: skip
        assert memory.inspect() == []
    with Memory.open(tmp_path / "other") as memory:
        memory.remember(homes.experience(50), None, [(homes.SEEN, ["x"] * 4)]).result()
    with pytest.raises(InvalidInput, match=r"vocabularies\.names = .*the names that the store has"):
        read(tmp_path / "other", tmp_path / "export", merge=True)
    with Memory.open(tmp_path / "other", read_only=True) as memory:
        assert len(memory.recall(Query(limit=100))) == 1, "nothing was written"


@parametrized
def test_what_was_forgotten_does_not_come_back_with_a_merge(tmp_path: Path, encoding: str) -> None:
    home = tmp_path / "home"
    made = homes.made_home(home)
    everything(home)
    write(home, tmp_path / "export", encoding)
    with Memory.open(home) as memory:
        memory.forget([made[1].id], "asked to").result()
    before = contents(home / "payloads")
    kept = next((home / "payloads").glob(f"*/{made[3].payload_sha256}.*"))
    kept.unlink()
    same = read(home, tmp_path / "export", merge=True)
    assert (same.skipped["experiences"], same.forgotten) == (6, 1)
    assert same.rows["payloads"] == same.rows["summary_members"] == 0
    assert contents(home / "payloads") == before, "a file that was lost comes back, only that"
    with Memory.open(home, read_only=True) as memory:
        assert made[1].payload_sha256 not in str(memory.read(rows_of(schema.payloads)))
        assert not [one for one in memory.inspect() if one.what == "payload"]


def test_an_export_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    homes.made_home(tmp_path / "home")

    def stop(name: str, _count: int) -> None:
        if name == "vectors":
            raise KeyboardInterrupt

    files = table_files("jsonl")
    with Memory.open(tmp_path / "home", read_only=True) as memory:
        with pytest.raises(KeyboardInterrupt):
            memory.read(lambda c: export(c, memory.payload_files, tmp_path / "out", files, stop))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]
        (tmp_path / "out").mkdir()
        with pytest.raises(InvalidInput, match="one that is not there yet"):
            memory.read(lambda c: export(c, memory.payload_files, tmp_path / "out", files))


@pytest.mark.parametrize(
    ("table", "change", "named"),
    [
        (schema.vectors, {"crc32": 1}, r"row 2 of vectors, vectors\.crc32 = 1"),
        (schema.experiences, {"text": "altered"}, r"experience [0-9a-f-]{36}, crc32"),
        (schema.labels, {"crc32": 1}, r"row 2 of labels, labels\.crc32 = 1"),
        (schema.vocabularies, {"names": b"no"}, r"row 2 of vocabularies, vocabularies\.crc32"),
    ],
    ids=["a damaged vector", "an altered experience", "damaged labels", "a damaged vocabulary"],
)
def test_what_does_not_fit_its_checksum_is_named(
    tmp_path: Path, table: Table, change: dict[str, object], named: str
) -> None:
    made = homes.made_home(tmp_path / "home")
    with Memory.open(tmp_path / "home") as memory:
        for one, model_id in zip(made, ("first-1@aa", "second-1@bb"), strict=False):
            memory.label(one.id, Labels(model_id, homes.SEEN.labels), homes.CLASSES).result()
        altered = table.update().where(table.c.number == 2).values(**change)
        memory.change(lambda c: c.execute(altered).rowcount).result()
        files = table_files("jsonl")
        with pytest.raises(InvalidInput, match=f"{named}.*memory repair"):
            memory.read(lambda c: export(c, memory.payload_files, tmp_path / "out", files))


def test_an_import_leaves_the_clock_behind_no_row(tmp_path: Path) -> None:
    homes.made_home(tmp_path / "old")
    with Memory.open(tmp_path / "old") as memory:
        clock = schema.meta.update().where(schema.meta.c.key == "clock").values(value="7")
        memory.change(lambda c: c.execute(clock).rowcount).result()
    write(tmp_path / "old", tmp_path / "export", "jsonl")
    read(tmp_path / "new", tmp_path / "export")
    with Memory.open(tmp_path / "new", read_only=True) as memory:
        facts = dict(memory.read(rows_of(schema.meta)))
        stamps = [row.stamp for row in memory.read(rows_of(schema.clocks))]
    assert int(facts["clock"]) >= max(stamps) > 7


def test_without_pyarrow_the_mend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(RuntimeError, match="OPTIONS=1"):
        table_files("parquet")


@parametrized
def test_only_the_owner_can_read_an_export(tmp_path: Path, encoding: str) -> None:
    homes.made_home(tmp_path / "home")
    before = os.umask(0o022)
    try:
        write(tmp_path / "home", tmp_path / "export", encoding)
    finally:
        os.umask(before)
    paths = [tmp_path / "export", *(tmp_path / "export").rglob("*")]
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in paths}
    assert modes == {(True, 0o700), (False, 0o600)}


def test_a_merge_takes_words_that_are_missing_without_what_is_forgotten_here(
    tmp_path: Path,
) -> None:
    homes.made_home(tmp_path / "old")
    with Memory.open(tmp_path / "old") as memory:
        first, second = (answer.experience for answer in memory.recall(Query(limit=2)))
        axes = np.eye(8, dtype=np.float32)
        shown = (Example.of(axes[0], first.id), Example.of(axes[1], second.id))
        memory.teach(replace(homes.MY_CUP, examples=shown, looked_at=5)).result()
        for name, example in (("my pen", shown[0]), ("known", shown[1])):
            memory.teach(replace(homes.MY_CUP, word=name, examples=(example,))).result()
    write(tmp_path / "old", tmp_path / "first", "jsonl")
    read(tmp_path / "new", tmp_path / "first")
    with Memory.open(tmp_path / "new") as memory:
        memory.forget([first.id], "asked to").result()
        for word in ("my cup", "known"):
            memory.forget_word(word).result()
        memory.teach(replace(homes.MY_CUP, word="known")).result()
    done = read(tmp_path / "new", tmp_path / "first", merge=True)
    assert done.rows["taught_words"] == 1 and done.skipped["taught_words"] == 2
    with Memory.open(tmp_path / "new") as memory:
        known, cup = memory.taught_words()
        assert (known.word, cup.word) == ("known", "my cup")
        assert known.examples[0].experience_id == b"", "what is known here stays"
        assert [one.experience_id for one in cup.examples] == [second.id] and cup.looked_at == 0
        assert not [one for one in memory.inspect() if one.what == "taught word"]
