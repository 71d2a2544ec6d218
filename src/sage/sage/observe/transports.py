"""On which way pictures and tiles go through a running graph, as its nodes report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sage.observe.counters import Counters
from sage_common.core.diagnosis.node_status import node_name

_MAILBOX = " mailbox"
_WANTED = ("image (asked for)", "none: nobody subscribes")


def transports(statuses: Iterable[Any], counters: Counters) -> dict[str, dict[str, Any]]:
    """For each node that takes or gives pictures, its ways and counts.

    A node that takes them has `pictures` (`mailbox shm`, or `image (why)`), `tensors_late`,
    `tensors_missed`, `outdated`; one that publishes tiles has `tiles`, `tiles_frames`,
    `tiles_refused`; one that gives pictures has, by topic, `mailboxes`: `state`, `in_place`,
    `by_copy`, `refused`.

    Args:
        statuses: the newest diagnostic_msgs/DiagnosticStatus of each node.
        counters: what all of them have counted.
    """
    found = {node_name(status): _ways(status, counters) for status in statuses}
    return {name: found[name] for name in sorted(found) if found[name]}


def fallbacks(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Nodes that do without a mailbox though nobody asked for that, and why.

    Where no node of the graph has a mailbox to give, images are what there is: none is named.
    """
    if not any("mailboxes" in ways for ways in found.values()):
        return {}
    named = {}
    for node, ways in found.items():
        states = [f"pictures: {ways['pictures']}"] if "pictures" in ways else []
        states += [f"{topic}: {held['state']}" for topic, held in ways.get("mailboxes", {}).items()]
        states += [f"tiles: {ways['tiles']}"] if "tiles" in ways else []
        unwanted = [state for state in states if _is_fallback(state.split(": ", 1)[1])]
        if unwanted:
            named[node] = "; ".join(unwanted)
    return named


def in_words(found: dict[str, dict[str, Any]]) -> str:
    """One line on the ways of pictures; empty: no node takes any."""
    takers: dict[str, list[str]] = {}
    for node, ways in found.items():
        if "pictures" in ways:
            takers.setdefault(ways["pictures"], []).append(node)
    if not takers:
        return ""
    late, missed = (
        sum(ways.get(key, 0) for ways in found.values())
        for key in ("tensors_late", "tensors_missed")
    )
    refused = sum(
        held["refused"] for ways in found.values() for held in ways.get("mailboxes", {}).values()
    )
    said = "; ".join(f"{way} to {', '.join(nodes)}" for way, nodes in sorted(takers.items()))
    return f"pictures by {said}; tensors late {late}, missed {missed}, refused {refused}"


def _ways(status: Any, counters: Counters) -> dict[str, Any]:
    node = node_name(status)
    values = {item.key: item.value for item in status.values}
    ways: dict[str, Any] = {}
    if "transport" in values:
        ways["pictures"] = values["transport"]
        for key in ("tensors late", "tensors missed", "outdated"):
            ways[key.replace(" ", "_")] = counters.total(node, key)
    if "tiles" in values:
        ways["tiles"] = values["tiles"]
        for key in ("tiles frames", "tiles refused"):
            ways[key.replace(" ", "_")] = counters.total(node, key)
    topics = [key.removesuffix(_MAILBOX) for key in values if key.endswith(_MAILBOX)]
    if topics:
        ways["mailboxes"] = {topic: _held(node, topic, values, counters) for topic in topics}
    return ways


def _held(node: str, topic: str, values: dict[str, str], counters: Counters) -> dict[str, Any]:
    counts = {
        what.replace(" ", "_"): counters.total(node, f"{topic} {what}")
        for what in ("in place", "by copy", "refused")
    }
    return {"state": values[topic + _MAILBOX], **counts}


def _is_fallback(state: str) -> bool:
    return state.startswith(("image (", "none: ")) and state not in _WANTED
