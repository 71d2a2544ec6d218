"""Parameters of the salience nodes."""

from __future__ import annotations

from dataclasses import dataclass

from sage_common.core.parameters import NodeParameters, parameter
from sage_common.core.specs.modality import usual_events, usual_modalities

BY_MODALITY = "-1: 2 s, and 0 for a modality that comes by events"


@dataclass(frozen=True)
class ScorerParameters(NodeParameters):
    """One scorer; every modality has its own."""

    modality: str = parameter("vision", doc="modality whose puzzles are scored")
    memory: int = parameter(
        1000, doc="percepts remembered for novelty", unit="percepts", low=10, high=10000
    )
    stale_after_s: float = parameter(
        -1.0,
        doc="silence after which salience is published as invalid; 0: silence is no fault; "
        + BY_MODALITY,
        unit="s",
        low=-1.0,
        high=3600.0,
    )
    frozen_after_s: float = parameter(
        -1.0,
        doc="time with the same puzzle again and again after which the health warns; 0: never; "
        + BY_MODALITY,
        unit="s",
        low=-1.0,
        high=3600.0,
    )
    false_alarms_per_hour: float = parameter(
        60.0,
        doc="how often salience may reach 0.5 while nothing happens, in a stream of ten or more "
        "samples a second; in proportion fewer in a slower one",
        unit="1/h",
        low=0.01,
        high=3600.0,
    )
    grid: bool = parameter(
        True, doc="say where in the percept the salience is; attention needs it, most bytes are its"
    )


@dataclass(frozen=True)
class VectorScorerParameters(ScorerParameters):
    """One scorer of bare vectors; every stream has its own."""

    modality: str = parameter("vector", doc="name of the stream `vector/NAME` and of its modality")
    stale_after_s: float = parameter(
        0.0,
        doc="silence after which salience is published as invalid; 0: silence is no fault",
        unit="s",
        low=0.0,
        high=3600.0,
    )
    frozen_after_s: float = parameter(
        0.0,
        doc="time with the same vector again and again after which the health warns; 0: never",
        unit="s",
        low=0.0,
        high=3600.0,
    )


@dataclass(frozen=True)
class FusionParameters(NodeParameters):
    """Fusion of all modalities."""

    modalities: tuple[str, ...] = parameter(usual_modalities(), doc="modalities to fuse")
    events: tuple[str, ...] = parameter(
        usual_events(), doc="modalities that come as events: their silence is no fault"
    )
    max_age_s: float = parameter(
        1.0, doc="age at which a modality's salience falls out", unit="s", low=0.05, high=60.0
    )
    false_alarms_per_hour: float = parameter(
        60.0,
        doc="how often fused salience may reach 0.5 while nothing happens",
        unit="1/h",
        low=0.01,
        high=3600.0,
    )
    grids: bool = parameter(
        True, doc="pass the modalities' grids on; attention needs them, most bytes are theirs"
    )
    history: int = parameter(
        20_000,
        doc="moments that sage explain can ask about, 9 MB for 20,000",
        unit="moments",
        low=1,
        high=1_000_000,
    )


@dataclass(frozen=True)
class AttentionParameters(NodeParameters):
    """Where to look, listen or feel next."""

    rate_hz: float = parameter(
        10.0, doc="highest rate of attention, markers and heat map", unit="Hz", low=0.1, high=10.0
    )
    regions: int = parameter(
        3, doc="regions published, best first and apart from each other", low=1, high=10
    )
    cameras: tuple[str, ...] = parameter(
        ("front",), doc="cameras whose native size is followed, for regions in pixels"
    )
    fit: str = parameter(
        "crop",
        doc="how the vision encoder makes its square, as in its own parameter",
        choices=("crop", "letterbox"),
    )
    marker_frame: str = parameter("base_link", doc="TF frame of the salience bars, and of words")
