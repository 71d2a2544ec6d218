"""The parts of the bench, of which one may choose some."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from sage_bench.encoders.section import Section, Setting, run_all, run_part
from sage_bench.operate import page, recording, supervision
from sage_bench.part_choice import chosen_parts, result_name
from sage_bench.result import Result
from sage_encoders.backends.models_folder import models_folder
from sage_sensors.backends.recording import data_folder

PARTS: Mapping[str, Section] = {
    "page": page.rows,
    "recording": recording.rows,
    "supervision": supervision.rows,
}
"""Each is given a `Setting` and returns `Figures`."""


def measure(quick: bool) -> Result:
    """All rows of the chosen parts; what could not be measured becomes an error."""
    setting = Setting(data_folder(), models_folder(), quick)
    chosen = chosen_parts(PARTS)
    found = run_all(
        {name: partial(run_part, f"operate: {name}", part) for name, part in chosen.items()},
        setting,
    )
    name = result_name("operate", chosen, PARTS)
    return Result(name, quick, {}, found.rows, found.notes, found.errors)
