"""Texts without what is private: secrets, quoted words, and the user's name in paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

GONE = "***"
_SECRET_NAME = re.compile(r"token|secret|passw|passphrase|credential|cookie|(^|_)key($|_)", re.I)
_NAMES_A_FILE = re.compile(r"_(file|dir|path)$", re.I)
# Words are quoted where SAGE logs them. To the last quote of the line, or to its end if that is
# missing, for what is quoted may hold quotes itself.
_QUOTED = re.compile(r"""(?<!\w)['"“«](?:.*['"”»](?!\w)|.*)""")
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_ASSIGNED = re.compile(r"((?:[\w-]*(?:token|secret|passw\w*|key))\s*[=:]|bearer|basic)\s*\S+", re.I)
# Shorter ones stand in ordinary words.
_SHORTEST_SECRET = 6


def is_secret(name: str) -> bool:
    """Whether a variable or a parameter of this name may hold a secret; a path to one is none."""
    return bool(_SECRET_NAME.search(name)) and not _NAMES_A_FILE.search(name)


class Redaction:
    """Takes out of texts what must not leave this machine.

    Args:
        environment: whose secrets are taken out wherever they stand.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        secrets = {value for name, value in environment.items() if is_secret(name)}
        # The longest first: one may be the beginning of another.
        self._secrets = sorted((s for s in secrets if len(s) >= _SHORTEST_SECRET), key=len)[::-1]
        self._home = environment.get("HOME", "").rstrip("/")

    def text(self, text: str) -> str:
        """A text without secrets, credentials in addresses, and the home folder's name."""
        for secret in self._secrets:
            text = text.replace(secret, GONE)
        text = _CREDENTIALS.sub(f"{GONE}@", text)
        text = _ASSIGNED.sub(rf"\1 {GONE}", text)
        return text.replace(self._home, "~") if self._home else text

    def message(self, text: str) -> str:
        """The same without anything that is quoted: it may have been said, read or typed."""
        return "\n".join(_QUOTED.sub(f"'{GONE}'", line) for line in self.text(text).split("\n"))

    def values(self, found: Any) -> Any:
        """The same of all texts in something that JSON can hold."""
        if isinstance(found, str):
            return self.text(found)
        if isinstance(found, Mapping):
            return {self.text(name): self.values(value) for name, value in found.items()}
        if isinstance(found, (list, tuple)):
            return [self.values(item) for item in found]
        return found
