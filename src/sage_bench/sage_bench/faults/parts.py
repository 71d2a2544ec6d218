"""Runs the matrix, with a process a node and with one process, and makes its rows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sage.graph.description import Graph
from sage.memory.repairing import verify_home
from sage.run.restart_policy import RestartLimits
from sage.run.session import RunOptions, Session
from sage_bench.faults.graph import feeds, make_graph
from sage_bench.faults.injection import Injection
from sage_bench.faults.kinds import FAULTS, KILL, NAN, STOP
from sage_bench.faults.matrix import Matrix, cells_of_container, cells_of_processes, row_of
from sage_bench.faults.trials import Cell, Trials
from sage_bench.part_choice import chosen_parts, result_name
from sage_bench.result import Result, Row

ONLY = "SAGE_BENCH_CELLS"
"""Comma-separated names of processes or faults: only cells of these are tried."""
QUICK = (("fusion", KILL), ("memory", STOP), ("imu", NAN))
ALWAYS = RestartLimits(most_ends=1_000_000, clean_s=0.0)
"""Each trial is the first of its process."""
PARTS: Mapping[str, tuple[bool, Callable[[Graph], list[Cell]]]] = {
    "processes": (False, cells_of_processes),
    "composed": (True, cells_of_container),
}


def measure(quick: bool) -> Result:
    """All cells of the chosen parts."""
    chosen = chosen_parts(PARTS)
    rows: list[Row] = []
    notes = [f"{fault.name}: {fault.told}" for fault in FAULTS.values()]
    errors: list[str] = []
    for name, (composed, cells_of) in chosen.items():
        if quick and composed:
            continue
        found, failures, wrong = tried(composed, cells_of, quick)
        rows += found
        notes += failures
        errors += [f"{name}: {text}" for text in wrong]
    return Matrix(
        result_name("faults", chosen, PARTS), quick, {}, tuple(rows), tuple(notes), tuple(errors)
    )


def tried(
    composed: bool, cells_of: Callable[[Graph], list[Cell]], quick: bool
) -> tuple[list[Row], list[str], list[str]]:
    """Rows of a graph's cells; what failed, in words; and what could not be tried."""
    with tempfile.TemporaryDirectory(prefix="sage_faults_") as folder:
        work = Path(folder)
        graph = make_graph(work)
        injection = Injection(work, work / "home")
        cells = [cell for cell in cells_of(graph) if is_chosen(cell, quick)]
        trials = Trials(cells, injection, feeds(graph))
        with (work / "log.txt").open("wb") as log, injection.loaded(), _on_path(work / "bin"):
            options = RunOptions(composed, log_level="error", limits=ALWAYS, log=log)
            session = Session(graph, options)
            session.on_tick = trials.tick
            session.run()
            trials.look_for_segments()
        damage = [f"the store: {f.what} {f.where}" for f in verify_home(work / "home") if f.serious]
    rows, words = [], []
    for seen in trials.done:
        failures = trials.failures(seen)
        rows.append(row_of(seen.node, seen.fault, failures))
        words += [f"{seen.node}, {seen.fault}: {'; '.join(failures)}"] if failures else []
    missing = len(cells) - len(trials.done)
    return rows, words, [*damage, *([f"{missing} cells were not tried"] if missing else [])]


def is_chosen(cell: Cell, quick: bool) -> bool:
    """Whether a cell is tried."""
    if quick:
        return (cell.process, cell.fault) in QUICK
    names = [name.strip() for name in os.environ.get(ONLY, "").split(",") if name.strip()]
    return not names or cell.process in names or cell.fault in names


@contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    """It stands first on the path of programs meanwhile."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = f"{folder}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before
