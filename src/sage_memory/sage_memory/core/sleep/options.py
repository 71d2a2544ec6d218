"""What a run may do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sage_common.core.errors import InvalidInput
from sage_memory.core.experience import check_text

CENTURY_S = 100 * 365.25 * 86400.0
BOUNDS: dict[str, tuple[float, float, type]] = {
    **dict.fromkeys(("target_share", "salience_floor", "similarity"), (0.0, 1.0, float)),
    **dict.fromkeys(("margin", "salient_margin"), (0.0, 1.0, float)),
    **dict.fromkeys(("span_s", "grace_s", "half_life_s"), (0.0, CENTURY_S, float)),
    "max_duration_s": (0.0, CENTURY_S, float),
    "cell_m": (0.0, 1e12, float),
    "min_group": (2, 2**31 - 1, int),
    "questions": (0, 2**31 - 1, int),
}
"""Option -> least and most value, and its type."""


@dataclass(frozen=True)
class SleepOptions:
    """How a memory sleeps.

    Attributes:
        target_share: (0, 1] of the bytes that all experiences would take had no run
            evicted anything; a run stops there.
        salience_floor: what has this total salience, or more, is not touched.
        similarity: cosine above which moments of one place, or of one time, are alike.
        span_s: moments without a place merge within stretches of this length [s].
        cell_m: moments of one frame merge within cells of this side [m], at any time.
        min_group: fewest moments that get a summary.
        grace_s: time in which a run can be undone [s].
        half_life_s: age at which a moment counts half as much [s].
        questions: probe questions about salient moments, and as many about all.
        margin: a run is rolled back if the share of all questions that are answered fell by
            more than this.
        salient_margin: the same for the questions about salient moments.
        max_duration_s: begin nothing new after this time [s]; 0: until done.
        dry_run: only say what would be done.
        cause: who asked, or `idle` or `dream`.
    """

    target_share: float = 0.2
    salience_floor: float = 0.6
    similarity: float = 0.9
    span_s: float = 600.0
    cell_m: float = 4.0
    min_group: int = 4
    grace_s: float = 7 * 86400.0
    half_life_s: float = 30 * 86400.0
    questions: int = 200
    margin: float = 0.1
    salient_margin: float = 0.02
    max_duration_s: float = 0.0
    dry_run: bool = False
    cause: str = "asked"


def checked(options: SleepOptions) -> SleepOptions:
    """The options themselves, all fields proven.

    Raises:
        InvalidInput: names the field, its value, and what was expected.
    """
    if not isinstance(options, SleepOptions):
        raise InvalidInput("options", options, "SleepOptions")
    for name, (least, most, kind) in BOUNDS.items():
        value = getattr(options, name)
        right = type(value) is int or (kind is float and isinstance(value, float | np.number))
        if not right or not least <= value <= most:  # nor is NaN
            words = "an integer" if kind is int else "a number"
            raise InvalidInput(name, value, f"{words} from {least:g} to {most:g}")
    if options.target_share == 0.0:
        raise InvalidInput("target_share", options.target_share, "above 0, at most 1")
    for name in ("span_s", "cell_m", "half_life_s"):
        if getattr(options, name) <= 0.0:
            raise InvalidInput(name, getattr(options, name), "a number above 0")
    if not isinstance(options.dry_run, bool):
        raise InvalidInput("dry_run", options.dry_run, "True or False")
    check_text("cause", options.cause)
    return options
