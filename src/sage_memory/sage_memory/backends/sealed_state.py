"""What the node of an encrypted store learned and has in mind, sealed with the store's key.

A state file holds the words just heard and the moments not yet judged: in the clear it would tell
what the store hides.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_memory.backends.encryption import SALT_BYTES, Cipher, new_salt
from sage_memory.core.engine.errors import PayloadDamaged
from sage_memory.core.engine.store_key import StoreKey

SEALED = "sealed"
Arrays = Mapping[str, NDArray[Any]]


class StateSeal:
    """Seals states with a salt of their own.

    Args:
        key: of the store; None: states stay as they are.
    """

    def __init__(self, key: StoreKey | None) -> None:
        self._key = key
        self._cipher: Cipher | None = None

    def seal(self, state: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The state as one array of bytes.

        Raises:
            OptionMissing: `cryptography` is not installed.
        """
        if self._key is None:
            return state
        if self._cipher is None:
            self._cipher = Cipher(self._key, new_salt())
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **state)
        sealed = self._cipher.salt + self._cipher.seal(SEALED, stream.getvalue())
        return {SEALED: np.frombuffer(sealed, np.uint8)}

    def unseal(self, state: Arrays) -> Arrays:
        """What was sealed; a state that never was, as it is.

        Raises:
            ValueError: there is no key, or it is another one, or the state was changed.
        """
        if SEALED not in state:
            return state
        if self._key is None:
            raise ValueError("the state is sealed, and no key was given")
        data = state[SEALED].tobytes()
        cipher = Cipher(self._key, data[:SALT_BYTES])
        try:
            plain = cipher.unseal(SEALED, data[SALT_BYTES:])
        except PayloadDamaged:
            raise ValueError("the state was sealed with another key, or changed since") from None
        with np.load(io.BytesIO(plain), allow_pickle=False) as arrays:
            return dict(arrays)
