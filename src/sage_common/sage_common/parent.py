"""A process that ends with the one that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PARENT_VARIABLE = "SAGE_PARENT_PID"
_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Have the kernel send SIGTERM when the process that started this one ends, however it ends.

    Only if that process asked for it by `$SAGE_PARENT_PID`; a node that `launch` or a user started
    is not touched.
    """
    parent = os.environ.get(PARENT_VARIABLE)
    if parent is None:
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if str(os.getppid()) != parent:
        sys.exit("the process that started this one has ended")
