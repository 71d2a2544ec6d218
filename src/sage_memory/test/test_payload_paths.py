"""A payload is named by 64 hexadecimal digits: no other name, and no link, leads anywhere."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from sage_memory import Memory, Payload, Query
from sage_memory.core.engine import schema
from sage_memory.core.engine.errors import PayloadDamaged
from sage_memory.core.index import cache
from sage_memory.core.index.cache import HEADER, IndexCache
from sage_memory.core.payloads import PayloadFiles
from sage_memory.core.recovery.repair import repair
from sage_memory.core.rows.changes import set_columns

CSV = "text/csv"
DIGEST = "ab" * 32
names = st.text(max_size=70) | st.from_regex(r"[0-9a-fA-F./\\-]{0,66}", fullmatch=True)


def named(home: Path, memory: Memory, identifier: bytes, sha256: str) -> None:
    """Let an experience and a row of the payloads name what is no hash."""
    times = {"created_ns": 0, "last_used_ns": 0}
    row = {"sha256": sha256, "bytes": 4, "media_type": CSV, "pinned": 0, **times}

    def write(connection) -> None:
        connection.execute(insert(schema.payloads), [row])
        values = {"payload_sha256": sha256, "payload_media_type": CSV}
        set_columns(connection, [identifier], values)

    memory.change(write).result()


@given(name=names, media_type=st.text(max_size=20) | st.sampled_from([CSV, "../x", "image/webp"]))
def test_a_path_is_made_of_a_digest_or_of_nothing(name: str, media_type: str) -> None:
    folder = Path("/home/robot/payloads")
    try:
        path = PayloadFiles(folder).path(name, media_type)
    except PayloadDamaged as error:
        assert "64 hexadecimal digits" in str(error)
    else:
        assert path.resolve().parent.parent == folder
        assert path.suffix in (".csv", ".webp", ".flac", ".bin")


def test_a_name_that_leads_out_deletes_and_reads_nothing(tmp_path: Path, experience) -> None:
    home, victim = tmp_path / "home", tmp_path / "victim" / "name.csv"
    victim.parent.mkdir()
    victim.write_bytes(b"mine")
    with Memory.open(home) as memory:
        kept = [memory.remember(experience(i), Payload(b"seen", CSV)).result() for i in range(2)]
        named(home, memory, kept[0].id, "../../victim/name")
        answers = {answer.experience.id: answer for answer in memory.recall(Query())}
        hostile = answers[kept[0].id]
        assert hostile.payload_path is None
        assert "64 hexadecimal digits" in hostile.payload_note
        assert answers[kept[1].id].payload_path is not None
        data, fault = memory.payload(hostile.experience)
        assert data is None and "64 hexadecimal digits" in fault
        assert any("64 hexadecimal digits" in one.where for one in memory.inspect())
        memory.forget([kept[0].id], "asked to").result()
    assert victim.read_bytes() == b"mine"
    named_again = home / "payloads" / kept[1].payload_sha256[:2]
    assert len(list(named_again.iterdir())) == 1


def test_repair_drops_a_name_that_is_no_digest(tmp_path: Path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kept = memory.remember(experience(), Payload(b"seen", CSV)).result()
        named(tmp_path, memory, kept.id, "../../victim/name")
    done = repair(tmp_path)
    assert "1 payloads whose hash is none" in done.lost
    with Memory.open(tmp_path) as memory:
        assert memory.recall(Query())[0].experience.payload_sha256 == ""
        assert not [one for one in memory.inspect() if one.serious]


@pytest.mark.parametrize("place", ["folder", "file"])
def test_a_link_in_the_payload_folder_leads_nowhere(tmp_path: Path, experience, place: str) -> None:
    home, outside = tmp_path / "home", tmp_path / "outside"
    outside.mkdir()
    with Memory.open(home) as memory:
        kept = memory.remember(experience(), Payload(b"seen", CSV)).result()
        path = memory.recall(Query())[0].payload_path
    path.rename(outside / path.name)
    if place == "folder":
        path.parent.rmdir()
        path.parent.symlink_to(outside)
    else:
        path.symlink_to(outside / path.name)
    (outside / "other.txt").write_text("mine")
    with Memory.open(home) as memory:
        answer = memory.recall(Query())[0]
        assert answer.payload_path is None and "not a link" in answer.payload_note
        assert memory.payload(answer.experience)[0] is None
        assert memory.remember(experience(1), Payload(b"seen", CSV)).result().payload_sha256 == ""
        assert "not a link" in memory.statistics().last_refusal
        memory.forget([kept.id], "asked to").result()
    with Memory.open(home):
        pass  # sweeps what no row names
    assert {found.name for found in outside.iterdir()} == {path.name, "other.txt"}


def test_the_folder_of_all_payloads_may_be_a_link(tmp_path: Path, experience) -> None:
    disk = tmp_path / "disk"
    (tmp_path / "home").mkdir()
    disk.mkdir()
    os.symlink(disk, tmp_path / "home" / "payloads")
    with Memory.open(tmp_path / "home") as memory:
        kept = memory.remember(experience(), Payload(b"seen", CSV)).result()
        assert memory.payload(kept) == (b"seen", "")
        memory.forget([kept.id], "asked to").result()
    assert not [path for path in disk.rglob("*") if path.is_file()]


@pytest.mark.parametrize("field", ["folder", "files"])
def test_a_cache_whose_header_leads_out_of_it_is_not_read(
    tmp_path: Path, experience, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    monkeypatch.setattr(cache, "LEAST_NEW", 1)
    with Memory.open(tmp_path) as memory:
        memory.remember(experience()).result()
        memory.checkpoint()
    path = tmp_path / "index" / HEADER
    assert IndexCache(tmp_path / "index").read() is not None
    header = json.loads(json.loads(path.read_text())["header"])
    folder = tmp_path / "index" / header["folder"]
    if field == "folder":
        folder.rename(tmp_path / "elsewhere")
        header["folder"] = "../elsewhere"
    else:
        header["files"]["../elsewhere"] = header["files"]["number"]
        os.link(folder / "number.npy", folder.parent / "elsewhere.npy")
    body = json.dumps(header, sort_keys=True)
    path.write_text(json.dumps({"crc32": zlib.crc32(body.encode()), "header": body}))
    assert IndexCache(tmp_path / "index").read() is None
    with Memory.open(tmp_path) as memory:
        assert len(memory.recall(Query())) == 1
