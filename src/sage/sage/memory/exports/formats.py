"""The two formats of an export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from sqlalchemy import Table

from sage.memory.exports.json_files import JsonFiles
from sage.memory.exports.parquet_files import ParquetFiles
from sage.memory.exports.tables import Row
from sage_common.core.errors import InvalidInput

FORMATS = ("parquet", "jsonl")


class TableFiles(Protocol):
    """Writes tables into files of a folder, and reads them again."""

    encoding: str

    def write(self, folder: Path, table: Table, groups: Iterable[Sequence[Row]]) -> list[str]: ...

    def read(self, folder: Path, table: Table, names: Sequence[str]) -> Iterator[list[Row]]: ...


def table_files(encoding: str) -> TableFiles:
    """The files of a format.

    Raises:
        InvalidInput: there is no such format.
        RuntimeError: its library is not installed; the fix is named.
    """
    if encoding == "parquet":
        return ParquetFiles()
    if encoding == "jsonl":
        return JsonFiles()
    raise InvalidInput("format", encoding, f"one of {', '.join(FORMATS)}")
