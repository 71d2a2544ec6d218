"""Every request is answered: with what the handler made of it, or with why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sage_common.ros.connections import Connections

NOT_ACTIVE = "is not active"
"""So ends the answer of a node that has not been activated yet, or no more."""


def refusal(response_type: Callable[[], Any], reason: str) -> Any:
    """An empty response, or result of an action, that says why there is no other.

    Nothing succeeds, and nothing is found, unless a handler says so.
    """
    response = response_type()
    response.message = reason
    return response


def answer(
    server: Connections,
    response_type: Callable[[], Any],
    handler: Callable[..., Any],
    *arguments: Any,
) -> Any:
    """What `handler(*arguments)` returns, or a refusal with the reason."""
    if not server.active:
        return refusal(response_type, f"{server.name} {NOT_ACTIVE}")
    try:
        return handler(*arguments)
    except server.refusals as error:
        return refusal(response_type, str(error))
    except Exception as error:  # noqa: BLE001 - the caller must get an answer
        server.report_failure(error)
        return refusal(response_type, f"{type(error).__name__}: {error}")
