"""An export that is damaged, foreign or dangerous is refused before anything is written."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import memory_homes as homes
import pytest
from memory_exports import read, write

from sage.memory.exports.manifest import ExportRefused


def changed_manifest(folder: Path, change) -> None:
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def resign(folder: Path, name: str) -> None:
    """Let the manifest agree with a file that was changed."""
    data = (folder / name).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    changed_manifest(folder, lambda content: content["files"].update({name: [len(data), digest]}))


def _traversal(folder: Path) -> None:
    (folder.parent / "outside.jsonl").write_text("")
    changed_manifest(folder, lambda c: c["files"].update({"../outside.jsonl": [0, ""]}))


def _link(folder: Path) -> None:
    (folder / "experiences.jsonl").rename(folder.parent / "elsewhere")
    (folder / "experiences.jsonl").symlink_to(folder.parent / "elsewhere")


def _cut(folder: Path) -> None:
    path = folder / "vectors-00000.npz"
    path.write_bytes(path.read_bytes()[:-100])


def _flip(folder: Path) -> None:
    path = folder / "vectors-00000.npz"
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)


def _flip_and_resign(folder: Path) -> None:
    _flip(folder)
    resign(folder, "vectors-00000.npz")


def _lines(folder: Path, name: str, change) -> None:
    path = folder / f"{name}.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    change(rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    resign(folder, path.name)


def _first_line(folder: Path, line: str) -> None:
    path = folder / "experiences.jsonl"
    path.write_text(f"{line}\n{path.read_text()}")
    resign(folder, path.name)


def _only_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()


DAMAGES = {
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "manifest.json: not there"),
    "no JSON": (lambda f: (f / "manifest.json").write_text("{"), "not readable"),
    "foreign": (lambda f: changed_manifest(f, lambda c: c.update(kind="x")), "expected kind"),
    "newer": (lambda f: changed_manifest(f, lambda c: c.update(version=2)), "up to 1; update SAGE"),
    "newer schema": (
        lambda f: changed_manifest(f, lambda c: c.update(schema_version=99)),
        "schema version 99, this version of SAGE knows up to",
    ),
    "a schema without exports": (
        lambda f: changed_manifest(f, lambda c: c.update(schema_version=1)),
        "schema version 1 was never exported",
    ),
    "no tables": (
        lambda f: changed_manifest(f, lambda c: c.pop("tables")),
        "has no field 'tables'",
    ),
    "another format": (
        lambda f: changed_manifest(f, lambda c: c.update(encoding="csv")),
        "format = 'csv': expected one of parquet, jsonl",
    ),
    "traversal": (_traversal, "files = '../outside.jsonl'"),
    "link": (_link, "a link"),
    "file missing": (lambda f: (f / "clocks.jsonl").unlink(), "clocks.jsonl: missing"),
    "truncated": (_cut, "the manifest says"),
    "bit flipped": (_flip, "SHA-256 is not the manifest's"),
    "bit flipped, signed": (_flip_and_resign, "vectors.jsonl"),
    "row missing": (lambda f: _lines(f, "clocks", lambda rows: rows.pop()), "5 rows of clocks"),
    "id twice": (
        lambda f: _lines(f, "experiences", lambda rows: rows[1].update(id=rows[0]["id"])),
        "row 2: experiences.id",
    ),
    "wrong type": (
        lambda f: _lines(f, "experiences", lambda rows: rows[0].update(total="much")),
        "row 1: experiences.total = 'much': expected a number from 0 to 1",
    ),
    "altered text, signed": (
        lambda f: _lines(f, "experiences", lambda rows: rows[1].update(text="altered")),
        "row 2: experiences.crc32",
    ),
    "no value": (
        lambda f: _lines(f, "experiences", lambda rows: rows[0].update(total=None)),
        "row 1: experiences.total = None",
    ),
    "an empty line": (
        lambda f: _first_line(f, ""),
        "experiences.jsonl: line 1: row = '': expected a row of experiences as one JSON object",
    ),
    "a list": (
        lambda f: _first_line(f, "[1]"),
        "experiences.jsonl: line 1: row = '[1]': expected a row of experiences as one JSON object",
    ),
    "a number without an end": (
        lambda f: _first_line(f, "9" * 5000),
        "line 1: row = '9999",
    ),
    "a file": (_only_a_file, "export: a file; expected the folder of an export"),
    "unknown column": (
        lambda f: _lines(f, "experiences", lambda rows: rows[0].update(mood="good")),
        "experiences.jsonl: line 1: experiences.mood = 'good': expected no such column",
    ),
    "no owner": (
        lambda f: _lines(f, "vectors", lambda rows: rows[0].update(experience_id="0" * 32)),
        "expected an experience of this export",
    ),
    "outside an archive": (
        lambda f: _lines(f, "vectors", lambda rows: rows[0].update(vector=["../x", "f32-0", 0])),
        "archive '../x'",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_no_whole_export_is_refused_before_anything_is_written(
    tmp_path: Path, name: str
) -> None:
    homes.made_home(tmp_path / "home")
    folder = tmp_path / "export"
    write(tmp_path / "home", folder, "jsonl")
    damage, said = DAMAGES[name]
    damage(folder)
    with pytest.raises(ExportRefused) as refused:
        read(tmp_path / "new", folder)
    assert said in str(refused.value)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["parquet of another table", "parquet cut"])
def test_a_foreign_parquet_file_is_refused(tmp_path: Path, name: str) -> None:
    pytest.importorskip("pyarrow", reason="requirements/memory.in is not installed")
    homes.made_home(tmp_path / "home")
    folder = tmp_path / "export"
    write(tmp_path / "home", folder, "parquet")
    path = folder / "experiences.parquet"
    if name.endswith("table"):
        shutil.copy(folder / "clocks.parquet", path)
    else:
        path.write_bytes(path.read_bytes()[:-20])
    resign(folder, path.name)
    with pytest.raises(ExportRefused, match=r"experiences\.parquet"):
        read(tmp_path / "new", folder)
