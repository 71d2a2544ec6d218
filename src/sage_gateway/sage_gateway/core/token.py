"""The token: who has it may look, and act where that is enabled."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from pathlib import Path

from sage_common.core.errors import InvalidInput
from sage_common.core.home import make_private, replace_file

FILE = "gateway_token"
_BYTES = 32
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
_COOKIE_OF = b"sage gateway cookie 1"
_FOXGLOVE_KEY_OF = b"sage foxglove key 1"


def token_of(home: Path) -> str:
    """The token of a home; it is made where there is none.

    Raises:
        InvalidInput: the file is no token, a link, or may be read by others.
        OSError: it cannot be read or written.
    """
    path = home / FILE
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        make_private(home)
        token = secrets.token_urlsafe(_BYTES)
        replace_file(path, token.encode())
        return token
    with os.fdopen(descriptor, "rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        text = file.read(1024).decode("ascii", "replace").strip()
    if mode & 0o077:
        raise InvalidInput(str(path), oct(mode), "mode 0600: delete it, and another one is made")
    if not _FORM.fullmatch(text):
        raise InvalidInput(str(path), "its content", "43 letters, digits, - or _; or no file")
    return text


def foxglove_key(token: str) -> str:
    """What Foxglove's viewers show: it holds as long as the token, and opens nothing else."""
    return _derived(token, _FOXGLOVE_KEY_OF)


class Gatekeeper:
    """Compares what is shown with the token, in constant time.

    Args:
        token: of the gateway.

    Attributes:
        cookie: what a browser is given for the token; it holds over a restart.
    """

    def __init__(self, token: str) -> None:
        self._token = _digest(token)
        self.cookie = _derived(token, _COOKIE_OF)
        self._cookie = _digest(self.cookie)

    def is_token(self, shown: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(_digest(shown), self._token)

    def is_cookie(self, shown: str) -> bool:
        """Whether this is the cookie."""
        return hmac.compare_digest(_digest(shown), self._cookie)


def _derived(token: str, purpose: bytes) -> str:
    return hmac.new(token.encode(), purpose, hashlib.sha256).hexdigest()


def _digest(text: str) -> bytes:
    """Of one length, whatever is shown."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
