"""What a store knows of the instances of modalities: proven, as facts have no checksum."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from stored_rows import rows

from sage_memory import Memory
from sage_memory.core.recovery.repair import repair

STORED = "SELECT value FROM meta WHERE key = 'instances'"


def damage(home: Path, value: str) -> None:
    """Make a store that knows two instances, and put another value in the place of its fact."""
    Memory.open(home, instances=("radio language", "rear vision")).close()
    with sqlite3.connect(home / "memory.db") as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'instances'", (value,))
    connection.close()


def test_damaged_instances_are_left_out_and_named(tmp_path, caplog) -> None:
    damage(tmp_path, "radio\nrear vision\nLEFT x\n")
    for read_only in (True, False):
        with Memory.open(tmp_path, read_only=read_only) as memory:
            assert memory.modality_specs["rear"].payload == "picture"
            assert not memory.modality_specs["radio"].words
    assert "'radio'" in caplog.text and "'LEFT x'" in caplog.text
    assert rows(tmp_path, STORED) == [("rear vision",)], "a writer leaves it whole"


def test_a_repair_keeps_instances_that_are_whole(tmp_path) -> None:
    damage(tmp_path, "radio\nrear vision")
    repair(tmp_path)
    assert rows(tmp_path, STORED) == [("rear vision",)]
