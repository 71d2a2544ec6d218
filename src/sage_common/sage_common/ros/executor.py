"""The executor under which nodes run: rclpy's events executor, or what there is in its place."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from rclpy.executors import Executor, SingleThreadedExecutor

PLACES = ("rclpy.experimental", "rclpy.executors")
"""Modules that have `EventsExecutor`, in one distribution of ROS 2 or another."""


def executor_type(places: Sequence[str] = PLACES) -> type[Executor]:
    """`EventsExecutor` of the first of the modules that has one; else `SingleThreadedExecutor`.

    Either runs every callback in the thread that spins, one after another. The second wakes for
    each of them through a wait set of all that the process has, and takes a multiple of the CPU
    time; executors of many threads starve some callbacks at a camera's rates.
    """
    for place in places:
        try:
            module = import_module(place)
        except ModuleNotFoundError:
            continue
        found = getattr(module, "EventsExecutor", None)
        if found is not None:
            return found
    return SingleThreadedExecutor


EXECUTOR = executor_type()
"""What the processes of the graph spin."""
