"""A toy whose activation takes a while: `python -m slow_toy MARKER`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from toy_nodes import ToyNode


class SlowToyNode(ToyNode):
    """Says in a file that it is activating, and takes a second for it."""

    def on_activate(self) -> None:
        marker = Path(sys.argv[1])
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
        threading.Event().wait(1.0)
        super().on_activate()


if __name__ == "__main__":
    SlowToyNode.main()
