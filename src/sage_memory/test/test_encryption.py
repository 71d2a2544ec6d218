"""Encryption at rest: nothing readable in any file, and a clear word for every wrong key."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sage_memory import Memory, Payload, Query, StoreDamaged
from sage_memory.backends.encrypted_file import driver, unlock
from sage_memory.core.engine.errors import (
    KeyMissing,
    KeyWrong,
    OptionMissing,
    PayloadDamaged,
    StoreNotEncrypted,
)
from sage_memory.core.engine.store_key import StoreKey
from sage_memory.core.recovery.repair import repair
from sage_memory.core.store.storage import FileStorage

WORDS = "the red door behind the old mill"
PICTURE = b"RIFF a picture that nobody else may see " * 20


def remember_one(memory: Memory, make):
    told = make(3, text=WORDS, entity="speaker:anna", reason="somebody knocked")
    return memory.remember(told, Payload(PICTURE, "image/webp")).result()


def files(home: Path) -> dict[str, bytes]:
    return {str(f.relative_to(home)): f.read_bytes() for f in home.rglob("*") if f.is_file()}


def plaintexts(kept) -> dict[str, bytes]:
    return {
        "text": b"red door",
        "entity": b"speaker:anna",
        "reason": b"somebody",
        "payload": PICTURE[:16],
        "payload's hash": kept.payload_sha256.encode(),
        "encoder": b"vision-1-abc",
        "table": b"experiences",
    }


def test_nothing_readable_is_in_any_file(tmp_path, key, experience) -> None:
    with Memory.open(tmp_path, key=key) as memory:
        kept = remember_one(memory, experience)
        unit = experience(3).embedding / np.linalg.norm(experience(3).embedding)
        secrets = plaintexts(kept) | {"vector": unit.astype(np.float32).tobytes()[8:24]}
        for moment in ("open", "closed"):
            found = files(tmp_path)
            assert "memory.db-wal" in found or moment == "closed"
            for name, data in found.items():
                for what, secret in secrets.items():
                    assert secret not in data, f"{what} in {name}, {moment}"
                    assert kept.payload_sha256 not in name
            if moment == "open":
                memory.close()
    assert {name.split("/")[0] for name in found} >= {"memory.db", "payloads"}


def test_the_same_is_readable_without_a_key(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kept = remember_one(memory, experience)
        found = files(tmp_path)
    everything = b"".join(found.values()) + "".join(found).encode()
    assert [what for what, secret in plaintexts(kept).items() if secret not in everything] == []


@pytest.mark.parametrize("wanted", ["correct horse battery staple", "00" * 32])
def test_a_passphrase_or_a_key_opens_again(tmp_path, key, experience, wanted) -> None:
    given = StoreKey.parse(wanted, "key")
    with Memory.open(tmp_path, key=given) as memory:
        kept = remember_one(memory, experience)
    with Memory.open(tmp_path, key=StoreKey.parse(wanted, "key"), read_only=True) as memory:
        (answer,) = memory.recall(Query())
        assert answer.experience.text == WORDS
        assert memory.payload_files.read(kept.payload_sha256, "image/webp") == PICTURE


def test_two_stores_with_one_key_share_no_name(tmp_path, key, experience) -> None:
    names = []
    for home in (tmp_path / "a", tmp_path / "b"):
        with Memory.open(home, key=key) as memory:
            remember_one(memory, experience)
        names.append({f.name for f in home.rglob("*.sealed")})
    assert len(names[0]) == len(names[1]) == 1
    assert names[0] != names[1]


@pytest.fixture
def home(tmp_path, key, experience) -> Path:
    """An encrypted store with one experience, closed."""
    with Memory.open(tmp_path, key=key) as memory:
        remember_one(memory, experience)
    return tmp_path


@pytest.fixture
def other_key(key) -> StoreKey:
    return replace(key, secret=bytes(32))


@pytest.mark.parametrize("read_only", [True, False])
def test_a_wrong_key_is_not_damage(home, other_key, read_only) -> None:
    before = files(home)
    with pytest.raises(KeyWrong, match=r"not the key of the store; give the key"):
        Memory.open(home, key=other_key, read_only=read_only)
    after = files(home)
    assert after["memory.db"] == before["memory.db"]
    assert after.keys() - before.keys() <= {"memory.lock"}


@pytest.mark.parametrize("read_only", [True, False])
def test_no_key_is_asked_for(home, read_only) -> None:
    with pytest.raises(KeyMissing, match="encryption_key_file, SAGE_MEMORY_KEY_FILE or"):
        Memory.open(home, read_only=read_only)


def test_without_its_key_check_the_store_opens_and_makes_it_anew(home, key) -> None:
    check = home / "memory.db.keycheck"
    noted = check.read_bytes()
    check.unlink()
    Memory.open(home, key=key).close()
    assert check.read_bytes() == noted


def test_without_its_key_check_a_wrong_key_may_be_damage(home, other_key) -> None:
    (home / "memory.db.keycheck").unlink()
    with pytest.raises(KeyWrong, match="or its first bytes are damaged"):
        Memory.open(home, key=other_key)


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def test_a_damaged_head_is_damage_with_the_right_key(home, key) -> None:
    flip(home / "memory.db", 100)
    with pytest.raises(StoreDamaged, match="head cannot be decrypted with its own key"):
        Memory.open(home, key=key)


def test_a_damaged_salt_is_in_the_key_check_too(home, key, other_key) -> None:
    flip(home / "memory.db", 3)
    with pytest.raises(KeyWrong):
        Memory.open(home, key=other_key)
    with Memory.open(home, key=key) as memory:
        assert len(memory.recall(Query())) == 1


def test_another_store_in_its_place_opens_with_its_own_key(home, tmp_path, key, other_key) -> None:
    other = tmp_path / "other"
    Memory.open(other, key=other_key).close()
    (home / "memory.db").write_bytes((other / "memory.db").read_bytes())
    with Memory.open(home, key=other_key) as memory:
        assert memory.recall(Query()) == []


@pytest.mark.parametrize("page", range(2, 9))
def test_a_changed_page_is_found_out(home, key, page) -> None:
    path = home / "memory.db"
    flip(path, (page - 1) * 4096 + 77)
    storage = FileStorage(path, key)
    try:
        storage.check()
    except StoreDamaged:  # a page that every opening reads
        return
    with storage.open_reader().connect() as connection:
        faults = connection.exec_driver_sql("PRAGMA cipher_integrity_check").scalars().all()
    assert faults == [f"HMAC verification failed for page {page}"]


def test_a_repaired_store_is_encrypted_as_before(home, key) -> None:
    path = home / "memory.db"
    flip(path, 12 * 4096 + 77)  # one page, behind the table of tables
    cipher = unlock(path, key)
    done = repair(home, driver(cipher), cipher)
    assert done.kept["experiences"] == 1
    assert done.set_aside.is_dir()
    for name, data in files(home).items():
        assert b"red door" not in data, name
        assert b"experiences" not in data, name
    with Memory.open(home, key=key) as memory:
        assert [a.experience.text for a in memory.recall(Query())] == [WORDS]


@pytest.mark.parametrize("left", [0, 10, 4096, 20_000])
def test_a_cut_file_is_damage(home, key, left) -> None:
    path = home / "memory.db"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(StoreDamaged):
        Memory.open(home, key=key)


def test_a_key_for_a_readable_store_says_what_to_do(tmp_path, key, experience) -> None:
    with Memory.open(tmp_path) as memory:
        remember_one(memory, experience)
    with pytest.raises(StoreNotEncrypted, match="sage memory export"):
        Memory.open(tmp_path, key=key)
    Memory.open(tmp_path).close()  # as it was


def test_a_changed_payload_is_refused(home, key) -> None:
    (sealed,) = home.rglob("*.sealed")
    data = bytearray(sealed.read_bytes())
    data[-1] ^= 1
    sealed.write_bytes(data)
    with Memory.open(home, key=key, read_only=True) as memory:
        (answer,) = memory.recall(Query())
        with pytest.raises(PayloadDamaged, match="changed since it was sealed"):
            memory.payload_files.read(answer.experience.payload_sha256, "image/webp")


def test_a_payload_under_the_name_of_another_is_refused(home, key) -> None:
    with Memory.open(home, key=key) as memory:
        (answer,) = memory.recall(Query())
        sealed = answer.payload_path
        memory.checkpoint()  # the sweep at the start, which removes what no row names, is over
        other = memory.payload_files.path("0" * 64, "image/webp")
        other.parent.mkdir(exist_ok=True)
        other.write_bytes(sealed.read_bytes())
        with pytest.raises(PayloadDamaged):
            memory.payload_files.read("0" * 64, "image/webp")


def test_orphans_are_swept_and_sealed_payloads_are_not(home, key) -> None:
    orphan = home / "payloads" / "ab" / ("ab" * 32 + ".sealed")
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"left by a crash")
    with Memory.open(home, key=key) as memory:
        memory.checkpoint()
        (answer,) = memory.recall(Query())
        assert answer.payload_path.exists()
    assert not orphan.exists()


def test_a_missing_package_is_named(tmp_path, key, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sqlcipher3", None)
    with pytest.raises(OptionMissing, match=r"sqlcipher3.*make demo OPTIONS=1"):
        Memory.open(tmp_path, key=key)


def test_plain_sqlite_reads_nothing(home) -> None:
    connection = sqlite3.connect(home / "memory.db")
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        connection.execute("SELECT * FROM experiences")
    connection.close()
