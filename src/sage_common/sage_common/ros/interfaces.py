"""Message, service and action classes by their interface name."""

from __future__ import annotations

import functools
import importlib
from typing import Any


@functools.cache
def interface(name: str) -> Any:
    """The Python class of `package/msg|srv|action/Type`.

    Raises:
        ValueError: the name has another form.
        ModuleNotFoundError: the package is not installed or not on the path.
        AttributeError: the package has no such type.
    """
    parts = name.split("/")
    if len(parts) != 3 or parts[1] not in ("msg", "srv", "action"):
        raise ValueError(f"interface = {name!r}: expected package/msg|srv|action/Type")
    package, kind, type_name = parts
    return getattr(importlib.import_module(f"{package}.{kind}"), type_name)
