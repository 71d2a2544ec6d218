"""What is private, and what is kept of it: that something happened, when and where."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from sage_common.core.puzzle import GRID, Percept
from sage_common.core.specs.modality import ModalitySpec
from sage_common.core.topics import HEARD_WORDS, READ_WORDS
from sage_memory.core.experience import Place
from sage_memory.core.ingest.pose_buffer import PoseBuffer, worst_sigma_m
from sage_memory.core.places.named_place import SIGMAS, NamedPlace

WITHHELD = "withheld-1"
"""Encoder of moments without a puzzle and a meaning, which would tell what was sensed."""
FOUND_IN = {READ_WORDS: "picture", HEARD_WORDS: "sound"}
"""Whom words are from that were found, and the kind of payload of what they were found in."""


class Privacy:
    """Says of a sense and a time whether they are private.

    Private is a modality that is named, and what is sensed in a private place: in its area, or so
    near that the pose may be in it. Where the robot was last known to be counts until another pose
    comes; a pose that is too vague, or none, may be in any place.

    Args:
        modalities: that are private, with what is declared of each.
        places: names of places that are private, beside those that the store says are.
        poses: where the robot was lately.
    """

    def __init__(
        self, modalities: Mapping[str, ModalitySpec], places: Collection[str], poses: PoseBuffer
    ) -> None:
        self._modalities = dict(modalities)
        self._names = frozenset(places)
        self._poses = poses
        self._areas: tuple[NamedPlace, ...] = ()
        self.nowhere: frozenset[str] = self._names
        """Names of private places that nobody has named yet."""

    @property
    def is_set(self) -> bool:
        """Whether anything is private."""
        return bool(self._modalities or self._areas)

    def know(self, places: Collection[NamedPlace]) -> None:
        """Note all places that are known by name."""
        self._areas = tuple(p for p in places if p.is_private or p.name in self._names)
        self.nowhere = self._names - {place.name for place in places}

    def why(self, modality: str, stamp_ns: int, source: str = "") -> str:
        """Why what a modality sensed at a time is private; empty: it is not.

        Args:
            modality: its name.
            stamp_ns: when it was sensed [ns].
            source: sensor, or the plugin that found words: they are as private as what they were
                found in.
        """
        if modality in self._modalities:
            return f"private: {modality}"
        kind = FOUND_IN.get(source)
        for name, spec in self._modalities.items():
            if kind is not None and spec.payload == kind:
                return f"private: {name}"
        if not self._areas:
            return ""
        near = self._poses.around(stamp_ns)
        if not near:
            return "private: where it was is not known"
        whys = (_why(area, place) for area in self._areas for place in near)
        return next(filter(None, whys), "")

    def why_words(self, stamp_ns: int, source: str = "") -> str:
        """Why words of a time are private; empty: they are not.

        Args:
            stamp_ns: when they were said or found [ns].
            source: whom the utterance names as its frame: a plugin for what it found.
        """
        for name, spec in self._modalities.items():
            if spec.words:
                return f"private: {name}"
        return self.why("", stamp_ns, source)

    def facts(self, now_ns: int) -> dict[str, object]:
        """What is private, for diagnostics."""
        if not (self.is_set or self.nowhere):
            return {}
        places = [f"{area.name} ({area.radius_m:.1f} m)" for area in self._areas]
        places += [f"{name} (no place of this name yet)" for name in sorted(self.nowhere)]
        return {
            "private_modalities": ", ".join(sorted(self._modalities)) or "none",
            "private_places": ", ".join(places) or "none",
            "private_here": self.why("", now_ns) or "no",
        }


def _why(area: NamedPlace, place: Place) -> str:
    if area.frame != place.frame:  # nothing says how far away that is
        return f"private: {area.name} may be here, in frame {place.frame}"
    reach_m = area.radius_m + SIGMAS * worst_sigma_m(place)
    inside = math.dist(area.centre, place.position) <= reach_m
    return f"private: {area.name}" if inside else ""


def withheld(percept: Percept) -> Percept:
    """A percept without what was sensed."""
    return replace(
        percept,
        codes=np.zeros((GRID, GRID), np.uint8),
        embedding=np.ones(1, np.float32),
        encoder_id=WITHHELD,
        text="",
    )
