"""What relieves a stage that takes most of the time: a parameter, in words."""

from __future__ import annotations

from typing import NamedTuple

from sage_common.core.diagnosis import stages

WITH_A_NETWORK = ("vision", "audio", "language")


class Relief(NamedTuple):
    """A parameter that takes load off a stage.

    Attributes:
        node: that has it, as docs/parameters.md names it.
        parameter: its name.
        words: what to do with it.
    """

    node: str
    parameter: str
    words: str

    @property
    def advice(self) -> str:
        """In words, with the parameter's name."""
        return f"{self.words}: `{self.parameter}` of {self.node}"


def relief_of(stage: str) -> Relief:
    """Of a stage, or of what lies between stages, by its name."""
    kind, _, rest = stage.partition(" ")
    if kind == stages.SENSE and rest == "camera":
        return Relief("camera", "height_px", "smaller pictures relieve it")
    if kind == stages.ENCODE and rest in WITH_A_NETWORK:
        return Relief(f"{rest}_encoder", "precision", "weights of int8 relieve it")
    if kind == stages.SCORE:
        return Relief("scorer", "memory", "fewer remembered percepts relieve it")
    if kind in (stages.ENCODE, stages.FUSE):
        return Relief("fusion", "modalities", "fewer modalities relieve it")
    if kind == stages.REFINE:
        plugin = rest.partition(" ")[0]
        return Relief("orchestrator", f"{plugin}.request_atp", "a smaller request relieves it")
    if kind == stages.WAIT:
        return Relief("orchestrator", "cycle_ms", "shorter budget cycles relieve it")
    return Relief("orchestrator", "cores", "fewer plugins at work beside it relieve it")
