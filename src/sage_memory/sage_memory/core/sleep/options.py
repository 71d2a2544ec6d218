"""What a night may do."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

from sage_common.core.errors import InvalidInput


@dataclass(frozen=True)
class SleepOptions:
    """How a memory sleeps.

    Attributes:
        target_share: (0, 1] of the bytes that all experiences would take had no night let
            anything go; a night stops there.
        salience_floor: what has this total salience, or more, is not touched.
        similarity: cosine above which moments of one place, or of one time, are alike.
        span_s: moments without a place merge within stretches of this length [s].
        cell_m: moments of one frame merge within cells of this side [m], at any time.
        min_group: fewest moments that get a summary.
        grace_s: time in which a night can be undone [s].
        half_life_s: age at which a moment counts half as much [s].
        questions: probe questions about salient moments, and as many about all.
        margin: a night is rolled back if the share of all questions that are answered fell by
            more than this.
        salient_margin: the same for the questions about salient moments.
        replay: experiences to replay; 0: none.
        max_duration_s: begin nothing new after this time [s]; 0: until done.
        dry_run: only say what would be done.
        cause: who asked, or `idle`.
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
    replay: int = 0
    max_duration_s: float = 0.0
    dry_run: bool = False
    cause: str = "asked"

    def to_json(self) -> str:
        """Text for the journal."""
        return json.dumps(asdict(self))


def checked(options: SleepOptions) -> SleepOptions:
    """The options themselves, all fields proven.

    Raises:
        InvalidInput: names the field, its value, and what was expected.
    """
    if not 0.0 < options.target_share <= 1.0:
        raise InvalidInput("target_share", options.target_share, "above 0, at most 1")
    for field in ("salience_floor", "similarity", "margin", "salient_margin"):
        value = getattr(options, field)
        if not (math.isfinite(value) and 0.0 <= value <= 1.0):
            raise InvalidInput(field, value, "a number in [0, 1]")
    for field in ("span_s", "cell_m", "half_life_s"):
        value = getattr(options, field)
        if not (math.isfinite(value) and value > 0.0):
            raise InvalidInput(field, value, "a number above 0")
    for field in ("grace_s", "max_duration_s", "questions", "replay"):
        value = getattr(options, field)
        if not (math.isfinite(value) and value >= 0):
            raise InvalidInput(field, value, "0 or more")
    if options.min_group < 2:
        raise InvalidInput("min_group", options.min_group, "2 or more")
    return options
