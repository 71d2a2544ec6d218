"""Looking the moment up among what the memory has kept."""

from __future__ import annotations

from pathlib import Path

from sage.explain.explanation import Explanation, of_experience
from sage.explain.question import MomentUnknown, Question, local_time
from sage_common.core.clock import NS_PER_S
from sage_memory.core.identifiers import parse_id
from sage_memory.core.memory import Memory
from sage_memory.core.recall.placement import Placed
from sage_snarc.core.reason import duration

NEWEST_NS = 2**63 - 1
LIMITS = (
    "from the memory, which keeps the dimensions and the reason; what was predicted and seen, "
    "the nearest remembered percept and habituation are known only while the graph runs, or from "
    "a bag (--bag)"
)


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
    return of_experience(placed, question.stamp_ns, (LIMITS,))


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
