"""Which parts of a bench are measured: all, or those that the environment names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TypeVar

from sage_common.core.errors import InvalidInput

CHOSEN = "SAGE_BENCH_PARTS"
"""Names the parts that are measured, with commas; unset: all."""
Part = TypeVar("Part")


def chosen_parts(parts: Mapping[str, Part]) -> dict[str, Part]:
    """Those of `parts` that `SAGE_BENCH_PARTS` names, in its order.

    Raises:
        InvalidInput: one that there is not.
    """
    names = [name for name in os.environ.get(CHOSEN, "").split(",") if name] or list(parts)
    for name in names:
        if name not in parts:
            raise InvalidInput(CHOSEN, name, f"some of {', '.join(parts)}")
    return {name: parts[name] for name in names}


def result_name(bench: str, chosen: Mapping[str, Part], parts: Mapping[str, Part]) -> str:
    """What the result is called: figures of some parts do not replace those of all."""
    return bench if len(chosen) == len(parts) else "_".join((bench, *chosen))
