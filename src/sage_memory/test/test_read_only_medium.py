"""A store on a read-only medium is read with all that was committed, also what is in its log."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sage_memory import Memory, Query
from sage_memory.core.engine import database
from sage_memory.core.errors import StoreNotWritable

COUNT = 30
LEFT = ("memory.db", "memory.db-wal", "memory.db-shm", "memory.db.keycheck")
MOUNTED = """
import sys
from pathlib import Path
from sage_memory import Memory, MemoryFailure, Query
from sage_memory.core.engine.store_key import StoreKey
home = Path(sys.argv[1])
key = StoreKey(bytes(range(32)), is_passphrase=False) if sys.argv[2] else None
try:
    (home / "proof").touch()
    print("can be written")
except OSError as error:
    print(error.strerror)
with Memory.open(home, read_only=True, key=key) as memory:
    answers = memory.recall(Query(limit=1000))
    print(len(answers), [one for one in memory.inspect() if one.serious])
    print(sum(answer.payload_path is not None for answer in answers))
    print(len(memory.recall(Query(limit=1000))))
try:
    Memory.open(home, key=key)
except MemoryFailure as error:
    print(type(error).__name__)
"""


def left_behind(tmp_path: Path, experience, names: tuple[str, ...], **options) -> Path:
    """The files of a store whose writer was killed: the last experiences are in the log alone."""
    home = tmp_path / "left"
    with Memory.open(tmp_path / "live", **options) as memory:
        for future in [memory.remember(experience(i)) for i in range(COUNT)]:
            future.result()
        home.mkdir()
        for name in names:
            if (tmp_path / "live" / name).exists():
                shutil.copy(tmp_path / "live" / name, home)
    assert (home / "memory.db-wal").stat().st_size > 0
    return home


def may_mount() -> str:
    """Why this process may not mount anything in a namespace of its own; empty: it may."""
    command = ["unshare", "-m", "mount", "--bind", "/tmp", "/tmp"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        return "unshare (util-linux) is not installed"
    return "" if done.returncode == 0 else f"unshare -m: {done.stderr.strip()}"


@pytest.mark.parametrize("index", [True, False], ids=["with its index", "without its index"])
@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
def test_a_log_on_a_read_only_mount_is_read(
    tmp_path, experience, request, index, encrypted
) -> None:
    if refusal := may_mount():
        pytest.skip(f"a read-only mount needs the right to make one: {refusal}")
    options = {"key": request.getfixturevalue("key")} if encrypted else {}
    names = LEFT if index else tuple(name for name in LEFT if not name.endswith("-shm"))
    home = left_behind(tmp_path, experience, names, **options)
    mount = f'mount --bind "{home}" "{home}" && mount -o remount,ro,bind "{home}" && exec "$@"'
    program = [sys.executable, "-c", MOUNTED, str(home), "key" if encrypted else ""]
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, "sh", *program],
        check=False, capture_output=True, text=True, env=os.environ | {"HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "Read-only file system",
        f"{COUNT} []",
        "0",
        str(COUNT),
        "StoreNotWritable",
    ], done.stderr
    assert "bytes of its log are read where they lie" in done.stderr


def test_a_log_without_its_index_is_read_and_nothing_is_written(
    tmp_path, experience, monkeypatch, caplog
) -> None:
    home = left_behind(tmp_path, experience, ("memory.db", "memory.db-wal"))
    before = {path.name: path.read_bytes() for path in home.iterdir()}
    writable = os.access
    monkeypatch.setattr(
        database.os, "access", lambda path, mode: mode != os.W_OK and writable(path, mode)
    )
    with Memory.open(home, read_only=True) as memory:
        assert len(memory.recall(Query(limit=1000))) == COUNT
        assert [one for one in memory.inspect() if one.serious] == []
        assert len(memory.recall(Query(limit=1000))) == COUNT
    assert {path.name: path.read_bytes() for path in home.iterdir()} == before
    assert "read where they lie" in caplog.text
    (home / "memory.db-wal").unlink()
    with Memory.open(home, read_only=True) as memory:
        assert len(memory.recall(Query(limit=1000))) < COUNT


def test_a_folder_that_cannot_be_made_is_named(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreNotWritable, match="copy the whole folder"):
        Memory.open(tmp_path / "file" / "home")
