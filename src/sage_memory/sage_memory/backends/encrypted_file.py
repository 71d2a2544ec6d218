"""An encrypted database file: made with a key, opened with it, or a clear word why not."""

from __future__ import annotations

import hmac
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sage_common.core.clock import Clock
from sage_common.core.home import replace_file
from sage_memory.backends.encryption import SALT_BYTES, Cipher, new_salt, read_salt, sqlcipher
from sage_memory.core.engine.database import MAGIC, Driver, connect_reader, create_database
from sage_memory.core.engine.errors import KeyWrong, StoreNotEncrypted
from sage_memory.core.engine.store_key import StoreKey
from sage_memory.core.errors import StoreDamaged, StoreLocked, StoreMissing


def key_check_path(path: Path) -> Path:
    """The file beside a database that tells a wrong key from damage; the store opens without it."""
    return path.with_name(f"{path.name}.keycheck")


def create(path: Path, key: StoreKey, device_id: str, clock: Clock) -> None:
    """Make an empty encrypted store.

    Raises:
        OptionMissing: a package is not installed.
    """
    cipher = Cipher(key, new_salt())
    _write_key_check(path, cipher)
    create_database(path, device_id, clock, driver(cipher))


def unlock(path: Path, key: StoreKey) -> Cipher:
    """The keys of the store at `path`, after proof that they are.

    Raises:
        StoreMissing: there is no file.
        StoreNotEncrypted: it is readable without a key.
        StoreDamaged: it is cut short, or its head cannot be decrypted with its own key. Damage
            behind the head is for whoever reads on.
        KeyWrong: it was made with another one.
        OptionMissing: a package is not installed.
    """
    if not path.exists():
        raise StoreMissing(path)
    salt = read_salt(path)
    if len(salt) < SALT_BYTES:
        raise StoreDamaged(path, f"only {len(salt)} bytes long")
    if salt == MAGIC:
        raise StoreNotEncrypted(path)
    noted_salt, noted_check = _read_key_check(path)
    noted = Cipher(key, noted_salt) if noted_salt else None
    is_right = noted is not None and hmac.compare_digest(noted_check, noted.check)
    if noted_salt == salt and not is_right:
        raise KeyWrong(path, certain=True)
    if is_right and noted is not None and _decrypts(path, noted):
        return noted  # even where a power cut has torn the head of the file, and the log has it
    cipher = Cipher(key, salt)
    if salt != noted_salt and _decrypts(path, cipher):
        if os.access(path.parent, os.W_OK):
            _write_key_check(path, cipher)
        return cipher
    if is_right:
        raise StoreDamaged(path, "its head cannot be decrypted with its own key")
    raise KeyWrong(path, certain=False)


def _decrypts(path: Path, cipher: Cipher) -> bool:
    module = sqlcipher()
    try:
        with closing(connect_reader(path, driver(cipher))) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except module.DatabaseError as error:
        if "not a database" in str(error):
            return False
        if "locked" in str(error):
            raise StoreLocked(path, 0) from error
        if "malformed" not in str(error):  # that is damage behind the head, which was decrypted
            raise
    return True


def driver(cipher: Cipher) -> Driver:
    """SQLCipher with the keys of a store.

    Raises:
        OptionMissing: it is not installed.
    """

    def unlock_connection(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA cipher_log_level = NONE")  # it would speak on stderr
        connection.execute(f'PRAGMA key = "{cipher.database_key()}"')

    return Driver(sqlcipher(), unlock_connection)


def _write_key_check(path: Path, cipher: Cipher) -> None:
    text = json.dumps({"salt": cipher.salt.hex(), "check": cipher.check.hex()}) + "\n"
    replace_file(key_check_path(path), text.encode())


def _read_key_check(path: Path) -> tuple[bytes, bytes]:
    """Salt and what the right key gives with it; empty if nobody noted them."""
    try:
        noted = json.loads(key_check_path(path).read_text())
        return bytes.fromhex(noted["salt"]), bytes.fromhex(noted["check"])
    except (OSError, ValueError, KeyError, TypeError):
        return b"", b""
