"""Encryption at rest: SQLCipher for the database, AES-256-GCM for payload files.

Every key follows from the secret and the store's random salt (HKDF-SHA-256, RFC 5869; a
passphrase goes through scrypt, RFC 7914, first), one for each purpose. The salt is what SQLCipher
keeps in the first 16 bytes of its file, so that a store needs nothing but that file and the
secret.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path
from types import ModuleType

from sage_memory.core.engine.errors import OptionMissing, PayloadDamaged
from sage_memory.core.engine.store_key import KEY_BYTES, StoreKey

SALT_BYTES = 16
SCRYPT_COST = {"n": 2**15, "r": 8, "p": 3}  # OWASP: 32 MiB, three rounds
SEAL_MAGIC = b"SAGE sealed 1\n"
NONCE_BYTES = 12


class Cipher:
    """The keys of one store.

    Args:
        key: the secret.
        salt: 16 random bytes, of this store alone.

    Raises:
        OptionMissing: `cryptography` is not installed.
    """

    def __init__(self, key: StoreKey, salt: bytes) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError as error:
            raise OptionMissing("an encrypted store", "cryptography") from error
        self.salt = salt
        master = _stretched(key, salt)
        self._database_key = _derived(master, salt, "database")
        self._names_key = _derived(master, salt, "names of payloads")
        self._payloads = AESGCM(_derived(master, salt, "payloads"))
        self.check = _derived(master, salt, "check")
        """Tells the right key from a wrong one, and nothing else about it."""

    def database_key(self) -> str:
        """Key and salt as SQLCipher's `PRAGMA key` takes them; secret."""
        return f"x'{self._database_key.hex()}{self.salt.hex()}'"

    def file_name(self, sha256: str) -> str:
        """Name of a payload's file: who knows a picture cannot tell whether it was kept."""
        return hmac.new(self._names_key, sha256.encode(), hashlib.sha256).hexdigest()

    def seal(self, sha256: str, data: bytes) -> bytes:
        """`data`, encrypted and bound to its hash."""
        nonce = os.urandom(NONCE_BYTES)
        head = SEAL_MAGIC + nonce
        return head + self._payloads.encrypt(nonce, data, SEAL_MAGIC + sha256.encode())

    def unseal(self, sha256: str, sealed: bytes) -> bytes:
        """What was sealed.

        Raises:
            PayloadDamaged: it is not what was sealed under this hash with this key.
        """
        from cryptography.exceptions import InvalidTag

        head, body = sealed[: len(SEAL_MAGIC)], sealed[len(SEAL_MAGIC) :]
        nonce, encrypted = body[:NONCE_BYTES], body[NONCE_BYTES:]
        if head != SEAL_MAGIC or len(nonce) < NONCE_BYTES:
            raise PayloadDamaged(sha256, "no sealed payload")
        try:
            return self._payloads.decrypt(nonce, encrypted, SEAL_MAGIC + sha256.encode())
        except InvalidTag:
            raise PayloadDamaged(sha256, "changed since it was sealed") from None


def new_salt() -> bytes:
    """A salt for a new store."""
    return os.urandom(SALT_BYTES)


def read_salt(path: Path) -> bytes:
    """The salt at the head of an encrypted database; shorter if the file is."""
    with path.open("rb") as stream:
        return stream.read(SALT_BYTES)


def sqlcipher() -> ModuleType:
    """The driver of encrypted databases.

    Raises:
        OptionMissing: `sqlcipher3` is not installed.
    """
    try:
        from sqlcipher3 import dbapi2
    except ImportError as error:
        raise OptionMissing("an encrypted store", "sqlcipher3") from error
    module: ModuleType = dbapi2
    return module


def _stretched(key: StoreKey, salt: bytes) -> bytes:
    if not key.is_passphrase:
        return key.secret
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=KEY_BYTES, **SCRYPT_COST).derive(key.secret)


def _derived(master: bytes, salt: bytes, purpose: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    info = f"SAGE memory, {purpose}, 1".encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(master)
