"""Completing a store batch by batch, with progress, until all is done or somebody stops it."""

from __future__ import annotations

from collections.abc import Callable

from sage_memory.core.store.completion import Completed, Completion


def complete(
    work: Completion, progress: Callable[[float, str], None], should_stop: Callable[[], bool]
) -> Completed:
    """Do all of the work; what was done stays done wherever it stops."""
    total, looked_at = work.missing(), 0
    while not should_stop() and (looked_at_now := work.step()):
        looked_at += looked_at_now
        progress(min(looked_at / max(total, 1), 1.0), f"{looked_at} of {total}")
    return work.done
