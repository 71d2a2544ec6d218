"""Names of places in the percepts of a modality, as its spec says."""

from __future__ import annotations

from sage_common.core.specs.entry_points import load
from sage_common.core.specs.modality import ModalitySpec
from sage_common.core.specs.places import PICTURE, Places


def places_of(spec: ModalitySpec) -> Places:
    """How places in the percepts of a modality are called; without names of its own a picture's.

    Raises:
        InvalidInput: what its spec names cannot be imported.
    """
    if not spec.places:
        return PICTURE
    found: Places = load(spec.places, f"modality {spec.name}: places")
    return found
