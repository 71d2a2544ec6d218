"""What happened in a composition beside what the graph made of it. No ROS.

What happened is known from the composition; that it was noticed, when and why, is what the graph
published, and what it is called is what its plugins said. A moment that stood out while nothing
happened is a false alarm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sage.story.standing_out import Named, StandingOut, StoodOut
from sage_common.core.clock import NS_PER_S
from sage_sensors.core.story.laps import Happening, Laps

BEFORE_NS, AFTER_NS = NS_PER_S // 4, 2 * NS_PER_S
"""What stands out so long before an event begins, or after it has ended, is counted as its own: its
end is a change, too."""
NAMED_AFTER_NS = 4 * NS_PER_S
"""Plugins take their time, and somebody who speaks is understood when he pauses."""
HEARD = ("audio", "language")
MOST_NAMES = 3


@dataclass(frozen=True)
class Outcome:
    """One event, and what became of it.

    Attributes:
        name, lap: of the event.
        at_s, end_s: since the composition began [s].
        noticed_s: when it first stood out, since the composition began [s]; None: it did not.
        total, modality, reason: of its most salient moment.
        names: what plugins made of it, with who they are.
        question: that the composition has about it; "": none.
    """

    name: str
    lap: int
    at_s: float
    end_s: float
    noticed_s: float | None
    total: float
    modality: str
    reason: str
    names: tuple[str, ...]
    question: str = ""


@dataclass(frozen=True)
class StoryReport:
    """Events that are over, in order, and what stood out while nothing happened.

    Attributes:
        started_ns: when the composition began [ns].
        outcomes: of the events.
        false_alarms: each with when [s], how salient, which sense, and why.
    """

    started_ns: int
    outcomes: tuple[Outcome, ...]
    false_alarms: tuple[tuple[float, float, str, str], ...]

    @property
    def noticed(self) -> int:
        """So many events stood out."""
        return sum(outcome.noticed_s is not None for outcome in self.outcomes)

    def as_json(self) -> dict[str, Any]:
        """The report as JSON knows it."""
        alarms = [
            {"at_s": at_s, "total": total, "modality": modality, "reason": reason}
            for at_s, total, modality, reason in self.false_alarms
        ]
        events = [asdict(outcome) for outcome in self.outcomes]
        return {"events": events, "noticed": self.noticed, "false_alarms": alarms}


def story_report(laps: Laps, started_ns: int, until_ns: int, found: StandingOut) -> StoryReport:
    """What became of all events that were over at `until_ns`.

    Args:
        laps: what happened when.
        started_ns: when the composition began, and `until_ns` the end of the run [ns].
        found: what stood out, and what it was called.
    """
    going_on = laps.between(0, max(until_ns - started_ns, 0))
    events = [one for one in going_on if started_ns + one.end_ns <= until_ns]
    outcomes = tuple(_outcome(one, started_ns, found) for one in events)
    spans = [(started_ns + one.start_ns, started_ns + one.end_ns) for one in going_on]
    alone = [m for m in found.moments if not any(_belongs(m, *span) for span in spans)]
    return StoryReport(
        started_ns,
        outcomes,
        tuple(
            (_seconds(m.first_ns - started_ns), round(m.total, 2), m.modality, m.reason)
            for m in alone
            if m.first_ns >= started_ns
        ),
    )


def report_lines(report: StoryReport) -> Iterator[str]:
    """The report for people."""
    yield (
        f"of {len(report.outcomes)} things that happened, {report.noticed} stood out; "
        f"{len(report.false_alarms)} false alarms"
    )
    for one in report.outcomes:
        when = f"  {clock(one.at_s)}  {one.name}"
        if one.noticed_s is None:
            yield f"{when}: not noticed{_called(one)}"
            continue
        after_s = max(one.noticed_s - one.at_s, 0.0)
        yield f"{when}: noticed after {after_s:.1f} s{_called(one)}"
        yield f"        {one.total:.2f}  {one.reason}"
    for at_s, total, _, reason in report.false_alarms:
        yield f"  {clock(at_s)}  false alarm: {total:.2f}  {reason}"


def clock(time_s: float) -> str:
    """A time since the start, such as 1:05."""
    return f"{int(time_s) // 60}:{int(time_s) % 60:02d}"


def _called(outcome: Outcome) -> str:
    return f"; named: {', '.join(outcome.names)}" if outcome.names else ""


def _outcome(one: Happening, started_ns: int, found: StandingOut) -> Outcome:
    start_ns, end_ns = started_ns + one.start_ns, started_ns + one.end_ns
    moments = [m for m in found.moments if _belongs(m, start_ns, end_ns)]
    best = max(moments, key=lambda m: m.total, default=None)
    return Outcome(
        name=one.event.name,
        lap=one.lap,
        at_s=_seconds(one.start_ns),
        end_s=_seconds(one.end_ns),
        noticed_s=None if best is None else _seconds(moments[0].first_ns - started_ns),
        total=0.0 if best is None else round(best.total, 2),
        modality="" if best is None else best.modality,
        reason="" if best is None else best.reason,
        names=tuple(_names(one, found.names, start_ns, end_ns)),
        question=one.event.question,
    )


def _names(one: Happening, names: Iterable[Named], start_ns: int, end_ns: int) -> list[str]:
    """What plugins said of the senses that the event is for, each once."""
    senses = [*HEARD] if one.event.sound else []
    senses += ["vision"] if one.event.picture else []
    said = [
        f"{named.words} ({named.plugin})"
        for named in names
        if named.modality in senses and start_ns <= named.stamp_ns <= end_ns + NAMED_AFTER_NS
    ]
    return list(dict.fromkeys(said))[:MOST_NAMES]


def _belongs(moment: StoodOut, start_ns: int, end_ns: int) -> bool:
    return moment.last_ns >= start_ns - BEFORE_NS and moment.first_ns <= end_ns + AFTER_NS


def _seconds(time_ns: int) -> float:
    return round(time_ns / NS_PER_S, 2)
