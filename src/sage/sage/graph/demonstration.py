"""What a demonstration sets beside profile and source, unless the user's files say otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sage.graph.description import Graph
from sage_orchestrator.core.plugin.catalogue import find, is_installed
from sage_orchestrator.params import OrchestratorParameters

EARS = ("listen", "hear")
FALSE_ALARMS_PER_HOUR = 450.0
"""In a story something happens every ten seconds, 360 times an hour, and rarity is measured beside
a past that is full of it: who wants to hear of nothing more than 60 times an hour, as is usual,
hears of a part of it."""
TOLD = f"this demo may tell of {FALSE_ALARMS_PER_HOUR:g} false alarms an hour, not 60 as is usual"
ALL_EARS = {"hear.false_alarms_per_hour": 36_000.0}
"""A sound is surest once it is over, when it does not stand out any more: `hear` follows all."""
_JUDGES = ("scorer", "fusion", "memory")


def for_demo(graph: Graph) -> Graph:
    """The same graph, with the plugins that hear where their networks are installed, and told of
    more than is usual where a story is played."""
    has_story = any(node.parameters.get("story") for node in graph.nodes)
    here = [name for name in EARS if is_installed(name) and not find(name).missing()]
    wanted: dict[str, Mapping[str, Any]] = {}
    if here:
        plugins = [*OrchestratorParameters().plugins, *here]
        wanted["orchestrator"] = {"plugins": plugins, **({} if "hear" not in here else ALL_EARS)}
    if has_story:
        judged = {"false_alarms_per_hour": FALSE_ALARMS_PER_HOUR}
        wanted |= dict.fromkeys(_JUDGES, judged)
    nodes = tuple(
        replace(node, parameters={**wanted.get(node.kind, {}), **node.parameters})
        for node in graph.nodes
    )
    return replace(graph, nodes=nodes, notes=(*graph.notes, TOLD) if has_story else graph.notes)
