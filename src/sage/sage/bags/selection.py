"""Which topics are recorded."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

from sage_common.core.specs.registered_topics import registered_topic

OF_ALL_NODES = ("/diagnostics", "/tf_static")


@dataclass(frozen=True)
class Selection:
    """Which topics are recorded: by default what the registry marks, and `OF_ALL_NODES`.

    Attributes:
        namespace: of the graph.
        everything: all topics, whoever publishes them, except hidden ones such as an action's.
        patterns: names, absolute or relative to the namespace; `*` and `?` stand for any text.
        own: full names of the topics of the user's own sensors, recorded by default, too.
    """

    namespace: str
    everything: bool = False
    patterns: Sequence[str] = ()
    own: Sequence[str] = ()

    def takes(self, name: str, type_name: str) -> bool:
        """True if this topic is recorded."""
        if self.everything:
            return "/_" not in name
        if self.patterns:
            return any(fnmatch.fnmatchcase(name, self._full(p)) for p in self.patterns)
        known = registered_topic(name, type_name, self.namespace)
        if name in OF_ALL_NODES or name in self.own:
            return True
        return known is not None and known.spec.recorded

    def missing(self, names: Sequence[str]) -> list[str]:
        """Patterns that none of these names fits."""
        return [
            pattern
            for pattern in self.patterns
            if not any(fnmatch.fnmatchcase(name, self._full(pattern)) for name in names)
        ]

    def _full(self, pattern: str) -> str:
        return pattern if pattern.startswith("/") else f"{self.namespace.rstrip('/')}/{pattern}"
