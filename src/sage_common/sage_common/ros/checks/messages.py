"""The fields of a message, by its type."""

from __future__ import annotations

from typing import Any

from sage_common.ros.checks import sage_messages, standard_messages

_CHECKS = {**standard_messages.CHECKS, **sage_messages.CHECKS}
_found_good: dict[str, Any] = {}


def check_message(type_name: str, message: Any) -> None:
    """Check the fields of a message by its interface name; unknown types pass.

    Raises:
        InvalidInput: naming the field at fault.
    """
    check = _CHECKS.get(type_name)
    if check is not None:
        check(message)


def check_message_once(type_name: str, message: Any) -> None:
    """Check a message, unless it is the one of its type that was found good last.

    On the local bus several nodes get the same object, one after the other; it must not be changed
    by any of them, so one look is enough.

    Raises:
        InvalidInput: naming the field at fault.
    """
    if _found_good.get(type_name) is not message:
        check_message(type_name, message)
        _found_good[type_name] = message
