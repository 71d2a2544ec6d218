"""A store of every released version opens, whole, in the present one."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import sleep_home
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect

from sage_memory import Memory, Query, StoreTooOld
from sage_memory.core.engine import schema
from sage_memory.core.recovery.repair import repair
from sage_memory.core.rows.rows import sketch
from sage_memory.migrations import upgrade

SCRIPTS = Path(__file__).with_name("stores")
RELEASED = sorted(SCRIPTS.glob("released_*.sql"))
PAYLOADS = {2: b"payload 2" * 3, 5: b"payload 5" * 3}
"""Row of the experience, counted from 0, -> what it kept."""


def old_store(home: Path, script: Path) -> Path:
    """A store as an earlier version left it, closed."""
    home.mkdir(exist_ok=True)
    path = home / "memory.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(script.read_text("utf-8"))
    for row, data in PAYLOADS.items():
        (name,) = connection.execute(
            "SELECT payload_sha256 FROM experiences WHERE number = ?", (row + 1,)
        ).fetchone()
        file = home / "payloads" / name[:2] / f"{name}.webp"
        file.parent.mkdir(parents=True)
        file.write_bytes(data)
    connection.close()
    return path


def contents(path: Path) -> dict[str, tuple[list[str], list[tuple]]]:
    """Every table: names of its columns, and its rows."""
    connection = sqlite3.connect(path)
    found = {}
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (name,) in names:
        cursor = connection.execute(f"SELECT * FROM {name} ORDER BY 1")
        found[name] = ([column[0] for column in cursor.description], cursor.fetchall())
    connection.close()
    return found


def reflected(engine: Engine) -> dict[str, object]:
    """All that the database says of its tables, whatever the order of their columns."""
    inspector = inspect(engine)

    def indexes(table: str) -> list[tuple]:
        return sorted(
            (index["name"], index["column_names"], index["unique"], *wheres(index))
            for index in inspector.get_indexes(table)
        )

    def wheres(index: dict) -> list[str]:
        return [str(option) for option in index["dialect_options"].values()]

    return {
        table: (
            {column["name"]: str(column) for column in inspector.get_columns(table)},
            indexes(table),
            inspector.get_pk_constraint(table)["constrained_columns"],
            [key["constrained_columns"] for key in inspector.get_foreign_keys(table)],
            [key["column_names"] for key in inspector.get_unique_constraints(table)],
        )
        for table in sorted(inspector.get_table_names())
    }


def test_there_is_a_store_of_every_version_before_this_one() -> None:
    versions = [int(script.stem.removeprefix("released_")) for script in RELEASED]
    assert versions == list(range(1, schema.SCHEMA_VERSION))


@pytest.mark.parametrize("script", RELEASED, ids=lambda script: script.stem)
def test_everything_of_an_old_store_is_still_there(tmp_path, script) -> None:
    path = old_store(tmp_path, script)
    before = contents(path)
    Memory.open(tmp_path).close()
    after = contents(path)
    for name in before.keys() - {"meta", "alembic_version"}:
        columns, rows = before[name]
        names, found = after[schema.PRESENT_NAMES.get(name, name)]
        kept = [names.index(schema.PRESENT_NAMES.get(column, column)) for column in columns]
        assert [tuple(row[i] for i in kept) for row in found] == rows, name
    assert dict(after["meta"][1]) == dict(before["meta"][1]) | {
        "schema_version": str(schema.SCHEMA_VERSION)
    }
    assert after["alembic_version"][1] == [(schema.REVISION,)]


def test_a_sleep_before_the_runs_had_their_name_can_still_be_undone(tmp_path) -> None:
    with sleep_home.opened(tmp_path) as memory:
        sleep_home.fill(memory)
        before = sleep_home.content(memory)
        run = memory.sleep(sleep_home.OPTIONS).run_id
    as_version_4(tmp_path / "memory.db")
    with sleep_home.opened(tmp_path) as memory:
        assert not memory.sleep(sleep_home.OPTIONS).run_id, "what that sleep freed is counted"
        assert memory.undo_sleep(run).run_id == run
        assert sleep_home.content(memory) == before


def test_a_sleep_that_was_cut_off_before_the_runs_had_their_name_goes_on(tmp_path) -> None:
    def cut_off(_share: float, stage: str) -> None:
        if stage == "evicting":
            raise KeyboardInterrupt

    with sleep_home.opened(tmp_path) as memory:
        sleep_home.fill(memory)
        with pytest.raises(KeyboardInterrupt):
            memory.sleep(sleep_home.OPTIONS, cut_off)
    as_version_4(tmp_path / "memory.db")
    with sleep_home.opened(tmp_path) as memory:
        memory.sleep(sleep_home.OPTIONS)
        assert [row.state for row in sleep_home.rows_of(memory, schema.runs.c.state)] == ["done"]


def test_a_damaged_store_of_version_4_keeps_what_its_sleep_did(tmp_path) -> None:
    with sleep_home.opened(tmp_path) as memory:
        sleep_home.fill(memory)
        before = sleep_home.content(memory)
        run = memory.sleep(sleep_home.OPTIONS).run_id
    as_version_4(tmp_path / "memory.db")
    repair(tmp_path)
    with sleep_home.opened(tmp_path) as memory:
        assert memory.undo_sleep(run).run_id == run
        assert sleep_home.content(memory) == before


def as_version_4(path: Path) -> None:
    """Give a store the tables, names and reports that it had at schema 4."""
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE taught_words")
        connection.execute("DROP TABLE places")
        connection.execute("DROP TABLE labels")
        connection.execute("DROP TABLE vocabularies")
        connection.execute("ALTER TABLE consolidation_runs RENAME TO nights")
        connection.execute("DROP INDEX forgettings_by_run")
        connection.execute("ALTER TABLE forgettings RENAME COLUMN run_id TO night_id")
        connection.execute("CREATE INDEX forgettings_by_night ON forgettings (night_id)")
        connection.execute("UPDATE meta SET value = '4' WHERE key = 'schema_version'")
        connection.execute("UPDATE alembic_version SET version_num = '0004'")
        for key, text in connection.execute("SELECT id, report FROM nights").fetchall():
            report = json.loads(text)
            if "options" in report:  # of a run that was cut off
                report["options"]["replay"] = 64
            else:
                report |= {"night_id": report.pop("run_id"), "replayed": 0}
            values = (json.dumps(report), key)
            connection.execute("UPDATE nights SET report = ? WHERE id = ?", values)
    connection.close()


@pytest.mark.parametrize("script", RELEASED[:3], ids=lambda script: script.stem)
def test_rows_of_an_old_store_get_checksums_and_its_clock_is_behind_none(tmp_path, script) -> None:
    path = old_store(tmp_path, script)
    with sqlite3.connect(path) as connection:  # as a crash in a run could leave it
        connection.execute("UPDATE meta SET value = '5' WHERE key = 'clock'")
    connection.close()
    with Memory.open(tmp_path) as memory:
        assert [one for one in memory.inspect() if one.what in ("experience", "fact")] == []


@pytest.mark.parametrize("script", RELEASED, ids=lambda script: script.stem)
def test_recall_of_an_old_store_works_and_it_takes_new_experiences(
    tmp_path, script, experience
) -> None:
    before = contents(old_store(tmp_path, script))
    columns, rows = before["vectors"]
    forgotten = before["experiences"][0].index("forgotten_ns")
    gone = {row[1] for row in before["experiences"][1] if row[forgotten] is not None}
    with Memory.open(tmp_path) as memory:
        for row in (dict(zip(columns, row, strict=True)) for row in rows):
            vector = np.frombuffer(row["vector"], np.float32)
            words = row["role"] == "words"
            answers = memory.recall(
                Query(text_embedding=vector, text_encoder_id=row["encoder_id"], limit=1)
                if words
                else Query(example=vector, example_encoder_id=row["encoder_id"], limit=1)
            )
            found = answers[0].experience.id == row["experience_id"]
            assert found == (row["experience_id"] not in gone)
        kept = memory.recall(Query(limit=100))
        assert len(kept) == len(before["experiences"][1]) - len(gone)
        assert {a.payload_path.read_bytes() for a in kept if a.payload_path} == set(
            PAYLOADS.values()
        )
        for identifier, drawn in sqlite3.connect(tmp_path / "memory.db").execute(
            "SELECT id, sketch FROM experiences"
        ):
            answer = [a for a in kept if a.experience.id == identifier]
            assert len(answer) == (identifier not in gone)
            for one in answer:
                assert drawn == sketch(one.experience.codes).tobytes()
        new = memory.remember(experience(70, entity="speaker:anna")).result()
        memory.verify()
        assert new.id in {a.experience.id for a in memory.recall(Query(limit=100))}
    with Memory.open(tmp_path) as memory:
        assert len(memory.recall(Query(limit=100))) == len(kept) + 1


@pytest.mark.parametrize("script", RELEASED, ids=lambda script: script.stem)
def test_a_migrated_schema_equals_a_new_one(tmp_path, script) -> None:
    old_store(tmp_path / "old", script)
    Memory.open(tmp_path / "old").close()
    Memory.open(tmp_path / "new").close()
    migrated = create_engine(f"sqlite:///{tmp_path}/old/memory.db")
    new = create_engine(f"sqlite:///{tmp_path}/new/memory.db")
    assert reflected(migrated) == reflected(new)
    with migrated.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_server_default": True,
                "include_name": lambda name, kind, _parents: name != "alembic_version",
                "include_object": lambda _o, name, *_rest: name != "alembic_version",
            },
        )
        assert compare_metadata(context, schema.metadata) == []


def test_all_revisions_from_nothing_give_the_present_schema(tmp_path) -> None:
    Memory.open(tmp_path).close()
    grown = create_engine(f"sqlite:///{tmp_path}/grown.db")
    with grown.begin() as connection:
        upgrade(connection)
    assert reflected(grown) == reflected(create_engine(f"sqlite:///{tmp_path}/memory.db"))


def test_a_reader_of_an_old_store_asks_for_the_writer(tmp_path) -> None:
    old_store(tmp_path, RELEASED[0])
    with pytest.raises(StoreTooOld, match="open it once for writing"):
        Memory.open(tmp_path, read_only=True)
    Memory.open(tmp_path).close()
    Memory.open(tmp_path, read_only=True).close()


def run(program: str, home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", f"import pathlib, sys\nhome = pathlib.Path(sys.argv[1])\n{program}",
         str(home)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def test_opening_a_current_store_does_not_import_alembic(tmp_path) -> None:
    program = (
        "from sage_memory import Memory\nMemory.open(home).close()\nprint('alembic' in sys.modules)"
    )
    assert run(program, tmp_path).communicate()[0] == "False\n"


@pytest.mark.slow
def test_a_kill_while_it_migrates_leaves_either_version(tmp_path) -> None:
    path = old_store(tmp_path, RELEASED[0])
    with sqlite3.connect(path) as connection:  # enough rows for a migration that takes a while
        columns = [row[1] for row in connection.execute("PRAGMA table_info(experiences)")]
        rest = ", ".join(columns[2:])
        connection.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 8000) "
            f"INSERT INTO experiences (number, id, {rest}) "
            f"SELECT i, randomblob(16), {rest} FROM n, experiences WHERE number = 1"
        )
    program = (
        "from sage_memory import Memory\nimport sage_memory.migrations\n"
        "print('now', flush=True)\nMemory.open(home)"
    )
    chance = random.Random(8)
    versions = []
    for _ in range(6):
        process = run(program, tmp_path)
        assert process.stdout.readline() == "now\n"
        time.sleep(chance.uniform(0.0, 0.25))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found = contents(path)
        versions.append(dict(found["meta"][1])["schema_version"])
        present = str(schema.SCHEMA_VERSION)
        assert versions[-1] in ("1", present)
        whole = {"1": "0001", present: schema.REVISION}[versions[-1]]
        assert found["alembic_version"][1] == [(whole,)]
        migrated = versions[-1] == present
        assert ("consolidation_runs" in found) == ("sketch" in found["experiences"][0]) == migrated
        assert len(found["experiences"][1]) == 7909
        if migrated:
            break
    assert versions[0] == "1", "killed before it was done"
    Memory.open(tmp_path).close()
    assert contents(path)["alembic_version"][1] == [(schema.REVISION,)]
