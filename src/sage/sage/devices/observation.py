"""What a second of one device showed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sage.doctor.finding import Finding


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with what a device gives, and how to fix it."""

    text: str
    fix: str


@dataclass(frozen=True)
class Observation:
    """What a device gave.

    Attributes:
        text: in words.
        faults: what is wrong with it.
        measured: figures, with their units in their names.
        file: what it gave, as a file; empty: nothing was written.
        levels: of ten parts of it, 0..1; empty: none.
    """

    text: str
    faults: tuple[Fault, ...] = ()
    measured: Mapping[str, float | str] = field(default_factory=dict)
    file: str = ""
    levels: tuple[float, ...] = ()


@dataclass(frozen=True)
class DeviceFinding(Finding):
    """A finding on one device: warn, what it gives is doubtful; error, it gives nothing.

    Attributes:
        kind: camera, microphone or imu.
        measured, file, levels: as of Observation.
    """

    kind: str = ""
    measured: Mapping[str, float | str] = field(default_factory=dict)
    file: str = ""
    levels: tuple[float, ...] = ()


def judged(kind: str, device: str, seen: Observation) -> DeviceFinding:
    """What was observed of a device, as a finding."""
    return DeviceFinding(
        f"{kind} {device}",
        "warn" if seen.faults else "ok",
        "; ".join([seen.text, *(fault.text for fault in seen.faults)]),
        "; ".join(fault.fix for fault in seen.faults),
        kind,
        seen.measured,
        seen.file,
        seen.levels,
    )
