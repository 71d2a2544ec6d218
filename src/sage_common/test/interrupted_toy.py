"""A node whose module takes so long to load that an interrupt comes in between."""

import os
import signal

from toy_nodes import ToyNode as InterruptedToy

__all__ = ["InterruptedToy"]
os.kill(os.getpid(), signal.SIGINT)
