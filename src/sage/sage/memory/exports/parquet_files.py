"""Tables as Parquet files, by pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from sage.memory.exports.manifest import ExportRefused
from sage.memory.exports.tables import Row, kind_of

ROWS_A_GROUP = 4096


def pyarrow() -> Any:
    """The library.

    Raises:
        RuntimeError: it is not installed; the fix is named.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise RuntimeError(
            "Parquet needs pyarrow, which is not installed: `make test`, or `make demo "
            "OPTIONS=1` installs it, or take --format jsonl"
        ) from None
    return pyarrow


class ParquetFiles:
    """One file a table; every vector is its bytes, as the store holds them."""

    encoding = "parquet"

    def __init__(self) -> None:
        self._arrow = pyarrow()

    def write(self, folder: Path, table: Table, groups: Iterable[Sequence[Row]]) -> list[str]:
        """Write a table, its rows in groups of `ROWS_A_GROUP`; the files' names."""
        name = f"{table.name}.parquet"
        schema = self._schema(table)
        with self._arrow.parquet.ParquetWriter(
            folder / name, schema, compression="zstd", use_dictionary=False, write_statistics=False
        ) as writer:
            for rows in groups:
                writer.write_table(self._arrow.Table.from_pylist(list(rows), schema=schema))
        return [name]

    def read(self, folder: Path, table: Table, names: Sequence[str]) -> Iterator[list[Row]]:
        """The rows of a table, in groups.

        Raises:
            ExportRefused: a file is no Parquet file of this table.
        """
        for name in names:
            try:
                with self._arrow.parquet.ParquetFile(folder / name) as source:
                    if source.schema_arrow != self._schema(table):
                        raise ExportRefused(
                            folder / name, f"expected the columns of {table.name}, this version's"
                        )
                    for batch in source.iter_batches(ROWS_A_GROUP):
                        yield batch.to_pylist()
            except ExportRefused:
                raise
            except (self._arrow.ArrowException, OSError, ValueError, MemoryError) as error:
                raise ExportRefused(folder / name, f"not readable: {error}") from None

    def _schema(self, table: Table) -> Any:
        arrow = self._arrow
        types = {
            "id": arrow.binary(16),
            "bytes": arrow.binary(),
            "integer": arrow.int64(),
            "number": arrow.float64(),
            "text": arrow.string(),
        }
        return arrow.schema([(c.name, types[kind_of(c)]) for c in table.columns])
