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
FOXGLOVE_FILE = "foxglove_token"
"""Of the server for Foxglove's viewers: it opens nothing else, for its address may be passed on."""
_BYTES = 32
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")
_COOKIE_OF = b"sage gateway cookie 1"


def token_of(home: Path, name: str = FILE) -> str:
    """The token of a home, by the name of its file; it is made where there is none.

    Raises:
        InvalidInput: the file is no token, a link, or may be read by others.
        OSError: it cannot be read or written.
    """
    path = home / name
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


class Gatekeeper:
    """Compares what is shown with the token, in constant time.

    Args:
        token: of the gateway.

    Attributes:
        cookie: what a browser is given for the token; it holds over a restart.
    """

    def __init__(self, token: str) -> None:
        self._token = _digest(token)
        self.cookie = hmac.new(token.encode(), _COOKIE_OF, hashlib.sha256).hexdigest()
        self._cookie = _digest(self.cookie)

    def is_token(self, shown: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(_digest(shown), self._token)

    def is_cookie(self, shown: str) -> bool:
        """Whether this is the cookie."""
        return hmac.compare_digest(_digest(shown), self._cookie)


def _digest(text: str) -> bytes:
    """Of one length, whatever is shown."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
