"""Recall of similar memories: asked strictly first, then with relaxed conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sage_common.core.errors import InvalidInput, shorten
from sage_common.core.puzzle import Percept
from sage_orchestrator.core.plugin import (
    Budget,
    History,
    Memory,
    NothingToDo,
    Plugin,
    PluginContext,
    Query,
    Task,
)
from sage_plugins.params import RecallParameters

MIN_SALIENCES = (0.75, 0.5, 0.25, 0.0)
"""What memories must have mattered at least, step by step: the memorable ones come first."""
OLDER_NS = 2_000_000_000
"""Memories younger than this are the present itself, and would be the best match to it."""
LONGEST_TEXT = 256
"""So many characters of a memory's text are in the answer; the memory itself has all of it."""


@dataclass(frozen=True)
class Recollection:
    """What was recalled so far; `found` best first, without doubles."""

    percept: Percept
    rung: int
    found: tuple[Memory, ...]


class RecallPlugin(Plugin[Recollection]):
    """Energy = 1 - best score; 1 while nothing was found."""

    nominal_step_ns = 500_000
    max_steps = len(MIN_SALIENCES) - 1

    def __init__(self, context: PluginContext, parameters: RecallParameters) -> None:
        self._context = context
        self._parameters = parameters

    def init_state(self, task: Task, budget: Budget) -> Recollection:
        percept = task.percept or self._context.percepts(task.modality, task.stamp_ns)
        if percept is None:
            raise NothingToDo(f"the {task.modality} percept is gone")
        return self._ask(Recollection(percept, 0, ()))

    def step(self, state: Recollection) -> Recollection:
        return self._ask(replace(state, rung=state.rung + 1))

    def energy(self, state: Recollection) -> float:
        return 1.0 - max(0.0, state.found[0].score) if state.found else 1.0

    def feasible(self, state: Recollection) -> bool:
        p = self._parameters
        return len(state.found) >= p.wanted and state.found[0].score >= p.good_score

    def halt(self, history: History) -> str:
        if history.feasible:
            return "found enough"
        return "asked in every way" if history.steps >= self.max_steps else ""

    def result(self, state: Recollection) -> Mapping[str, Any]:
        if not state.found:
            summary = f"nothing like it in memory ({state.percept.modality})"
        else:
            best = state.found[0]
            words = f" {shorten(best.text)}" if best.text else ""
            count = len(state.found)
            noun = "memory" if count == 1 else "memories"
            summary = (
                f"{count} {noun} like it ({state.percept.modality}), best {best.score:.2f}{words}"
            )
        memories = [
            {"id": m.id, "score": m.score, "stamp_ns": m.stamp_ns, "text": m.text[:LONGEST_TEXT]}
            for m in state.found
        ]
        return {"summary": summary, "memories": memories}

    def telemetry(self, state: Recollection) -> Mapping[str, float | str | bool]:
        return {"found": len(state.found), "min_salience": MIN_SALIENCES[state.rung]}

    def _ask(self, state: Recollection) -> Recollection:
        percept = state.percept
        answers = self._context.recall(
            Query(
                example=percept.embedding,
                encoder_id=percept.encoder_id,
                end_ns=percept.stamp_ns - OLDER_NS,
                modality=percept.modality,
                min_salience=MIN_SALIENCES[state.rung],
                limit=self._parameters.wanted,
            )
        )
        for memory in answers:
            if not -1.001 <= memory.score <= 1.001:
                raise InvalidInput("score", memory.score, "a cosine in [-1, 1]")
        by_id = {memory.id: memory for memory in (*state.found, *answers)}
        best = sorted(by_id.values(), key=lambda m: (-m.score, m.id))[: self._parameters.wanted]
        return replace(state, found=tuple(best))
