"""Tables as JSON lines; vectors beside them as NumPy archives."""

from __future__ import annotations

import base64
import json
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Table

from sage.memory.exports.manifest import ExportRefused
from sage.memory.exports.tables import Row, kind_of
from sage_common.core.errors import InvalidInput
from sage_memory.core.engine import schema

ROWS_A_GROUP = 4096
VECTORS_A_FILE = 65536
SCALE_BYTES = 4
LONGEST_DETAIL = 200
FORMS = {"id": "a UUID", "bytes": "base64", "number": "a number"}
"""What a value must look like, by the kind of its column."""
UNREADABLE = (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError)
"""What the place of a vector brings forth that is none."""


class JsonFiles:
    """One file of JSON lines a table. Ids are UUIDs, other bytes base64.

    Vectors are in `vectors-00000.npz` and so on, 65,536 a file. A row of `vectors.jsonl` has in
    the place of its vector the name of an array and the row in it: float32 [n, dim], or int8
    [n, dim] with the scales, float32 [n], in the array of the same name with `-scale`.
    """

    encoding = "jsonl"

    def write(self, folder: Path, table: Table, groups: Iterable[Sequence[Row]]) -> list[str]:
        """Write a table; the files' names, that of the lines first."""
        archives: list[str] = []
        name = f"{table.name}.jsonl"
        with (folder / name).open("w", encoding="utf-8", newline="\n") as stream:
            if table is schema.vectors:
                for part in _parts(chain.from_iterable(groups)):
                    archive = f"vectors-{len(archives):05d}.npz"
                    placed, arrays = _arranged(part, archive)
                    np.savez(folder / archive, allow_pickle=False, **arrays)
                    archives.append(archive)
                    stream.writelines(_line(table, row) for row in placed)
            else:
                stream.writelines(_line(table, row) for rows in groups for row in rows)
        return [name, *archives]

    def read(self, folder: Path, table: Table, names: Sequence[str]) -> Iterator[list[Row]]:
        """The rows of a table, in groups.

        Raises:
            ExportRefused: a file is none of this table.
        """
        if not names:
            return
        archives = _Archives(folder, set(names[1:]))
        group: list[Row] = []
        with (folder / names[0]).open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    group.append(_parsed(table, _loaded(table, line), archives))
                except InvalidInput as error:
                    where = f"line {number}: {error}"
                    raise ExportRefused(folder / names[0], where) from None
                if len(group) == ROWS_A_GROUP:
                    yield group
                    group = []
        if group:
            yield group


class _Archives:
    """Arrays of the archives, one archive in memory at a time."""

    def __init__(self, folder: Path, names: set[str]) -> None:
        self._folder = folder
        self._names = names
        self._open_name = ""
        self._arrays: Mapping[str, NDArray[Any]] = {}

    def vector(self, where: Sequence[Any], encoding: str) -> bytes:
        """The bytes of a vector as the store holds them."""
        archive, array, row = where
        if archive not in self._names:
            raise ValueError(f"archive {archive!r}: expected one of {sorted(self._names)}")
        if archive != self._open_name:
            self._open_name, self._arrays = archive, self._load(archive)
        if type(row) is not int or not 0 <= row < len(self._arrays[array]):
            raise ValueError(f"row {row} of {array}: it has {len(self._arrays[array])}")
        if encoding == schema.ENCODING_FLOAT32:
            return self._bytes(array, row, "<f4", 2)
        return self._bytes(f"{array}-scale", row, "<f4", 1) + self._bytes(array, row, "i1", 2)

    def _bytes(self, array: str, row: int, kind: str, axes: int) -> bytes:
        values = self._arrays[array]
        if values.dtype != np.dtype(kind) or values.ndim != axes:
            raise ValueError(f"{array} is {values.dtype} of {values.ndim} axes")
        return bytes(values[row].tobytes())

    def _load(self, archive: str) -> dict[str, NDArray[Any]]:
        path = self._folder / archive
        try:
            with zipfile.ZipFile(path) as parts:  # as written: nothing in it is larger than it is
                stored = all(part.compress_type == zipfile.ZIP_STORED for part in parts.infolist())
            if not stored:
                raise ValueError(f"{archive}: compressed, expected plain arrays")
            with np.load(path, allow_pickle=False) as arrays:
                return dict(arrays)
        except (
            OSError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError, MemoryError
        ) as error:  # fmt: skip
            raise ValueError(f"{archive}: {error}") from None


def _parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    part: list[Row] = []
    for row in rows:
        part.append(row)
        if len(part) == VECTORS_A_FILE:
            yield part
            part = []
    if part:
        yield part


def _arranged(part: Sequence[Row], archive: str) -> tuple[list[Row], dict[str, NDArray[Any]]]:
    """The rows with the places of their vectors, and the arrays that hold them."""
    groups: dict[tuple[str, str, int], list[bytes]] = {}
    placed = []
    for row in part:
        key = (row["encoder_id"], row["encoding"], row["dim"])
        vectors = groups.setdefault(key, [])
        name = f"{row['encoding']}-{list(groups).index(key)}"
        placed.append(row | {"vector": [archive, name, len(vectors)]})
        vectors.append(row["vector"])
    arrays: dict[str, NDArray[Any]] = {}
    for index, ((_, encoding, dim), vectors) in enumerate(groups.items()):
        name = f"{encoding}-{index}"
        if encoding == schema.ENCODING_FLOAT32:
            arrays[name] = np.frombuffer(b"".join(vectors), "<f4").reshape(-1, dim)
            continue
        scales = b"".join(vector[:SCALE_BYTES] for vector in vectors)
        values = b"".join(vector[SCALE_BYTES:] for vector in vectors)
        arrays[f"{name}-scale"] = np.frombuffer(scales, "<f4")
        arrays[name] = np.frombuffer(values, np.int8).reshape(-1, dim)
    return placed, arrays


def _line(table: Table, row: Row) -> str:
    shown = {c.name: _shown(kind_of(c), row[c.name]) for c in table.columns}
    return json.dumps(shown, separators=(",", ":")) + "\n"


def _shown(kind: str, value: Any) -> Any:
    if not isinstance(value, bytes):
        return value
    return str(uuid.UUID(bytes=value)) if kind == "id" else base64.b64encode(value).decode("ascii")


def _loaded(table: Table, line: bytes) -> Mapping[str, Any]:
    """The values of a line by the names of their columns.

    Raises:
        InvalidInput: it is no JSON object, or one with numbers too long or nested too deep.
    """
    try:
        shown = json.loads(line.decode())
    except (ValueError, RecursionError):
        shown = None
    if not isinstance(shown, dict):
        text = line.decode(errors="replace").rstrip("\n")
        raise InvalidInput("row", text, f"a row of {table.name} as one JSON object")
    return shown


def _parsed(table: Table, shown: Mapping[str, Any], archives: _Archives) -> Row:
    kinds = {column.name: kind_of(column) for column in table.columns}
    row: Row = {}
    for name, value in shown.items():
        if table is schema.vectors and name == "vector":
            try:
                row[name] = archives.vector(value, shown["encoding"])
            except UNREADABLE as error:
                why = f" ({error})"[:LONGEST_DETAIL] if type(error) is ValueError else ""
                expected = f"archive, array of this encoding and row{why}"
                raise InvalidInput("vectors.vector", value, expected) from None
        elif name not in kinds:
            raise InvalidInput(f"{table.name}.{name}", value, "no such column")
        else:
            try:
                row[name] = _value(kinds[name], value)
            except (ValueError, TypeError, OverflowError, AttributeError):
                field = f"{table.name}.{name}"
                raise InvalidInput(field, value, FORMS[kinds[name]]) from None
    return row


def _value(kind: str, value: Any) -> Any:
    if value is None or kind not in ("id", "bytes"):
        return float(value) if kind == "number" and isinstance(value, int) else value
    return uuid.UUID(value).bytes if kind == "id" else base64.b64decode(value, validate=True)
