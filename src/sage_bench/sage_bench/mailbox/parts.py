"""The parts of the bench, of which one may choose some."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

from sage_bench.encoders.section import Section, Setting, run_all, run_part
from sage_bench.mailbox import graph_rows, python_rows, rows, tile_finding, tile_rows
from sage_bench.part_choice import chosen_parts, result_name
from sage_bench.result import Result
from sage_encoders.backends.models_folder import VARIABLE, models_folder
from sage_sensors.backends.recording import data_folder

PARTS: Mapping[str, Section] = {
    "rates": rows.record_rows,
    "cpp": rows.native_rows,
    "cpp_ways": rows.native_way_rows,
    "python": python_rows.size_rows,
    "python_ways": python_rows.way_rows,
    "frames": python_rows.frame_rows,
    "transport": graph_rows.transport_rows,
    "graph": graph_rows.graph_rows,
    "tiles": tile_rows.rows,
    "tiles_found": tile_finding.rows,
}


def measure(quick: bool) -> Result:
    """All rows of the chosen parts; what could not be measured becomes an error."""
    setting = Setting(data_folder(), models_folder(os.environ.get(VARIABLE, "models")), quick)
    chosen = chosen_parts(PARTS)
    found = run_all(
        {name: partial(run_part, f"mailbox: {name}", part) for name, part in chosen.items()},
        setting,
    )
    name = result_name("mailbox", chosen, PARTS)
    return Result(name, quick, {}, found.rows, found.notes, found.errors)
