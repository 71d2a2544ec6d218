"""The same done to a mailbox and to its twin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sage_cuda_mailbox import MailboxError


def both(real: Callable[[], Any], twin: Callable[[], Any]) -> tuple[Any, Any] | None:
    """What the two return; None if both raise, which must be the same error."""
    expected, error = _outcome(twin)
    found, raised = _outcome(real)
    assert raised is error, f"raised {raised}, the twin {error}"
    return None if error is not None else (found, expected)


def _outcome(action: Callable[[], Any]) -> tuple[Any, type[MailboxError] | None]:
    try:
        return action(), None
    except MailboxError as error:
        return None, type(error)
