"""A node that hangs when it is told to, as a node that is written wrongly does."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path

from sage_common.core.parameters import NodeParameters
from sage_common.core.state.fields import State
from sage_common.ros.node import SageNode

HANGING = "hanging"
EXECUTOR, INTERPRETER = "executor", "interpreter"
"""Ways to hang: a callback that does not end, and one that holds the interpreter meanwhile."""
PERIOD_S = 0.02
_FOR_EVER_S = 1_000_000
HangingParameters = NodeParameters


def order(home: Path) -> Path:
    """The file that tells the node how to hang; it takes it away."""
    return home / "hang"


class HangingNode(SageNode):
    """Looks for the order in a callback, and counts how often it was started."""

    default_name = HANGING
    starts: State[int] = 0

    def on_configure(self) -> None:
        self.timer(PERIOD_S, self._obey, True)

    def on_activate(self) -> None:
        self.starts += 1
        self.save_state()

    def _obey(self) -> None:
        path = order(self.home)
        try:
            way = path.read_text()
        except FileNotFoundError:
            return
        path.unlink()
        if way == INTERPRETER:
            ctypes.PyDLL(None).sleep(_FOR_EVER_S)  # unlike CDLL it keeps the interpreter's lock
        time.sleep(_FOR_EVER_S)
