"""Names of places in the percepts of a modality, as its spec says."""

from __future__ import annotations

from functools import cache

from sage_common.core.specs.entry_points import load
from sage_common.core.specs.modality import modality_spec
from sage_common.core.specs.places import PICTURE, Places


@cache
def places_of(name: str) -> Places:
    """How places in the percepts of a modality are called; without names of its own a picture's.

    Raises:
        InvalidInput: what its spec names cannot be imported.
    """
    spec = modality_spec(name)
    if not spec.places:
        return PICTURE
    found: Places = load(spec.places, f"modality {name}: places")
    return found
