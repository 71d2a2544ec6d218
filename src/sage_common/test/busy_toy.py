"""A toy that always has more callbacks due than it can run: `python -m busy_toy MARKER`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from toy_nodes import ToyNode

PERIOD_MS = 2
BEHIND = 20


class BusyToyNode(ToyNode):
    """Takes ten times as long for a callback as its timer's period; a file says that it does."""

    def on_configure(self) -> None:
        super().on_configure()
        self.runs = 0
        self.timer(PERIOD_MS / 1000, self._work)

    def _work(self) -> None:
        time.sleep(10 * PERIOD_MS / 1000)
        self.runs += 1
        if self.runs == BEHIND:
            Path(sys.argv[1]).touch()


if __name__ == "__main__":
    BusyToyNode.main()
