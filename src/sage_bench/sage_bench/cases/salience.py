"""Salience: what it finds in streams of real recordings, how fast, what it learns and costs.

The test half of the streams is measured, which is run for the report and not to choose anything
by; SAGE_BENCH_HALF=development measures that half, as `--quick` does, and SAGE_BENCH_HALF=sealed
the one whose recordings SAGE_BENCH_SEALED names. SAGE_BENCH_CACHE names a folder that keeps what
was encoded, SAGE_BENCH_STREAMS the folder of labelled streams of numbers.
"""

from __future__ import annotations

import os

from sage_bench.encoders.section import Section, Setting, run_all
from sage_bench.result import Result
from sage_bench.salience import alarms, finding, flights, learning, quiet, repetition, speed
from sage_bench.salience.played import chosen_half, inputs
from sage_bench.salience.scalars import rows as scalars
from sage_bench.salience.streams.sources import DEVELOPMENT, SEALED, TEST
from sage_encoders.backends.models_folder import VARIABLE, models_folder
from sage_sensors.backends.recording import data_folder

SECTIONS: dict[str, Section] = {
    "time": speed.rows,
    "finding": finding.rows,
    "quiet": quiet.rows,
    "false alarms": alarms.rows,
    "repetition": repetition.rows,
    "scalars": scalars.rows,
    "flights": flights.rows,
    "learning": learning.rows,
    "cross-modal": learning.cross_modal_rows,
}
NOT_SEALED = ("time", "quiet", "false alarms", "repetition", "scalars", "flights")
"""They have little or nothing to do with what is played; labelled numbers come in two halves."""


def measure(quick: bool) -> Result:
    """All rows; a model, a recording or a package that is missing becomes an error."""
    setting = Setting(data_folder(), models_folder(os.environ.get(VARIABLE, "models")), quick)
    half = chosen_half(quick)
    left_out = NOT_SEALED if half == SEALED else ()
    sections = {name: rows for name, rows in SECTIONS.items() if name not in left_out}
    found = run_all(sections, setting)
    played = {} if found.errors else inputs(setting)
    return Result(_name(half, quick), quick, played, found.rows, found.notes, found.errors)


def _name(half: str, quick: bool) -> str:
    """Of the result: figures of another half do not replace those of the test half."""
    usual = DEVELOPMENT if quick else TEST
    return "salience" if half == usual else f"salience_{half}"
