"""One object, speaker or place that was met, perhaps again.

Moments are linked in the order of time. Two show the same object if the same class was recognised
in both, their pictures are near in the embedding of the vision encoder, and so are their places
where both are known; a moment is compared with the last eight looks at each object. A word that was
taught is of one object, and a speaker or a place goes by its name.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_memory.core.experience import Place

KINDS = ("object", "word", "speaker", "place")
SAME, LOOKS = 0.89, 8
"""Cosine from which pictures of a class show the same object, and with how many looks at it each is
compared. On the even classes of tiny_imagenet, photographs beside crops of them, 98 % of the links
are right, and 76 % of those there are found; how many looks is chosen by a walk and a kitchen: of
those of a second time, more are known."""
NEAR_M = 4.0
APART_S = 60.0
"""Moments that are further apart in time are two meetings."""
Vector = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Sighting:
    """A moment that shows something.

    Attributes:
        kind: one of `KINDS`.
        name: of the class, the word, the speaker or the place.
        experience_id: 16 bytes.
        start_ns, end_ns: of the moment [ns].
        encoder_id, embedding: of an object, float32 [D] of length 1.
        place: where, if it is known.
    """

    kind: str
    name: str
    experience_id: bytes
    start_ns: int
    end_ns: int
    encoder_id: str = ""
    embedding: Vector | None = None
    place: Place | None = None


@dataclass(frozen=True)
class Individual:
    """What was met.

    Attributes:
        kind, name: as of its sightings; objects of a class have the same name.
        moments: that show it.
        meetings: times that it was met, with a minute or more between them.
        first_ns, last_ns: when it was met first, and last.
        last_id: of the last moment.
    """

    kind: str
    name: str
    moments: int
    meetings: int
    first_ns: int
    last_ns: int
    last_id: bytes

    @classmethod
    def of(cls, seen: Sighting) -> Individual:
        """One that was met once."""
        return cls(seen.kind, seen.name, 1, 1, seen.start_ns, seen.end_ns, seen.experience_id)

    def met(self, again: Sighting) -> Individual:
        """The same after another moment, which is not earlier."""
        apart = again.start_ns - self.last_ns >= APART_S * NS_PER_S
        return replace(
            self,
            moments=self.moments + 1,
            meetings=self.meetings + apart,
            last_ns=max(self.last_ns, again.end_ns),
            last_id=again.experience_id,
        )


def individuals(sightings: Iterable[Sighting]) -> list[Individual]:
    """Whom and what sightings, in the order of time, show; those met most often first."""
    groups: dict[tuple[str, str, str], list[Sighting]] = {}
    for one in sightings:
        groups.setdefault((one.kind, one.name, one.encoder_id), []).append(one)
    found = [each for group in groups.values() for each in _merged(group)]
    return sorted(found, key=lambda one: (-one.meetings, -one.moments, -one.last_ns, one.name))


def linked(group: Sequence[Sighting]) -> list[int]:
    """Which individual each sighting of one class is, from 0 in the order of their appearance."""
    if not group or group[0].embedding is None:
        return [0] * len(group)
    looks = np.zeros((len(group), group[0].embedding.size), np.float32)
    whose = np.zeros(len(group), np.int64)
    places: list[Place | None] = []
    recent: list[deque[int]] = []
    which: list[int] = []
    used = 0
    for one in group:
        assert one.embedding is not None, "of an object"
        cosines = looks[:used] @ one.embedding
        for near in np.flatnonzero(cosines >= SAME):
            if _apart(places[whose[near]], one.place):
                cosines[near] = -1.0
        best = int(cosines.argmax()) if used else 0
        if used and cosines[best] >= SAME:
            own = int(whose[best])
        else:
            own = len(places)
            places.append(None)
            recent.append(deque())
        if len(recent[own]) == LOOKS:
            row = recent[own].popleft()
        else:
            row, used = used, used + 1
        recent[own].append(row)
        looks[row], whose[row], places[own] = one.embedding, own, one.place or places[own]
        which.append(own)
    return which


def _merged(group: Sequence[Sighting]) -> list[Individual]:
    found: dict[int, Individual] = {}
    for number, one in zip(linked(group), group, strict=True):
        found[number] = found[number].met(one) if number in found else Individual.of(one)
    return list(found.values())


def _apart(one: Place | None, other: Place | None) -> bool:
    """Whether both places are known, and not the same; those in other frames cannot be compared."""
    if one is None or other is None or one.frame != other.frame:
        return False
    return math.dist(one.position, other.position) > NEAR_M
