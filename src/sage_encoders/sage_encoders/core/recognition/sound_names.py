"""What sounds are called: the names of classes of sounds, and other words for them."""

from __future__ import annotations

from collections.abc import Mapping

OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "dog barking": ("dog", "barking", "bark"),
    "rain": ("raining", "sound of rain", "rainfall"),
    "sea waves": ("sea", "waves", "ocean", "surf"),
    "crying baby": ("baby", "baby crying", "crying", "crying child"),
    "ticking clock": ("clock", "ticking", "clock tick"),
    "sneezing": ("sneeze", "person sneezing"),
    "helicopter": ("helicopter flying", "rotor"),
    "chainsaw": ("saw", "sawing"),
    "crowing rooster": ("rooster", "crowing", "cock crowing"),
    "crackling fire": ("fire", "burning fire", "crackling"),
}
"""Of each class of ESC-10, in their order: by the name that is published, others in which people
ask for it."""
