"""An explanation of a moment in words."""

from __future__ import annotations

from collections.abc import Iterator

from sage.explain.explanation import Explanation, ModalityExplanation, Prediction
from sage.explain.past_state import PastState
from sage_common.core.clock import NS_PER_MS, NS_PER_S, local_time
from sage_snarc.core.reason import QUIET, as_rare_as, duration, far_away

NOT_KEPT = "(what is behind it was not kept)"
HIGH = 0.7
REWARD_SPAN = 0.1
SKILLED = 0.05
LEAST_P, COMMON_P = 1e-9, 0.1


def lines(explanation: Explanation) -> list[str]:
    """The explanation, line by line."""
    found = [_headline(explanation), *_circumstances(explanation)]
    for modal in explanation.modalities:
        found += ["", *_modal(explanation, modal)]
    return found + [""] * bool(explanation.notes) + [f"note: {note}" for note in explanation.notes]


def _headline(explanation: Explanation) -> str:
    where = {
        "graph": "known to the running graph since",
        "memory": "kept in the memory since",
    }.get(explanation.origin, f"of {explanation.origin} since")
    since = local_time(explanation.known_from_ns)
    rank = f"above {_share(explanation.rank)} of the moments {where} {since}"
    time = local_time(explanation.stamp_ns)
    if explanation.bag_start_ns is not None:
        time += f" (+{(explanation.stamp_ns - explanation.bag_start_ns) / NS_PER_S:.3f} s)"
    rate = explanation.alarms_per_hour
    level = "" if rate is None or explanation.total < QUIET else f", {as_rare_as(rate)}"
    return f"{time}  salience {explanation.total:.2f}{level}, {rank}"


def _circumstances(explanation: Explanation) -> Iterator[str]:
    if explanation.asked_ns is not None:
        away_ns = explanation.stamp_ns - explanation.asked_ns
        if abs(away_ns) >= NS_PER_MS:
            side = "after" if away_ns > 0 else "before"
            yield f"nearest to what was asked for: {_span(abs(away_ns))} {side} it"
    if explanation.experience_id:
        yield f"experience {explanation.experience_id}"
    if not explanation.valid:
        yield f"not valid: {explanation.reason}"
    elif explanation.total < QUIET:
        yield f"not salient: {explanation.reason}"
    else:
        yield f"because: {explanation.reason}"
    if explanation.state is not None:
        yield f"metabolic state: {_state(explanation.state)}"


def _state(state: PastState) -> str:
    if state.name is None or state.since_ns is None:
        return f"not known: {state.reason}"
    return f"{state.name} since {local_time(state.since_ns)}: {state.reason}"


def _modal(explanation: Explanation, modal: ModalityExplanation) -> Iterator[str]:
    name = f"{modal.modality}/{modal.source}" if modal.source else modal.modality
    if not modal.live:
        yield f"{name}  not live: {modal.invalid_reason}"
        return
    parts = [] if modal.total is None else [f"total {modal.total:.2f}"]
    if modal.weight is not None:
        parts.append(f"weight {modal.weight:.2f}")
    if modal.modality == explanation.dominant:
        parts.append("dominates")
    age_ns = explanation.stamp_ns - modal.stamp_ns
    if age_ns >= NS_PER_MS:
        parts.append(f"its newest percept is {_span(age_ns)} older")
    yield f"{name}  {', '.join(parts)}".rstrip()
    if modal.total is not None:
        yield f"  {verdict(modal)}"
    if modal.p_value is not None and modal.alarms_per_hour is not None:
        salient = modal.total is not None and modal.total >= QUIET
        level = f"; its total is {as_rare_as(modal.alarms_per_hour)}" if salient else ""
        yield f"  {_unusual(modal.p_value)}{level}"
    for dimension, value, meaning in rows(modal):
        yield f"  {dimension:<11} {'   ?' if value is None else f'{value:.2f}'}  {meaning}"


def verdict(modal: ModalityExplanation) -> str:
    """Whether a live modality was salient, and why or why not."""
    total = modal.total or 0.0
    own = modal.reason.removeprefix(f"{modal.modality}: ")
    if total >= QUIET:
        return f"salient: {own}"
    causes = [own]
    fresh = _unhabituated(total, modal.habituation or 0.0)
    lowered = modal.reward <= 0.5 - REWARD_SPAN
    if fresh >= QUIET:
        causes.append(f"without repetition it would be about {fresh:.2f}")
    if lowered:
        causes.append("similar moments turned out badly, which lowers it")
    high = [name for name in ("surprise", "novelty", "arousal") if getattr(modal, name) >= HIGH]
    if high and not lowered and fresh < QUIET:
        causes.append(f"{' and '.join(high)} hardly above what is usual here")
    return f"not salient: {'; '.join(causes)}"


def rows(modal: ModalityExplanation) -> list[tuple[str, float | None, str]]:
    """Each dimension with its value and what it means, and habituation."""
    past = f"intensity and change above {modal.arousal:.0%} of its past"
    found = [
        ("surprise", modal.surprise, _surprise(modal.surprise, modal.predicted)),
        ("novelty", modal.novelty, _novelty(modal)),
        ("arousal", modal.arousal, past),
        ("reward", modal.reward, _reward(modal.reward)),
        ("conflict", modal.conflict, _conflict(modal)),
    ]
    if modal.habituation is not None:
        found.append(("habituation", modal.habituation, _habituation(modal)))
    return found


FLATLINE_RANK = 0.9
"""A rank this high without a large error is a flatline: `sage_snarc.core.dimensions.flatline`."""


def _surprise(rank: float, predicted: Prediction | None) -> str:
    past = f"above {rank:.0%} of its past"
    if predicted is None:
        return f"error {past} {NOT_KEPT}"
    usual, error = predicted.usual_error, predicted.error
    if rank >= FLATLINE_RANK and error <= usual and usual > 0.0:
        flatline = "changes far less than it nearly ever did"
        return f"{flatline}; predicted to within {_figure(usual)} as usual"
    if error > 0.0 and usual > 0.0:
        seen = f"was {_figure(error)} off, {error / usual:.1f} times that: {past}"
        return f"predicted to within {_figure(usual)} as usual, {seen}"
    if error > 0.0:
        return f"was {_figure(error)} off where there usually is no error"
    if usual > 0.0:
        return f"as predicted, or nothing was predicted; usually {_figure(usual)} off"
    return "as predicted, or nothing was predicted yet"


def _novelty(modal: ModalityExplanation) -> str:
    if not modal.detailed:
        return f"distance to the nearest remembered percept {NOT_KEPT}"
    if modal.neighbour is None:
        return "nothing remembered to compare with"
    nearest = modal.neighbour
    age = _span(round(nearest.age_s * NS_PER_S))
    seen = f"{age} earlier at {local_time(nearest.seen_ns, with_date=False)}"
    if nearest.distance == 0.0:
        return f"identical to remembered percept #{nearest.id}, {seen}"
    return f"nearest remembered percept #{nearest.id}, {seen}, {far_away(nearest.distance)}"


def _reward(value: float) -> str:
    if abs(value - 0.5) < 0.005:
        return "unknown: no outcome of similar moments"
    if abs(value - 0.5) < REWARD_SPAN:
        return "similar moments turned out neither well nor badly"
    return f"similar moments turned out {'well' if value > 0.5 else 'badly'}"


def _conflict(modal: ModalityExplanation) -> str:
    if not modal.detailed:
        return f"disagreement with the other modalities {NOT_KEPT}"
    if modal.cross is None:
        return "unknown: no other modality was live, or too few moments together so far"
    cross = modal.cross
    if cross.skill < SKILLED:
        return f"the others cannot predict it (skill {cross.skill:.2f}), so cannot contradict it"
    usual = f"the others predict it to within {_figure(cross.usual_error)} as usual"
    return f"{usual}, {_figure(cross.error)} off; skill {cross.skill:.2f}"


def _habituation(modal: ModalityExplanation) -> str:
    taken = modal.habituation or 0.0
    if taken < 0.005:
        return "no repetition"
    without = _unhabituated(modal.total or 0.0, taken)
    return f"repetition has taken {taken:.0%}; without it the total would be about {without:.2f}"


def _unusual(p_value: float) -> str:
    if p_value >= 1.0:
        return "as usual as any sample, or unknown yet (p = 1)"
    if p_value >= COMMON_P:
        return f"{p_value:.0%} of the samples are as unusual (p = {p_value:.2g})"
    if p_value < LEAST_P:
        return f"less than 1 sample in {1.0 / LEAST_P:,.0f} is as unusual (p < {LEAST_P:.0e})"
    return f"1 sample in {1.0 / p_value:,.0f} is as unusual (p = {p_value:.2g})"


def _unhabituated(total: float, habituation: float) -> float:
    return min(total / (1.0 - habituation), 1.0) if habituation < 1.0 else 1.0


def _share(rank: float) -> str:
    """A share in percent that is never rounded to all or, from below, to none."""
    tenths = int(rank * 1000.0)
    if tenths == 0:
        return "none" if rank == 0.0 else "0.1%"
    return f"{tenths / 10:.1f}%" if tenths < 10 or tenths > 990 else f"{tenths // 10}%"


def _span(nanoseconds: int) -> str:
    """Like `duration`, to the millisecond where that matters."""
    if nanoseconds < NS_PER_S:
        return f"{nanoseconds / NS_PER_MS:.0f} ms"
    return duration(nanoseconds / NS_PER_S)


def _figure(value: float) -> str:
    """Two significant digits, and no exponent where none is needed."""
    return f"{value:.0f}" if value >= 10.0 else f"{value:.2g}"
