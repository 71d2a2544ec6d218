"""What a graph still waits for, as its encoders report in /diagnostics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sage_common.core.topics import topic_name

NOT_AWAITED = "/" + topic_name("pressure")
"""Where it ends so, a topic that stays silent is good news."""
_RECEIVED, _PUBLISHED, _REJECTED, _FAULT = " received", " published", " rejected", " last fault"


def never_came(statuses: Iterable[Any]) -> list[str]:
    """Topics from outside of which no encoder has had a good message, and why where it is known.

    Args:
        statuses: the newest `DiagnosticStatus` of each node.
    """
    values = {status.name: {v.key: v.value for v in status.values} for status in statuses}
    own = {key.removesuffix(_PUBLISHED) for pairs in values.values() for key in pairs}
    missing = {}
    for name, pairs in values.items():
        for key, value in pairs.items():
            topic = key.removesuffix(_RECEIVED)
            if topic.endswith(NOT_AWAITED):
                continue
            if name.endswith("_encoder") and topic != key and value == "0" and topic not in own:
                missing[topic] = _why(pairs, topic)
    return [f"{topic}{why}" for topic, why in sorted(missing.items())]


def _why(pairs: dict[str, str], topic: str) -> str:
    count = pairs.get(f"{topic}{_REJECTED}", "0")
    return "" if count == "0" else f" ({count} rejected: {pairs.get(f'{topic}{_FAULT}', '')})"
