"""The sensor nodes that a source needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SensorNode:
    """One sensor node: kind (key of the catalogue), name and parameters."""

    kind: str
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SensorPlan:
    """The sensor nodes of a source.

    Attributes:
        nodes: to start, after the nodes that listen to them.
        backends: for camera, microphone, imu and text, what stands behind it.
        notes: what the user should know, in words.
        warnings: the same of what will not work as it was asked for.
        lacking: the same of modalities that a bag has nothing of, by name.
    """

    nodes: tuple[SensorNode, ...]
    backends: Mapping[str, str]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    lacking: Mapping[str, str] = field(default_factory=dict)
