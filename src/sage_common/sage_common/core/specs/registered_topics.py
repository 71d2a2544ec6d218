"""Registered topics among full topic names, whatever their namespace."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from sage_common.core.topics import TOPICS, TopicSpec

_PLACEHOLDER = re.compile(r"\\{(\w+)\\}")


@dataclass(frozen=True)
class RegisteredTopic:
    """A full topic name that the registry knows.

    Attributes:
        spec: its entry in the registry.
        namespace: what stands before the registered name; empty for the root.
        names: values of the placeholders, such as {"name": "front"}.
    """

    spec: TopicSpec
    namespace: str
    names: Mapping[str, str]

    def relative_name(self) -> str:
        """The name without the namespace."""
        return self.spec.name.format(**self.names)


def registered_topic(
    full_name: str, type_name: str, namespace: str | None = None
) -> RegisteredTopic | None:
    """The registered topic that a full name of this type stands for; None if it is none.

    Args:
        full_name: such as /sage/camera/front/image_raw.
        type_name: `package/msg/Type`; names alone would take foreign topics for ours.
        namespace: only in this one; None: in any.
    """
    for spec in TOPICS.values():
        if spec.type != type_name:
            continue
        match = _pattern(spec.name).fullmatch(full_name)
        if match is None:
            continue
        found = match.groupdict()
        before = found.pop("namespace")
        if namespace is None or before == namespace.rstrip("/"):
            return RegisteredTopic(spec, before, found)
    return None


@functools.cache
def _pattern(name: str) -> re.Pattern[str]:
    body = _PLACEHOLDER.sub(lambda found: f"(?P<{found[1]}>[^/]+)", re.escape(name))
    return re.compile(f"(?P<namespace>(?:/[^/]+)*)/{body}")
