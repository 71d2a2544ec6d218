"""What stands in the tables of a store, read beside whoever has it open."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any


def rows(home: Path, sql: str) -> list[tuple[Any, ...]]:
    """What a statement finds in the store of `home`."""
    with sqlite3.connect(f"file:{home / 'memory.db'}?mode=ro", uri=True) as connection:
        return connection.execute(sql).fetchall()
