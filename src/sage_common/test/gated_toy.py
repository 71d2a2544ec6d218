"""A toy that is being activated until a file says that it may go on."""

from __future__ import annotations

import time

from toy_nodes import ToyNode

POLL_S = 0.01


class GatedToyNode(ToyNode):
    """Makes `activating` in its home folder, and goes on when `go` is there."""

    def on_activate(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "activating").touch()
        while not (self.home / "go").exists():
            time.sleep(POLL_S)
        super().on_activate()
