"""The library of mailboxes, where it is installed; elsewhere, why it is not there."""

from __future__ import annotations

from typing import Any

try:
    import sage_cuda_mailbox

    library: Any = sage_cuda_mailbox
    MISSING = ""
except ImportError as error:
    library = None
    MISSING = f"sage_cuda_mailbox is not installed ({error})"
