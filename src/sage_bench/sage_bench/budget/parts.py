"""The parts of the bench, of which one may choose some."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

from sage_bench.budget import (
    batching,
    decision,
    isolation,
    live,
    rating,
    tokens,
)
from sage_bench.budget.choice import figures as choice
from sage_bench.budget.pressure import governor
from sage_bench.budget.states import live as states_live
from sage_bench.budget.states import lives, week
from sage_bench.encoders.section import Section, Setting, run_all, run_part
from sage_bench.part_choice import CHOSEN, chosen_parts, result_name
from sage_bench.result import Result
from sage_encoders.backends.models_folder import models_folder
from sage_sensors.backends.recording import data_folder

PARTS: Mapping[str, Section] = {
    "decision": decision.rows,
    "choice": choice.rows,
    "live": live.rows,
    "batching": batching.rows,
    "governor": governor.rows,
    "isolation": isolation.rows,
    "rating": rating.rows,
    "states": lives.rows,
    "states_live": states_live.rows,
    "states_week": week.rows,
    "tokens": tokens.rows,
}
"""Each is given a `Setting` and returns `Figures`."""
WHOLE_GRAPH = ("governor", "states_live")
"""Parts that run whole graphs for minutes: not in a short run that does not name them."""


def measure(quick: bool) -> Result:
    """All rows of the chosen parts; what could not be measured becomes an error."""
    setting = Setting(data_folder(), models_folder(), quick)
    chosen = chosen_parts(PARTS)
    name = result_name("budget", chosen, PARTS)
    left_out = [part for part in WHOLE_GRAPH if quick and not os.environ.get(CHOSEN)]
    chosen = {part: rows for part, rows in chosen.items() if part not in left_out}
    found = run_all(
        {name: partial(run_part, f"budget: {name}", part) for name, part in chosen.items()}, setting
    )
    notes = [f"{part}: left out of a short run; {CHOSEN}={part} measures it" for part in left_out]
    return Result(name, quick, {}, found.rows, (*found.notes, *notes), found.errors)
