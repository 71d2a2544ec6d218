"""Reputation of sources: what came of what a sensor, a speaker, a device, or a thing said.

Trust is a mean of evidence with a prior of one observation of 0.5 (Laplace's rule), where the
evidence of one experience is the mean of how well it turned out, how well it agreed with what
others said, and how little it was in conflict. Without news it halves its distance to 0.5 once a
half life: who was not heard of for long is neither trusted nor distrusted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.engine import Connection

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.specs.modality import ModalitySpec
from sage_memory.core.engine.database import upsert
from sage_memory.core.engine.schema import entities
from sage_memory.core.experience import MAX_NAME, Experience

SENSORS = ("camera", "microphone", "imu")
"""Kinds of sensors that modalities come from; of others it is `sensor:MODALITY/SOURCE`."""
KINDS = (*SENSORS, "sensor", "speaker", "device", "thing")
PRIOR = 0.5
MEMORY = 200
"""Observations after which an old one counts less: means follow what has changed."""


@dataclass(frozen=True)
class Entity:
    """What is known of one source.

    Attributes:
        name: `camera:front`, `sensor:scan/rear`, `speaker:anna`, `device:x`, or `thing:cup`.
            Stores of earlier versions also have `sensor:front` for all sensors of that name.
        kind: one of `KINDS`.
        reward: mean of how well things turned out, [-1, 1].
        coherence: mean agreement with others, [0, 1].
        conflict: mean conflict with others, [0, 1].
        trust: [0, 1], when it was last seen.
        observations: experiences and outcomes that it was part of.
        last_ns: when it was last seen.
    """

    name: str
    kind: str
    reward: float = 0.0
    coherence: float = PRIOR
    conflict: float = 0.0
    trust: float = PRIOR
    observations: int = 0
    last_ns: int = 0

    def trust_at(self, now_ns: int, half_life_s: float) -> float:
        """Trust with staleness, [0, 1]: on its way back to 0.5 since it was last seen."""
        age_s = max(now_ns - self.last_ns, 0) / NS_PER_S
        return float(PRIOR + (self.trust - PRIOR) * 0.5 ** (age_s / half_life_s))


@dataclass(frozen=True)
class Evidence:
    """What one experience or outcome says of a source.

    Attributes:
        stamp_ns: when.
        reward: [-1, 1]; None: it turned out in no way yet.
        conflict: [0, 1] with what others said at that moment; None: nothing is known.
    """

    stamp_ns: int
    reward: float | None = None
    conflict: float | None = None


def named(name: str) -> Entity:
    """An entity of which nothing is known.

    Raises:
        InvalidInput: the name has no kind before a colon, or is too long.
    """
    kind, colon, rest = name.partition(":")
    if kind not in KINDS or not colon or not rest or len(name) > MAX_NAME:
        kinds = ", ".join(KINDS)
        raise InvalidInput("entity", name, f"KIND:NAME, a kind of {kinds}; at most {MAX_NAME}")
    return Entity(name, kind)


def updated(entity: Entity, evidence: Evidence, half_life_s: float) -> Entity:
    """The entity after one more piece of evidence; older news than the last keeps its stamp.

    Raises:
        InvalidInput: a value is out of range.
    """
    reward, conflict = evidence.reward, evidence.conflict
    if reward is not None and not (math.isfinite(reward) and -1.0 <= reward <= 1.0):
        raise InvalidInput("reward", reward, "a number in [-1, 1]")
    if conflict is not None and not (math.isfinite(conflict) and 0.0 <= conflict <= 1.0):
        raise InvalidInput("conflict", conflict, "a number in [0, 1]")
    if reward is None and conflict is None:
        return replace(entity, last_ns=max(entity.last_ns, evidence.stamp_ns))
    weight = 1.0 / (min(entity.observations, MEMORY) + 2)  # the prior counts as one
    goods = []
    if reward is not None:
        goods.append(0.5 + 0.5 * reward)
    if conflict is not None:
        goods.append(1.0 - conflict)
    good = sum(goods) / len(goods)
    stale = entity.trust_at(evidence.stamp_ns, half_life_s)
    return replace(
        entity,
        reward=_mean(entity.reward, reward, weight),
        coherence=_mean(entity.coherence, None if conflict is None else 1.0 - conflict, weight),
        conflict=_mean(entity.conflict, conflict, weight),
        trust=_mean(stale, good, weight),
        observations=entity.observations + 1,
        last_ns=max(entity.last_ns, evidence.stamp_ns),
    )


def _mean(old: float, new: float | None, weight: float) -> float:
    return old if new is None else old + weight * (new - old)


def sources_of(experience: Experience, spec: ModalitySpec) -> list[str]:
    """Names of the entities that an experience of a modality is from or about."""
    names = [_sensor(experience, spec.stream), f"device:{experience.device_id}"]
    if experience.entity:
        known = experience.entity.partition(":")[0] in KINDS
        kind = "" if known else ("speaker:" if spec.words else "thing:")
        names.append(f"{kind}{experience.entity}")
    return [name[:MAX_NAME] for name in names if not name.endswith(":")]


def _sensor(experience: Experience, stream: str) -> str:
    name, source = experience.modality, experience.source
    if stream in SENSORS:
        return f"{stream}:{source}"
    return f"sensor:{name}/{source}" if source else f"sensor:{source}"


def evidence_of(experience: Experience) -> Evidence:
    """What an experience says of its sources; a reward of 0.5 means that none is known."""
    reward = None if experience.reward == PRIOR else 2.0 * experience.reward - 1.0
    return Evidence(experience.end_ns, reward, experience.conflict)


def read(connection: Connection, names: Iterable[str] | None = None) -> dict[str, Entity]:
    """Entities by name; all of them without names."""
    wanted = select(entities)
    if names is not None:
        wanted = wanted.where(entities.c.name.in_(list(names)))
    return {row.name: Entity(**row._mapping) for row in connection.execute(wanted)}


def learn(
    connection: Connection, found: Iterable[tuple[str, Evidence]], half_life_s: float
) -> dict[str, Entity]:
    """Add evidence about named entities, in order, in the caller's transaction; how they are now.

    Raises:
        InvalidInput: a name has no kind, or a value is out of range.
    """
    pairs = list(found)
    known = read(connection, {name for name, _ in pairs})
    changed: dict[str, Entity] = {}
    for name, evidence in pairs:
        before = changed.get(name) or known.get(name) or named(name)
        changed[name] = updated(before, evidence, half_life_s)
    if changed:
        entry = upsert(connection, entities)
        newer = {c.name: entry.excluded[c.name] for c in entities.columns if c.name != "name"}
        entry = entry.on_conflict_do_update(index_elements=[entities.c.name], set_=newer)
        connection.execute(entry, [dict(vars(entity)) for entity in changed.values()])
    return changed
