"""Mailboxes: records and tensors per second, hand-over latency and CPU, beside other transports."""

from __future__ import annotations

import os

from sage.bench.encoders.section import Section, Setting, run_all
from sage.bench.mailbox import rows
from sage.bench.result import Result
from sage.graph.sources import data_folder
from sage_encoders.backends.models_folder import VARIABLE, models_folder

SECTIONS: dict[str, Section] = {
    "rates": rows.record_rows,
    "hand-over in C++": rows.native_rows,
    "hand-over in Python": rows.python_rows,
}


def measure(quick: bool) -> Result:
    """All rows; a program or a package that is missing becomes an error."""
    setting = Setting(data_folder(), models_folder(os.environ.get(VARIABLE, "models")), quick)
    found = run_all(SECTIONS, setting)
    return Result("mailbox", quick, {}, found.rows, found.notes, found.errors)
