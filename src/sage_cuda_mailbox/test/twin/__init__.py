"""The two mailboxes as plain Python objects: no shared memory, no threads, no time of their own.

The oracle of the property tests and of the conformance suite. Same names and errors as the module.
"""

from __future__ import annotations

from .broadcast import BroadcastMailbox
from .tensor import TensorMailbox

__all__ = ["BroadcastMailbox", "TensorMailbox"]
