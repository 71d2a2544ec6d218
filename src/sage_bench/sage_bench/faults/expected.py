"""What other nodes still have to publish while a node is at fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def expected_hz(
    rates: Mapping[str, float], feeds: Mapping[str, Sequence[str]], silent: Iterable[str]
) -> dict[str, float]:
    """Messages a second of each node that are due when some are allowed to be silent.

    A node that publishes for what it is given owes as large a part of its messages as those that
    give it publish of theirs.

    Args:
        rates: of each node, when all are well.
        feeds: by node, those that give it what it publishes for; others publish by themselves.
        silent: those at fault, if they need not publish.
    """
    silent = frozenset(silent)

    def share(node: str) -> float:
        if node in silent:
            return 0.0
        given = {source: rates.get(source, 0.0) for source in feeds.get(node, ())}
        total = sum(given.values())
        return sum(hz * share(source) for source, hz in given.items()) / total if total else 1.0

    return {node: hz * share(node) for node, hz in rates.items()}
