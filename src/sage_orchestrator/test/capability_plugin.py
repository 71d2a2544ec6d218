"""A plugin that uses what a plugin may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from misbehaving_plugins import EagerParameters, Halving

from sage_orchestrator.core.plugin import Budget, PluginContext, Query, Task


class Using(Halving):
    """Uses each capability once, and its budget."""

    def __init__(self, context: PluginContext, parameters: EagerParameters) -> None:
        self.context = context
        self.seen: dict[str, Any] = {}

    def init_state(self, task: Task, budget: Budget) -> float:
        context, at_ns = self.context, task.stamp_ns
        percept = context.percepts(task.modality, at_ns)
        frame = context.frames(task.source, at_ns)
        view = context.periphery(task.source, at_ns)
        found = context.recall(Query(percept.embedding, "means", at_ns, "vision", 0.0, limit=3))
        text = context.embed_text(text="a bench")
        self.seen = {
            "percept": [percept.source, int(percept.codes.sum()), str(percept.codes.dtype)],
            "frame": [list(frame.shape), int(frame.sum())],
            "view": [view.grid.columns, float(view.salience[0, 0])],
            "memory": [[memory.id, memory.text] for memory in found],
            "text": [text.embedding.tolist(), text.encoder_id],
            "words": [heard.text for heard in context.utterances(0, at_ns)],
            "sounds": [len(heard.samples) for heard in context.sounds(0, at_ns)],
            "tile": context.tiles(
                lambda tile: tile.fill(7), at_ns, lambda tile: int(tile[0, 0, 0])
            ),
            "missing": context.frames("nowhere", at_ns) is None,
            "region": [task.region.left, task.region.width],
            "budget": [budget.remaining_atp, budget.affordable_atp, budget.cancelled],
        }
        try:
            context.recall(None)
        except RuntimeError as error:
            self.seen["refused"] = str(error)
        return 1.0

    def result(self, state: float) -> Mapping[str, Any]:
        return self.seen
