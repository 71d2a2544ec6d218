"""The parts of the bench, of which one may choose some."""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from sage_bench.encoders.section import Figures, Setting, run_all
from sage_bench.memory import alike, labelled, recall, recall_clips, relevance, remember
from sage_bench.memory.process import growth, killing, opening, resuming
from sage_bench.memory.scale import FULL, QUICK, Scale
from sage_bench.memory.sleep import hindsight, sleeping
from sage_bench.memory.workplace import Workplace, report_progress
from sage_bench.part_choice import chosen_parts, result_name
from sage_bench.result import Result
from sage_common.core.errors import InvalidInput
from sage_encoders.backends.models_folder import VARIABLE, models_folder
from sage_encoders.core.card import ModelError
from sage_sensors.backends.recording import data_folder

MOST = "SAGE_BENCH_MOST"
"""Leaves out memories of more moments than this; unset: none."""
Part = Callable[[Workplace], Figures]
PARTS: Mapping[str, Part] = {
    "remember": remember.rows,
    "recall": recall.rows,
    "clips": recall_clips.rows,
    "alike": alike.rows,
    "relevance": relevance.rows,
    "labels": labelled.rows,
    "open": opening.rows,
    "resume": resuming.rows,
    "sleep": sleeping.rows,
    "growth": growth.rows,
    "kill": killing.rows,
    "hindsight": hindsight.rows,
}


def measure(quick: bool) -> Result:
    """All rows; a model, a recording or a package that is missing becomes an error or a note."""
    setting = Setting(data_folder(), models_folder(os.environ.get(VARIABLE, "models")), quick)
    return measured(setting, limited(QUICK if quick else FULL, os.environ.get(MOST, "")))


def limited(scale: Scale, most: str) -> Scale:
    """The scale without the memories that are larger than `most`; empty: as it is.

    Raises:
        InvalidInput: not a number, or every memory is larger.
    """
    if not most:
        return scale
    if not most.isdigit() or int(most) < scale.sizes[0]:
        raise InvalidInput(MOST, most, f"a number from {scale.sizes[0]} on")
    sizes = tuple(size for size in scale.sizes if size <= int(most))
    filtered = tuple(size for size in scale.filter_sizes if size <= int(most))
    return replace(scale, sizes=sizes, filter_sizes=filtered)


def measured(setting: Setting, scale: Scale) -> Result:
    """All rows of the chosen parts, at a scale."""
    chosen = chosen_parts(PARTS)
    with tempfile.TemporaryDirectory(prefix="sage_bench_") as folder:
        place = Workplace(setting, scale, Path(folder))
        sections = {name: partial(_on, name, part, place) for name, part in chosen.items()}
        found = run_all(sections, setting)
    name = result_name("memory", chosen, PARTS)
    notes = (f"the largest memory has {scale.sizes[-1]:,} moments", *found.notes)
    return Result(name, setting.quick, place.inputs, found.rows, notes, found.errors)


def _on(name: str, part: Part, place: Workplace, _: Setting) -> Figures:
    report_progress(name)
    try:
        return part(place)
    except (ModelError, FileNotFoundError):
        raise
    except Exception as error:  # noqa: BLE001 - what others took minutes to measure must not be lost
        traceback.print_exc()
        return Figures(errors=(f"{name}: {type(error).__name__}: {error}",))
