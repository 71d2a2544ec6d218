"""Processes of the graph that are not back, as the run of the graph writes them down."""

from __future__ import annotations

import json
from pathlib import Path

from sage_common.core.diagnosis.ended import Ended, read_ended


class EndedProcesses:
    """Reads `run/graph.json` of a home again when it has changed.

    Args:
        home: SAGE's home folder.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / "run" / "graph.json"
        self._read_ns = -1
        self._ended: tuple[Ended, ...] = ()

    def now(self) -> tuple[Ended, ...]:
        """Those that are not back; empty where `sage run` runs no graph."""
        try:
            changed_ns = self._path.stat().st_mtime_ns
            if changed_ns != self._read_ns:
                self._ended = read_ended(json.loads(self._path.read_bytes())["ended"])
                self._read_ns = changed_ns
        except FileNotFoundError:
            self._ended = ()
        return self._ended
