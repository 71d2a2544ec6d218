"""Where the time of a cycle goes: from a sensor's sample to salience, and on to refinement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sage_common.core.diagnosis import stages
from sage_common.core.diagnosis.relief import relief_of
from sage_common.core.diagnosis.timing import TimingFacts

_SPANS = (stages.SENSE, stages.TO_SALIENCE, stages.TO_REFINEMENT)


@dataclass(frozen=True)
class Part:
    """One part of a whole.

    Attributes:
        name: of the stage, as in `stages`, those included that lie between them.
        mean_ms: what it takes of the whole on average; of the work: in a second.
        share: of the whole, 0 to 1.
        facts: as measured; None: it is what the others leave.
    """

    name: str
    mean_ms: float
    share: float
    facts: TimingFacts | None


@dataclass(frozen=True)
class Way:
    """One way through the graph, along which the stages come one after another.

    Attributes:
        facts: of the whole.
        parts: the largest first; their shares add up to 1.
        relief: one sentence: the bottleneck, and the parameter that relieves it.
    """

    facts: TimingFacts
    parts: tuple[Part, ...]
    relief: str


@dataclass(frozen=True)
class CycleProfile:
    """Where time goes.

    Attributes:
        modality: whose samples are followed; empty: nothing was measured yet.
        salience: from the sample's stamp to fused salience; None: none came.
        refinement: from there on to the result of a plugin's own run; None: none ran.
        work: what is computed in a second, the ways and all that overlaps with them: other
            modalities, attention, memory, plugins. It may be more than a second.
    """

    modality: str
    salience: Way | None
    refinement: Way | None
    work: tuple[Part, ...]


def cycle_profile(timings: Mapping[str, TimingFacts], streams: Mapping[str, str]) -> CycleProfile:
    """The profile of what nodes measured.

    Args:
        timings: by name, as `stages` has them.
        streams: of the sensor of each modality; the first from which salience comes is followed.
    """
    modality = next((name for name in streams if stages.to_salience(name) in timings), "")
    if not modality:
        return CycleProfile("", None, None, _work(timings))
    names = (
        stages.sense(streams[modality]), stages.encode(modality), stages.score(modality),
        stages.fuse(modality),
    )  # fmt: skip
    measured = {name: timings[name] for name in names if name in timings}
    means_ms = {name: facts.mean_ms for name, facts in measured.items()}
    salience = _way(timings[stages.to_salience(modality)], means_ms, stages.HAND_OVER, measured)
    return CycleProfile(
        modality, salience, _refinement(timings, modality, salience, measured), _work(timings)
    )


def _refinement(
    timings: Mapping[str, TimingFacts],
    modality: str,
    salience: Way,
    measured: Mapping[str, TimingFacts],
) -> Way | None:
    whole = timings.get(stages.to_refinement(modality))
    if whole is None:
        return None
    runs = {
        name: facts
        for name, facts in timings.items()
        if name.startswith(stages.REFINE + " ") and name.endswith(f" {modality}")
    }
    count_hz = sum(facts.rate_hz for facts in runs.values())
    means_ms = {part.name: part.mean_ms for part in salience.parts}
    for name, facts in runs.items():
        means_ms[name] = facts.mean_ms * facts.rate_hz / count_hz
    return _way(whole, means_ms, stages.WAIT, {**measured, **runs})


def _way(
    whole: TimingFacts,
    means_ms: Mapping[str, float],
    rest: str,
    measured: Mapping[str, TimingFacts],
) -> Way:
    """Parts of a whole: what is known, and as `rest` what that leaves."""
    left_ms = max(whole.mean_ms - sum(means_ms.values()), 0.0)
    parts = _parts({**means_ms, rest: left_ms}, measured)
    most, percent = parts[0], 100.0 * parts[0].share
    return Way(
        whole,
        parts,
        f"{most.name} takes {percent:.0f} % of it ({most.mean_ms:.1f} of {whole.mean_ms:.1f} ms "
        f"on average); {relief_of(most.name).advice}",
    )


def _work(timings: Mapping[str, TimingFacts]) -> tuple[Part, ...]:
    """Of stages in which something is computed: sensing is mostly waiting for the sensor."""
    done = {name: facts for name, facts in timings.items() if not name.startswith(_SPANS)}
    return _parts({n: f.mean_ms * f.rate_hz for n, f in done.items()}, done)


def _parts(means_ms: Mapping[str, float], measured: Mapping[str, TimingFacts]) -> tuple[Part, ...]:
    whole_ms = sum(means_ms.values()) or 1.0
    parts = (
        Part(name, mean_ms, mean_ms / whole_ms, measured.get(name))
        for name, mean_ms in means_ms.items()
    )
    return tuple(sorted(parts, key=lambda part: -part.share))
