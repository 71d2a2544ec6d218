"""Entry point of the container: a signal while Python loads the rest just ends it."""

from __future__ import annotations

import importlib
import signal


def container() -> None:
    """Load what the container needs, seconds on a slow machine, and run it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    importlib.import_module("sage_common.ros.container").main()
