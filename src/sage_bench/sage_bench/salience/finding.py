"""Rows of the bench: how well events are found, how fast, beside every baseline."""

from __future__ import annotations

from functools import lru_cache

from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row
from sage_bench.salience import numbers
from sage_bench.salience.baselines.forms import FORMS, LARGEST_SIMPLE, baselines, raw_scores
from sage_bench.salience.baselines.signals import SIGNALS
from sage_bench.salience.measures import Estimate, average_precision
from sage_bench.salience.played import Judged, chosen_half, play
from sage_bench.salience.streams.percepts import cache_folder
from sage_bench.salience.streams.stream import streams
from sage_bench.salience.trace import DIMENSIONS, EQUAL, FUSED, Trace, fuse

GOAL = 0.95
MOST_BEHIND = 0.02
"""By how much any single signal may exceed fused salience on any family of events."""
ALL = "all events"
REFERENCE = (
    "reference: systems.md section 9 states figures of the reference scorer but no formulas, so it "
    "cannot be run here; its stated salience, a constant 0.200, has an AUROC of 0.5 by definition"
)
ALONE = {name: f"{name} alone" for name in DIMENSIONS}
FEW = (EQUAL, LARGEST_SIMPLE, "river half-space trees", "isolation forest")
"""Beside which average precision and detection stand, too."""


@lru_cache(maxsize=1)
def judged(setting: Setting, half: str) -> Judged:
    """Fused salience, its dimensions alone, equal weights and all baselines, on every stream."""
    played = play(setting, half)
    traces: list[Trace] = []
    names: tuple[str, ...] = ()
    for stream, percepts, scored in zip(
        streams(half, setting.data, setting.quick), played.percepts, played.scored, strict=True
    ):
        ours = fuse(scored)
        raw = raw_scores(stream, percepts, cache_folder())
        others = {**baselines(raw), **numbers.largest_of_signals(raw)}
        alone = {ALONE[name]: ours.scores[name] for name in DIMENSIONS}
        traces.append(Trace(ours.times_s, {**ours.scores, **alone, **others}))
        names = (*others, *alone, EQUAL)
    return Judged(played.windows, tuple(traces), names)


def rows(setting: Setting) -> Figures:
    """AUROC, average precision, share found and delay, of all events and of each family."""
    half = chosen_half(setting.quick)
    found = judged(setting, half)
    families = ("", *found.windows.families)
    made = [
        *(_auroc(found, family) for family in families),
        _margin(found),
        _behind(found),
        *(_precision(found, family) for family in families),
        *(row for family in families for row in _detection(found, family)),
    ]
    return Figures(tuple(made), (_circumstances(found, half), FORMS, numbers.NOTE, REFERENCE))


def _auroc(found: Judged, family: str) -> Row:
    """The goal of a family is to be above every baseline; unlearned, equal weights are the same."""
    beside = {name: found.value(name, family=family) for name in found.beside}
    goal = max(value for name, value in beside.items() if name != EQUAL) if family else GOAL
    return row_of_estimate(f"AUROC: {family or ALL}", found.estimate(FUSED, family=family), goal,
        beside)  # fmt: skip


def _margin(found: Judged) -> Row:
    beside = {name: found.value(name) for name in found.beside if name != EQUAL}
    best = max(beside, key=lambda name: beside[name])
    return row_of_estimate(f"AUROC, {ALL}, fused minus {best}", found.gain(FUSED, best), 0.0)


def _behind(found: Judged) -> Row:
    """The family on which a single signal exceeds fused salience by most, or comes closest."""
    pairs = [(signal.name, family) for signal in SIGNALS for family in found.windows.families]
    ours = {family: found.value(FUSED, family=family) for family in found.windows.families}
    ahead = {pair: found.value(pair[0], family=pair[1]) - ours[pair[1]] for pair in pairs}
    signal, family = max(ahead, key=lambda pair: ahead[pair])
    gain = found.gain(signal, FUSED, family)
    name = f"AUROC, {signal} minus fused on {family}, the largest of any single signal and family"
    return Row(name, gain.value, "", MOST_BEHIND, samples=gain.windows, low=gain.low,
        high=gain.high)  # fmt: skip


def _precision(found: Judged, family: str) -> Row:
    beside = {name: found.value(name, average_precision, family) for name in FEW}
    ours = found.estimate(FUSED, average_precision, family)
    chosen = found.windows.where(found.windows.against_background(family))
    beside["chance"] = float(chosen.positive.mean())
    return row_of_estimate(f"average precision: {family or ALL}", ours, None, beside)


def _detection(found: Judged, family: str) -> list[Row]:
    ours = found.detection(FUSED, family)
    beside = {name: found.detection(name, family) for name in FEW}
    shares = {name: other.share for name, other in beside.items()}
    delays = {name: other.median_delay_s for name, other in beside.items() if other.share > 0.0}
    made = [
        Row(f"found within 2 s with 5 % false alarms: {family or ALL}", ours.share, "",
            better="higher", baselines=shares, samples=ours.events)
    ]  # fmt: skip
    if ours.share > 0.0:
        made.append(
            Row(f"delay of what is found, p50: {family or ALL}", ours.median_delay_s, "s",
                baselines=delays, samples=round(ours.share * ours.events))
        )  # fmt: skip
    return made


def row_of_estimate(
    name: str, found: Estimate, goal: float | None = None, beside: dict[str, float] | None = None
) -> Row:
    """A row with an interval, higher being better."""
    return Row(
        name, found.value, "", goal, "higher", beside or {}, found.windows,
        low=found.low, high=found.high,
    )  # fmt: skip


def _circumstances(found: Judged, half: str) -> str:
    windows, minutes = found.windows, sum(len(t.times_s) for t in found.traces) / 600.0
    events = int(windows.positive.sum())
    return (
        f"the {half} half: {len(found.traces)} streams, {minutes:.3g} minutes, {events} events, "
        f"{len(windows) - events} windows of background; intervals: 95 %, bootstrap of windows "
        "within each stream; every detector learns anew on each stream; proprioception is encoded "
        "ten times a second, as the others are, where its node does so twenty times"
    )
