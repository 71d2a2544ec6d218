"""Which labels go with which moment: those of its source, at its time, whenever they come.

A plugin takes a while to recognise something, and a moment is kept a while after it happened:
either may come first. A picture is what it is, but a sound goes on: it is kept as it begins, and
known once more of it was heard.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
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
        sounds: modalities whose moments go on.
        after_s: with those goes, up to this long after them and before the next one that is kept,
            the sighting whose best class is the most probable; of equal ones the nearest.
    """

    _vocabularies: Transient[dict[str, dict[str, Vocabulary]]]
    """Modality -> model -> its classes; the model that was announced last is the last."""
    _sightings: Transient[deque[Sighting]]
    _kept: Transient[deque[KeptMoment]]

    def __init__(self, within_s: float, sounds: Collection[str] = (), after_s: float = 0.0) -> None:
        self._within_ns = round(within_s * NS_PER_S)
        self._sounds, self._after_ns = frozenset(sounds), round(after_s * NS_PER_S)
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
                shown = self._shown(moment).get(model_id, [])
                if any(one is sighting for one in shown):
                    found.append((moment.id, _joined(shown)))
            return found

    def before(self, experience: Experience) -> list[Labels]:
        """What was recognised up to now in a moment that is about to be kept."""
        with self._lock:
            return [_joined(shown) for shown in self._shown(_moment(experience)).values()]

    def kept(self, experience: Experience, had: Sequence[Labels]) -> list[tuple[bytes, Labels]]:
        """Note a moment that was kept with what it `had`; what has come meanwhile, by id.

        A sound before it that had taken a name of it gives that back.
        """
        now = _moment(experience)
        with self._lock:
            oldest_ns = now.stamp_ns - round(KEPT_S * NS_PER_S)
            while self._kept and self._kept[0].stamp_ns < oldest_ns:
                self._kept.popleft()
            before = [(one, self._shown(one)) for one in self._kept if self._goes_on(one, now)]
            self._kept.append(now)
            mine = [_joined(shown) for shown in self._shown(now).values()]
            found = [(now.id, labels) for labels in mine if labels not in had]
            for one, was in before:
                shown = self._shown(one)
                for model_id in (m for m in was if shown.get(m) != was[m]):
                    labels = _joined(shown[model_id]) if model_id in shown else Labels(model_id, ())
                    found.append((one.id, labels))
            return found

    def _shown(self, moment: KeptMoment) -> dict[str, list[Sighting]]:
        """Model -> its sightings that go with a moment: of one percept, the last of each kind."""
        looks: dict[tuple[str, int], dict[bool, Sighting]] = {}
        for one in self._sightings:
            if self._goes_with(one, moment):
                look = looks.setdefault((one.labels.model_id, one.stamp_ns), {})
                look.pop(one.has_boxes, None)
                look[one.has_boxes] = one
        best: dict[str, list[Sighting]] = {}
        for (model_id, _), look in looks.items():
            found = list(look.values())
            known = best.get(model_id)
            if known is None or self._rank(found, moment) >= self._rank(known, moment):
                best[model_id] = found
        return best

    def _goes_with(self, one: Sighting, moment: KeptMoment) -> bool:
        if (one.modality, one.source) != (moment.modality, moment.source):
            return False
        after_ns = one.stamp_ns - moment.stamp_ns
        if abs(after_ns) <= self._within_ns:
            return True
        if not 0 < after_ns <= self._after_ns or moment.modality not in self._sounds:
            return False
        later = [k.stamp_ns for k in self._kept if self._goes_on(moment, k)]
        return not later or one.stamp_ns < min(later) - self._within_ns

    def _goes_on(self, moment: KeptMoment, later: KeptMoment) -> bool:
        """Whether a sound of the same source is ended by a later moment."""
        return (
            moment.modality in self._sounds
            and (moment.modality, moment.source) == (later.modality, later.source)
            and moment.stamp_ns < later.stamp_ns
        )

    def _rank(self, look: Sequence[Sighting], moment: KeptMoment) -> tuple[float, int]:
        surest = 0.0
        if moment.modality in self._sounds:
            surest = max((n.probability for one in look for n in one.labels.labels), default=0.0)
        return surest, -abs(look[0].stamp_ns - moment.stamp_ns)


def _joined(look: Sequence[Sighting]) -> Labels:
    return joined([one.labels for one in look])


def _moment(experience: Experience) -> KeptMoment:
    return KeptMoment(experience.modality, experience.source, experience.end_ns, experience.id)
