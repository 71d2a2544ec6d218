"""Finding plugins by name: entry points of the group `sage.irp_plugins`."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from importlib import metadata
from typing import Any, cast

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.plugin.interface import Context, Plugin

ENTRY_POINT_GROUP = "sage.irp_plugins"
Factory = Callable[[Context], Plugin[Any]]


def find(name: str) -> Factory:
    """The factory of a plugin.

    Args:
        name: entry point name, or `module:attribute` for one that is not installed as one.

    Raises:
        InvalidInput: there is no such plugin; the nearest known name is given.
        ImportError: its module cannot be imported.
    """
    module, colon, attribute = name.partition(":")
    if colon:
        factory = getattr(importlib.import_module(module), attribute, None)
        if not callable(factory):
            raise InvalidInput("plugins", name, f"a callable {attribute} in {module}")
        return cast(Factory, factory)
    known = {entry.name: entry for entry in metadata.entry_points(group=ENTRY_POINT_GROUP)}
    if name not in known:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        expected = f"an installed plugin, such as {nearest[0]}" if nearest else "none is installed"
        raise InvalidInput("plugins", name, expected)
    return cast(Factory, known[name].load())
