"""Rows of the bench: what outcomes add to equal weights, and whether modalities foretell others."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row
from sage_bench.salience.finding import row_of_estimate
from sage_bench.salience.hindsight import fitted_in_hindsight
from sage_bench.salience.measures import auroc, value
from sage_bench.salience.outcomes import (
    ANNOYING,
    FIRST_HEARD,
    carried_over,
    learned_along,
    learned_from_first,
)
from sage_bench.salience.played import Judged, Played, chosen_half, play
from sage_bench.salience.streams.percepts import MODALITIES
from sage_bench.salience.streams.schedule import FAMILIES, SIGHTS, SOUNDS
from sage_bench.salience.streams.sources import DEVELOPMENT
from sage_bench.salience.trace import EQUAL, FUSED, LEARNED, fuse
from sage_common.core.state.arrays import Arrays
from sage_snarc.core.fusion import Fusion

CARRIED, ALONG = "learned before, carried over", "learned along the way"
CLEARLY = 0.001
"""An interval that begins at zero does not exclude it."""
WORST = -0.02
RULE = (
    "outcomes are those of a simulated person who judges each window right after its end: +1 after "
    f"an event; -1 after background whose fused salience exceeds {ANNOYING:.0%} of the background "
    f"windows that she has seen (of which the first {FIRST_HEARD} go unjudged); nothing else. Only "
    "fusion is told, so that equal weights see the same scorers; scores are from before their "
    "outcome"
)
POLICIES = {
    "": FAMILIES,
    ", only sounds matter": tuple(SOUNDS),
    ", only what is seen matters": SIGHTS,
    ", only knocks matter": ("knock",),
    ", sounds do not matter": tuple(name for name in FAMILIES if name not in SOUNDS),
}
"""Families of events that matter to a person, by what is said of her."""
COUNTS = (5, 10, 20, 40, 80)
"""Outcomes after which the learning curve is looked at."""
INTEREST = (
    "'only sounds matter': to this person the labelled sounds mattered and all other events did "
    "not (-1, as after background), and the AUROC is that of the sounds against all else; "
    "likewise the others"
)
CURVE = (
    "'after 20 outcomes': learned from the first 20 of them, on the streams learned on; what was "
    "learned by then is carried over, and learns no more"
)
HINDSIGHT = (
    "'in hindsight': the same logistic regression, fitted to every window of the streams that it "
    "is judged on: about what there is to be learned"
)
TOO_SHORT = (
    "learned weights and cross-modal skill need more than one stream: measured in a full run"
)


def rows(setting: Setting) -> Figures:
    """Fused salience with learned weights beside equal weights."""
    if setting.quick:
        return Figures(notes=(TOO_SHORT,))
    before, played, where = _split(setting)
    made: list[Row] = []
    verdicts: list[str] = []
    for policy, interests in POLICIES.items():
        found = {f"{name}{policy}": run for name, run in _runs(before, played, interests).items()}
        made += [row for name, run in found.items() for row in _rows_of_run(name, run)]
        made.append(_worst_stream(f"{ALONG}{policy}", found[f"{ALONG}{policy}"]))
        made += _curve(before, played, policy, interests)
        made.append(_hindsight(played, policy, interests))
        verdicts += [_verdict(name, run) for name, run in found.items()]
    return Figures(tuple(made), (RULE, INTEREST, CURVE, HINDSIGHT, where, *verdicts))


def _runs(before: Played, played: Played, interests: Collection[str]) -> dict[str, Judged]:
    """Judged by a person of these interests: learned before, and learned along the way."""
    fusion = Fusion(MODALITIES)
    learned_along(before.scored, before.percepts, fusion, interests)
    carried = carried_over(played.scored, fusion.state())
    along = learned_along(played.scored, played.percepts, Fusion(MODALITIES), interests)
    windows = played.windows.of_interest(interests)
    return {CARRIED: Judged(windows, tuple(carried)), ALONG: Judged(windows, tuple(along))}


def _curve(
    before: Played, played: Played, policy: str, interests: Collection[str]
) -> Iterator[Row]:
    """How good fusion is after the first few outcomes."""
    states = learned_from_first(COUNTS, before.scored, before.percepts, interests)
    for count, state in states.items():
        yield _after(count, state, played, policy, interests)


def _after(
    count: int, state: Arrays, played: Played, policy: str, interests: Collection[str]
) -> Row:
    traces = carried_over(played.scored, state)
    run = Judged(played.windows.of_interest(interests), tuple(traces))
    beside = {EQUAL: run.value(EQUAL), "learned weights, fully trusted": run.value(LEARNED)}
    return row_of_estimate(f"AUROC after {count} outcomes{policy}", run.estimate(FUSED), None,
        beside)  # fmt: skip


def _hindsight(played: Played, policy: str, interests: Collection[str]) -> Row:
    """What is there to be gained at all."""
    windows = played.windows.of_interest(interests)
    run = Judged(windows, tuple(fuse(scored) for scored in played.scored))
    best = value(windows, fitted_in_hindsight(windows, run.traces), auroc)
    name = f"AUROC, weights fitted in hindsight{policy}"
    return Row(name, best, "", None, "higher", {EQUAL: run.value(EQUAL)}, len(windows))


def cross_modal_rows(setting: Setting) -> Figures:
    """Skill of predicting each modality from the others, in the thirds of the streams."""
    if setting.quick:
        return Figures(notes=(TOO_SHORT,))
    played = play(setting, chosen_half(setting.quick))
    traces = [fuse(scored) for scored in played.scored]
    made = []
    for modality in MODALITIES:
        skills = [trace.scores[f"{modality} skill"] for trace in traces]
        start, middle, end = (
            float(np.mean([np.array_split(skill, 3)[part].mean() for skill in skills]))
            for part in range(3)
        )
        beside = {"first third": start, "second third": middle, "predicting the mean": 0.0}
        made.append(
            Row(f"cross-modal skill, {modality}, last third of the streams", end, "", start,
                "higher", beside, len(skills))
        )  # fmt: skip
    return Figures(tuple(made))


def _split(setting: Setting) -> tuple[Played, Played, str]:
    """What is learned on, what is judged, and a note that says so."""
    half = chosen_half(setting.quick)
    if half != DEVELOPMENT:
        note = f"'{CARRIED}': learned on the development half, judged on the {half} half"
        return play(setting, DEVELOPMENT), play(setting, half), note
    played = play(setting, DEVELOPMENT)
    middle, end = len(played.scored) // 2, len(played.scored)
    note = f"learned on the first {middle} streams, judged on the other {end - middle}"
    return played.part(0, middle), played.part(middle, end), note


def _rows_of_run(name: str, run: Judged) -> list[Row]:
    beside = {
        EQUAL: run.value(EQUAL),
        "learned weights, fully trusted": run.value(LEARNED),
    }
    gain = run.gain(FUSED, EQUAL)
    return [
        row_of_estimate(f"AUROC, {name}", run.estimate(FUSED), None, beside),
        row_of_estimate(f"AUROC, learned minus equal weights, {name}", gain),
        Row(f"AUROC, learned minus equal weights, {name}, low end of 95 %", gain.low, "", CLEARLY,
            "higher", samples=gain.windows),
        row_of_estimate(
            f"AUROC, learned weights fully trusted minus equal, {name}", run.gain(LEARNED, EQUAL)
        ),
    ]  # fmt: skip


def _worst_stream(run_name: str, run: Judged) -> Row:
    """The stream that learned weights harm most."""
    gains = []
    for number in np.unique(run.windows.stream):
        chosen = run.windows.stream == number
        windows = run.windows.where(chosen)
        one = Judged(replace(windows, stream=windows.stream * 0), (run.traces[int(number)],))
        gains.append(one.value(FUSED) - one.value(EQUAL))
    name = f"AUROC, learned minus equal weights, {run_name}, worst stream"
    return Row(name, min(gains), "", WORST, "higher", samples=len(gains))


def _verdict(name: str, run: Judged) -> str:
    gain = run.gain(FUSED, EQUAL)
    excludes = "excludes" if gain.low > 0.0 or gain.high < 0.0 else "does not exclude"
    return (
        f"{name}: fused salience differs from equal weights by {gain.value:+.4f} of AUROC, and the "
        f"interval {gain.low:+.4f} to {gain.high:+.4f} {excludes} zero"
    )
