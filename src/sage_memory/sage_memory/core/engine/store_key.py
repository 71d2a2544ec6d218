"""The secret of an encrypted store, and where it may come from.

It comes from a file or from the environment: never from a command line, where every user of the
machine reads it, and never from the folder of the store, which is what gets stolen.
"""

from __future__ import annotations

import base64
import binascii
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sage_common.core.errors import InvalidInput

KEY_BYTES = 32
SHORTEST_PASSPHRASE = 16
LONGEST_FILE_BYTES = 4096
KEY_VARIABLE = "SAGE_MEMORY_KEY"
FILE_VARIABLE = "SAGE_MEMORY_KEY_FILE"
FORM = (
    f"{KEY_BYTES} bytes as hexadecimal or base64, or a passphrase of at least "
    f"{SHORTEST_PASSPHRASE} characters"
)


@dataclass(frozen=True)
class StoreKey:
    """A secret; its representation does not show it.

    Attributes:
        secret: 32 random bytes, or a passphrase in UTF-8.
        is_passphrase: it is, and has to be stretched before it is a key.
    """

    secret: bytes = field(repr=False)
    is_passphrase: bool

    @staticmethod
    def parse(text: str, name: str) -> StoreKey:
        """The secret in `text`; white space around it does not count.

        Args:
            text: 32 bytes as hexadecimal or base64, or a passphrase.
            name: where it came from, for errors, which never show the text.

        Raises:
            InvalidInput: it is too short.
        """
        text = text.strip()
        for decode in (binascii.unhexlify, _base64):
            try:
                secret = decode(text)
            except ValueError:
                continue
            if len(secret) == KEY_BYTES:
                return StoreKey(secret, is_passphrase=False)
        if len(text) < SHORTEST_PASSPHRASE:
            raise InvalidInput(name, f"{len(text)} characters", FORM)
        return StoreKey(text.encode(), is_passphrase=True)


def find_key(home: Path, key_file: str, environment: Mapping[str, str]) -> StoreKey | None:
    """The secret of the store in `home`, None if none was given.

    Args:
        home: folder of the store.
        key_file: path of the file with the secret; empty: as `SAGE_MEMORY_KEY_FILE` says, or the
            secret itself from `SAGE_MEMORY_KEY`.
        environment: variables of the process.

    Raises:
        InvalidInput: two sources are given, the file cannot be read, may be read by others, lies
            in `home`, or holds no key.
    """
    given = {"encryption_key_file": key_file}
    given |= {name: environment.get(name, "") for name in (FILE_VARIABLE, KEY_VARIABLE)}
    named = [name for name, value in given.items() if value]
    if len(named) > 1:
        raise InvalidInput("key", " and ".join(named), "one of them")
    if not named:
        return None
    if named == [KEY_VARIABLE]:
        return StoreKey.parse(given[KEY_VARIABLE], KEY_VARIABLE)
    return read_key_file(Path(given[named[0]]), home)


def read_key_file(path: Path, home: Path) -> StoreKey:
    """The secret in the file at `path`, after proof that only its owner can read it.

    Raises:
        InvalidInput: see `find_key`.
    """
    real = path.resolve()
    for name in (Path(os.path.abspath(path)), real):
        if name.is_relative_to(home.resolve()) or name.is_relative_to(os.path.abspath(home)):
            raise InvalidInput("key file", str(path), "a file outside the folder of the store")
    try:
        descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise InvalidInput("key file", str(path), f"a readable file ({error.strerror})") from error
    try:
        _prove_private(os.fstat(descriptor), path)
        text = os.read(descriptor, LONGEST_FILE_BYTES)
    finally:
        os.close(descriptor)
    try:
        return StoreKey.parse(text.decode(), f"key file {path}")
    except UnicodeDecodeError:
        raise InvalidInput("key file", str(path), f"text: {FORM}") from None


def _prove_private(facts: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise InvalidInput("key file", str(path), "a regular file")
    if facts.st_mode & 0o077:
        mode = stat.S_IMODE(facts.st_mode)
        raise InvalidInput("key file", f"{path}, mode {mode:04o}", f"mode 0600: chmod 600 {path}")
    if facts.st_uid not in (0, os.geteuid()):
        raise InvalidInput("key file", f"{path}, user {facts.st_uid}", "a file of this user")
    if facts.st_nlink != 1:  # the other name may lie in the folder of the store
        raise InvalidInput("key file", f"{path}, {facts.st_nlink} hard links", "one name")


def _base64(text: str) -> bytes:
    standard = text.replace("-", "+").replace("_", "/")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
