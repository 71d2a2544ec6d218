"""Which event of a composition is asked after at the end, and whether the answer is right. No ROS.

The question is the composition's own, and so is the truth: of all events that stood out and that
the memory keeps a name or words of, it is that of the most salient one, whatever the memory would
answer. Right is an answer from the time of an event of that kind.
"""

from __future__ import annotations

from collections.abc import Callable

from sage.story.story_report import NAMED_AFTER_NS, Outcome, StoryReport, clock
from sage_common.core.clock import NS_PER_S


def span_ns(report: StoryReport, one: Outcome) -> tuple[int, int]:
    """From when to when what is kept is of an event [ns]."""
    begin_ns = report.started_ns + round(one.at_s * NS_PER_S)
    return begin_ns, report.started_ns + round(one.end_s * NS_PER_S) + NAMED_AFTER_NS


def asked_after(report: StoryReport, is_named: Callable[[int, int], bool]) -> Outcome | None:
    """The event to ask after; None: of none with a question a name is kept.

    Args:
        report: of what happened.
        is_named: whether the memory keeps a name, or words, of something from one time to
            another [ns].
    """
    noticed = [one for one in report.outcomes if one.question and one.noticed_s is not None]
    named = [one for one in noticed if is_named(*span_ns(report, one))]
    return max(named, key=lambda one: one.total, default=None)


def is_right(report: StoryReport, asked: Outcome, at_ns: int) -> bool:
    """Whether a time is that of an event of the kind that was asked after [ns]."""
    same = [one for one in report.outcomes if one.question == asked.question]
    spans = [span_ns(report, one) for one in same]
    return any(begin_ns <= at_ns <= end_ns for begin_ns, end_ns in spans)


def verdict(report: StoryReport, asked: Outcome, at_ns: int | None) -> str:
    """In words, whether an answer from a time [ns] is right; None: there was no answer."""
    truth = f"{asked.name}, at {clock(asked.at_s)}"
    if at_ns is None:
        return f"no answer; it was: {truth}"
    at = clock((at_ns - report.started_ns) / NS_PER_S)
    if is_right(report, asked, at_ns):
        return f"right: {at} of the composition, where this is played: {asked.name}"
    return f"wrong: {at} of the composition; it was: {truth}"
