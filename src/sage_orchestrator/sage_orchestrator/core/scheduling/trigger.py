"""What plugins may want to work on."""

from __future__ import annotations

from dataclasses import dataclass

from sage_orchestrator.core.plugin.task import Region


@dataclass(frozen=True)
class Trigger:
    """Something new that plugins may want to work on.

    Attributes:
        kind: "attention" or "percept".
        modality, source: whose.
        stamp_ns: capture time; the same stamp is worked on once.
        salience: [0, 1].
        alarms_per_hour: how often as much is said while nothing happens, > 0 [1/h].
        dominant: its modality contributes most to the fused salience.
        region: of attention, if it is one in an image.
    """

    kind: str
    modality: str
    source: str
    stamp_ns: int
    salience: float
    alarms_per_hour: float
    dominant: bool = False
    region: Region | None = None
