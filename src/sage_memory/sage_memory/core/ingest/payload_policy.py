"""Which moments are kept verbatim, with their payload, and which only by meaning.

Affect is how much a moment moves: how aroused the sense is, how far the reward is from "none
known", how surprising and how contradictory it is. The weights are chosen, not measured, and
what is below a threshold goes without only on request: by default every moment keeps its
payload, and the byte cap decides what goes.
"""

from __future__ import annotations

from sage_memory.core.experience import Experience
from sage_memory.core.ingest.privacy import WITHHELD

WEIGHTS = {"surprise": 0.35, "arousal": 0.25, "reward": 0.25, "conflict": 0.15}


def affect(experience: Experience) -> float:
    """How much a moment moves, [0, 1]; a reward of 0 or 1 counts fully, one of 0.5 not at all."""
    parts = {
        "surprise": experience.surprise,
        "arousal": experience.arousal,
        "reward": 2.0 * abs(experience.reward - 0.5),
        "conflict": experience.conflict,
    }
    return sum(WEIGHTS[name] * value for name, value in parts.items())


def keeps_payload(experience: Experience, least_affect: float) -> bool:
    """Whether a moment keeps its payload: by its affect in [0, 1]; pinned always, private never."""
    if experience.encoder_id == WITHHELD:
        return False
    return experience.pinned or affect(experience) >= least_affect
