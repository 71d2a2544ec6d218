"""The manifest of an export: what it holds, and the checksum of every file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sage_common.core.errors import InvalidInput
from sage_common.core.home import sha256_of
from sage_memory.core.payloads import EXTENSIONS

NAME = "manifest.json"
KIND = "sage memory export"
VERSION = 1
FILE_NAME = re.compile(
    r"[a-z_]+\.(parquet|jsonl)|vectors-[0-9]{5}\.npz"
    rf"|payloads/[0-9a-f]{{2}}/[0-9a-f]{{64}}\.({'|'.join(EXTENSIONS.values())}|bin)"
)
"""Every name that an export may hold: none of them leads out of its folder."""


class ExportRefused(ValueError):
    """A folder that is no whole export of a memory."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(f"{path}: {detail}")


@dataclass(frozen=True)
class Manifest:
    """What an export holds.

    Attributes:
        encoding: parquet, or jsonl with npz.
        schema_version: of the store.
        facts: of the store: its device, when it was made, its logical clock.
        rows: table -> rows.
        tables: table -> its files, in order.
        files: name -> bytes and SHA-256 of every file, payloads included.
        payloads_missing: payloads of which the store had a row, but no whole file.
    """

    encoding: str
    schema_version: int
    facts: Mapping[str, str]
    rows: Mapping[str, int]
    tables: Mapping[str, tuple[str, ...]]
    files: Mapping[str, tuple[int, str]]
    payloads_missing: int

    def write(self, folder: Path) -> None:
        """Write it into the folder of the export, synced."""
        content = {"kind": KIND, "version": VERSION} | asdict(self)
        text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
        with (folder / NAME).open("w", encoding="utf-8") as stream:
            stream.write(text + "\n")
            stream.flush()
            os.fsync(stream.fileno())


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an export; its files are not looked at.

    Raises:
        ExportRefused: there is none, it is of something else or of a later version, or it names
            a file that an export cannot hold.
    """
    path = folder / NAME
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise ExportRefused(folder, "a file; expected the folder of an export")
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ExportRefused(path, "not there; expected the folder of an export") from None
    except (ValueError, OSError, RecursionError) as error:
        raise ExportRefused(path, f"not readable: {error}") from None
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise ExportRefused(path, f"expected kind = {KIND!r}")
    version = content.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise ExportRefused(
            path, f"version = {version!r}: this version of SAGE knows up to {VERSION}; update SAGE"
        )
    try:
        return _manifest(content)
    except InvalidInput as error:
        raise ExportRefused(path, str(error)) from None
    except KeyError as error:
        raise ExportRefused(path, f"has no field {error}") from None
    except (TypeError, ValueError, AttributeError, OverflowError):
        raise ExportRefused(path, "a field is of another type than in an export") from None


def _manifest(content: Mapping[str, Any]) -> Manifest:
    files = {str(name): (int(b), str(digest)) for name, (b, digest) in content["files"].items()}
    tables = {str(name): tuple(map(str, names)) for name, names in content["tables"].items()}
    listed = [name for names in tables.values() for name in names]
    for name in [*files, *listed]:
        if not FILE_NAME.fullmatch(name):
            raise InvalidInput("files", name, "the name of a table, of vectors or of a payload")
    for name in listed:
        if name not in files:
            raise InvalidInput("tables", name, "a file that `files` lists too")
    return Manifest(
        encoding=str(content["encoding"]),
        schema_version=int(content["schema_version"]),
        facts={str(key): str(value) for key, value in content["facts"].items()},
        rows={str(name): int(count) for name, count in content["rows"].items()},
        tables=tables,
        files=files,
        payloads_missing=int(content["payloads_missing"]),
    )


def check_files(folder: Path, manifest: Manifest) -> None:
    """Prove that every file is there, inside the folder, and as it was written.

    Raises:
        ExportRefused: the first one that is not.
    """
    root = folder.resolve()
    for name, (size, digest) in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise ExportRefused(path, "missing; the export is not whole")
        if path.resolve() != root / name:
            raise ExportRefused(path, "a link; expected a file of the export's own")
        found = path.stat().st_size
        if found != size:
            raise ExportRefused(path, f"{found} bytes, the manifest says {size}")
        if sha256_of(path) != digest:
            raise ExportRefused(path, "its SHA-256 is not the manifest's: damaged or changed")
