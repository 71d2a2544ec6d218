"""What is wrong with a graph, traced back to where it begins.

A node that has no input says so, and so does every node behind it. Which node depends on which
topic is in what the nodes themselves report in /diagnostics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sage_common.core.diagnosis.ended import Ended
from sage_common.core.diagnosis.node_status import (
    ENDED,
    LEVELS,
    OK,
    SHED,
    SILENT,
    SILENT_AFTER_S,
    WARN,
    NodeStatus,
)


@dataclass(frozen=True)
class Cause:
    """One thing that is wrong, and what follows from it.

    Attributes:
        name: of a node, of a process of several, or of a topic that no node at fault publishes.
        level: shed (the governor has deactivated it to give memory back, which is no fault), warn,
            error, silent (no status of the node comes any more) or ended (its process is known to
            be gone).
        message: what is wrong, in words.
        consequences: nodes that say nothing but that their input is at fault because of it.
    """

    name: str
    level: str
    message: str
    consequences: tuple[str, ...]

    @property
    def words(self) -> str:
        """All of it in one line."""
        follow = f"; therefore at fault: {', '.join(self.consequences)}"
        return f"{self.name}: {self.message}" + (follow if self.consequences else "")


def root_causes(
    statuses: Iterable[NodeStatus],
    silent_s: Mapping[str, float],
    ended: Sequence[Ended] = (),
) -> list[Cause]:
    """The causes, the worst first and then those with the most consequences.

    Args:
        statuses: the newest of each node.
        silent_s: how long ago it came, by the name of the node; one that is not in it came now [s].
        ended: processes that are known to be gone, whatever their nodes said last.
    """
    nodes = {status.name: status for status in statuses}
    for name, status in nodes.items():
        if (since_s := silent_s.get(name, 0.0)) > SILENT_AFTER_S:
            said = f"no status for {since_s:.0f} s"
            nodes[name] = replace(status, level=SILENT, message=said)
    for name, level in [entry for status in nodes.values() for entry in status.shed]:
        if name in nodes:
            said = f"shed at pressure {level}"
            nodes[name] = replace(nodes[name], level=SHED, message=said, at_fault=())
    for gone in ended:
        for name in gone.nodes:
            nodes.pop(name, None)
        nodes[gone.process] = NodeStatus(
            gone.process, ENDED, gone.message, outputs=gone.topics, nodes=gone.nodes
        )
    return _Graph(nodes).causes()


class _Graph:
    def __init__(self, nodes: Mapping[str, NodeStatus]) -> None:
        self._nodes = nodes
        self._publishers: dict[str, list[str]] = {}
        for name, state in nodes.items():
            for topic in state.outputs:
                self._publishers.setdefault(topic, []).append(name)
        # What ended before it was heard lacks no less: topics of nobody else are laid to it.
        unheard = [n for n, s in nodes.items() if s.level == ENDED and not s.outputs]
        for topic in {t for s in nodes.values() for t in s.at_fault} - self._publishers.keys():
            if unheard:
                self._publishers[topic] = unheard

    def causes(self) -> list[Cause]:
        found: dict[str, list[str]] = {}
        for name, state in sorted(self._nodes.items()):
            if state.level != OK:
                for root in self._roots(name):
                    found.setdefault(root, []).append(name)
        made = [self._cause(root, names) for root, names in found.items()]
        return sorted(made, key=lambda c: (-LEVELS.index(c.level), -len(c.consequences), c.name))

    def _roots(self, name: str) -> set[str]:
        """Nodes and topics because of which a node that is not ok is at fault."""
        roots: set[str] = set()
        lacking: set[str] = set()
        seen, ahead = {name}, [name]
        while ahead:
            at = ahead.pop()
            state = self._nodes[at]
            if state.by_itself:
                roots.add(at)
                continue
            for topic in state.at_fault if state.level != OK else state.inputs:
                publishers = self._publishers.get(topic, [])
                if state.level != OK and not any(
                    self._nodes[node].level != OK for node in publishers
                ):
                    (lacking if publishers else roots).add(topic)
                ahead += [node for node in publishers if node not in seen]
                seen.update(publishers)
        return roots or lacking or set(self._nodes[name].at_fault)

    def _cause(self, root: str, names: list[str]) -> Cause:
        follow = tuple(name for name in names if name != root)
        if root in self._nodes:
            state = self._nodes[root]
            follow = (*(name for name in state.nodes if name != root), *follow)
            return Cause(root, LEVELS[state.level], state.message, follow)
        publishers = self._publishers.get(root)
        lacking = f"too little, or nothing fit to use, comes from {', '.join(publishers or ())}"
        message = (
            lacking if publishers else "no node of the graph publishes it, and too little comes"
        )
        return Cause(root, LEVELS[WARN], message, follow)


def outputs(statuses: Iterable[NodeStatus], nodes: Sequence[str]) -> tuple[str, ...]:
    """Topics that these nodes said they publish."""
    return tuple(dict.fromkeys(t for s in statuses if s.name in nodes for t in s.outputs))
