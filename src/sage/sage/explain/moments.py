"""The moment asked of the running graph's fusion node, or looked up in the memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sage.explain.explanation import Explanation, of_experience, of_message
from sage.explain.past_state import PastState, of_history, unknown
from sage.explain.question import MomentUnknown, Question
from sage.graph.runtime_file import RunningGraph
from sage.observe.graph_calls import call_service, latched_message
from sage_common.core.clock import NS_PER_S, local_time
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_memory.core.identifiers import parse_id
from sage_memory.core.memory import Memory
from sage_memory.core.recall.placement import Placed
from sage_msgs.srv import Explain
from sage_snarc.core.reason import duration

NEWEST_NS = 2**63 - 1
STATE_TIMEOUT_S = 5.0
LIMITS = (
    "from the memory, which keeps the dimensions and the reason; what was predicted and seen, "
    "the nearest remembered percept and habituation are known only while the graph runs, or from "
    "a bag (--bag)"
)


def ask_graph(running: RunningGraph, asked_ns: int | None, within_s: float) -> Explanation:
    """The moment nearest to a stamp [ns], or the newest (None).

    Raises:
        MomentUnknown: the graph knows none within `within_s`.
        ServiceUnavailable: the graph has no fusion node, or it does not answer.
    """
    request = Explain.Request(stamp=to_stamp(asked_ns or 0), tolerance_s=within_s)
    response = call_service(running, "salience/explain", request)
    oldest_ns = stamp_ns(response.oldest)
    if not response.found:
        text = f"the running graph: {response.message}"
        if oldest_ns:
            nearest_ns = stamp_ns(response.salience.header.stamp)
            text += f", at {local_time(nearest_ns)}; the first is of {local_time(oldest_ns)}"
        raise MomentUnknown(text)
    return of_message(response.salience, "graph", asked_ns, response.rank, (oldest_ns, None))


def state_at(running: RunningGraph, moment_ns: int) -> PastState:
    """The metabolic state of the running graph at a moment [ns]."""
    try:
        return of_history(latched_message(running, "state", STATE_TIMEOUT_S), moment_ns)
    except TimeoutError as error:
        return unknown(str(error))


def stamp_of(home: Path, experience_id: str) -> int:
    """Stamp of a kept experience's percept [ns]; a graph may run beside.

    Raises:
        MomentUnknown: the memory does not know it.
        StoreMissing, StoreDamaged: there is no store, or it cannot be read.
    """
    with Memory.open(home, read_only=True) as memory:
        return _of_id(memory, home, experience_id).experience.end_ns


def look_up(home: Path, question: Question, within_s: float) -> Explanation:
    """The kept experience that is asked for, or nearest to the time asked for, or the newest.

    Raises:
        MomentUnknown: nothing was kept within `within_s`, or not that experience.
        StoreMissing, StoreDamaged: there is no store, or it cannot be read.
    """
    with Memory.open(home, read_only=True) as memory:
        if question.experience_id:
            placed = _of_id(memory, home, question.experience_id)
        else:
            placed = _at(memory, home, question.stamp_ns, within_s)
    explanation = of_experience(placed, question.stamp_ns, (LIMITS,))
    return replace(explanation, state=unknown("the memory does not keep it"))


def _of_id(memory: Memory, home: Path, experience_id: str) -> Placed:
    placed = memory.of_id(parse_id(experience_id))
    if placed is None:
        raise MomentUnknown(f"the memory in {home} keeps no experience {experience_id}")
    return placed


def _at(memory: Memory, home: Path, asked_ns: int | None, within_s: float) -> Placed:
    placed = memory.at(NEWEST_NS if asked_ns is None else asked_ns)
    if placed is None:
        raise MomentUnknown(f"the memory in {home} keeps nothing yet")
    if asked_ns is None:
        return placed
    nearest = placed.experience
    away_ns = max(nearest.start_ns - asked_ns, asked_ns - nearest.end_ns, 0)
    if away_ns > within_s * NS_PER_S:
        side = "later" if nearest.start_ns > asked_ns else "earlier"
        raise MomentUnknown(
            f"the memory in {home} keeps nothing within {within_s:g} s: its nearest experience is "
            f"{duration(away_ns / NS_PER_S)} {side}, at {local_time(nearest.end_ns)}; all are of "
            f"{local_time(placed.oldest_ns)} to {local_time(placed.newest_ns)}"
        )
    return placed
