"""Which labels go with which moment: those of its source, at its time, whenever they come.

A plugin takes a while to recognise something, and a moment is kept a while after it happened:
either may come first.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sage_common.core.clock import NS_PER_S
from sage_common.core.labels import Labels, check_vocabulary, joined
from sage_common.core.state.fields import Transient
from sage_common.core.state.stateful import Stateful
from sage_memory.core.experience import Experience

MOST_SIGHTINGS = 256
MOST_KEPT = 64
KEPT_S = 60.0
"""Labels may come so much later than their percept was sensed."""


@dataclass(frozen=True)
class Sighting:
    """What a model recognised in a percept: in all of it, or things with their boxes."""

    modality: str
    source: str
    stamp_ns: int
    has_boxes: bool
    labels: Labels


@dataclass(frozen=True)
class KeptMoment:
    """A moment that is kept, and of which labels may still come."""

    modality: str
    source: str
    stamp_ns: int
    id: bytes


@dataclass(frozen=True)
class Vocabulary:
    """The classes of a model: names in order, and the numbers of the names."""

    names: tuple[str, ...]
    numbers: Mapping[str, int]


class LabelMatcher(Stateful):
    """Joins labels with moments; from any thread.

    Args:
        within_s: a sighting goes with the moments of its source at most this far away in time;
            of several of one model the nearest does, of equally near ones the last.
    """

    _vocabularies: Transient[dict[str, dict[str, Vocabulary]]]
    """Modality -> model -> its classes; the model that was announced last is the last."""
    _sightings: Transient[deque[Sighting]]
    _kept: Transient[deque[KeptMoment]]

    def __init__(self, within_s: float) -> None:
        self._within_ns = round(within_s * NS_PER_S)
        self._vocabularies = {}
        self._sightings = deque(maxlen=MOST_SIGHTINGS)
        self._kept = deque(maxlen=MOST_KEPT)
        self._lock = threading.Lock()

    def announce(self, modality: str, model_id: str, names: Sequence[str]) -> None:
        """Note which classes a model has.

        Raises:
            InvalidInput: one of the names is none.
        """
        proven = check_vocabulary(names)
        with self._lock:
            known = self._vocabularies.setdefault(modality, {})
            known.pop(model_id, None)
            known[model_id] = Vocabulary(proven, {name: n for n, name in enumerate(proven)})

    def model_of(self, modality: str, names: Iterable[str]) -> str:
        """The model announced last that has all these classes; empty: none was yet."""
        wanted = set(names)
        with self._lock:
            known = self._vocabularies.get(modality, {})
            having = [model for model, has in known.items() if wanted <= has.numbers.keys()]
        return having[-1] if having else ""

    def vocabulary(self, modality: str, model_id: str) -> Vocabulary:
        """The classes of a model that was announced."""
        with self._lock:
            return self._vocabularies[modality][model_id]

    def see(self, sighting: Sighting) -> list[tuple[bytes, Labels]]:
        """Note a sighting; ids of kept moments that it goes with, and what they show now."""
        with self._lock:
            self._sightings.append(sighting)
            model_id = sighting.labels.model_id
            found = []
            for moment in self._kept:
                near = self._nearest(moment.modality, moment.source, moment.stamp_ns)
                shown = near.get(model_id, [])
                if any(one is sighting for one in shown):
                    found.append((moment.id, joined([one.labels for one in shown])))
            return found

    def before(self, experience: Experience) -> list[Labels]:
        """What was recognised up to now in a moment that is about to be kept."""
        with self._lock:
            return self._shown(experience)

    def kept(self, experience: Experience, had: Sequence[Labels]) -> list[Labels]:
        """Note a moment that was kept with what it `had`; what has come meanwhile."""
        stamp_ns = experience.end_ns
        with self._lock:
            oldest_ns = stamp_ns - round(KEPT_S * NS_PER_S)
            while self._kept and self._kept[0].stamp_ns < oldest_ns:
                self._kept.popleft()
            names = (experience.modality, experience.source)
            self._kept.append(KeptMoment(*names, stamp_ns, experience.id))
            return [labels for labels in self._shown(experience) if labels not in had]

    def _shown(self, experience: Experience) -> list[Labels]:
        near = self._nearest(experience.modality, experience.source, experience.end_ns)
        return [joined([one.labels for one in sightings]) for sightings in near.values()]

    def _nearest(self, modality: str, source: str, stamp_ns: int) -> dict[str, list[Sighting]]:
        """Model -> its sightings of the percept nearest in time, the last of each kind."""
        nearest: dict[str, list[Sighting]] = {}
        for one in self._sightings:
            distance_ns = abs(one.stamp_ns - stamp_ns)
            if (one.modality, one.source) != (modality, source) or distance_ns > self._within_ns:
                continue
            known = nearest.get(one.labels.model_id)
            best_ns = abs(known[0].stamp_ns - stamp_ns) if known else distance_ns + 1
            if known and one.stamp_ns == known[0].stamp_ns:
                known[:] = [k for k in known if k.has_boxes != one.has_boxes] + [one]
            elif distance_ns <= best_ns:
                nearest[one.labels.model_id] = [one]
        return nearest
