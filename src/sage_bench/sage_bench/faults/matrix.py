"""The matrix of faults: a row a process, a column a fault."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from sage.graph.catalogue import CONTAINER
from sage.graph.description import Graph
from sage.run.supervisor import FORK_SERVER
from sage_bench.documentation import table
from sage_bench.faults.driver_node import DRIVER
from sage_bench.faults.kinds import (
    AHEAD,
    BEHIND,
    FAULTS,
    FULL,
    KILL,
    NOTHING,
    SEGMENT,
    SLOW,
    STOP,
    meaningless,
)  # fmt: skip
from sage_bench.faults.trials import ALL, Cell
from sage_bench.result import Result, Row

SEPARATOR = ": "
PASS, FAIL, NONE = "pass", "**fail**", "-"
OF_CONTAINER = (KILL, STOP, SLOW, FULL, AHEAD, BEHIND, SEGMENT)
OF_ALL = (SLOW, FULL, AHEAD, BEHIND)
OF_FORK_SERVER = (KILL, STOP)


def cells_of_processes(graph: Graph) -> list[Cell]:
    """Every fault at every node of a graph that has a process a node, and at all at once."""
    nodes = [node for node in graph.nodes if node.name != DRIVER]
    every = tuple(node.name for node in nodes)
    found = [Cell(NOTHING, ALL, ())]
    for node in nodes:
        found += [
            Cell(fault, node.name, (node.name,))
            for fault in FAULTS
            if not meaningless(fault, node.kind)
        ]
    found += [Cell(fault, FORK_SERVER, ()) for fault in OF_FORK_SERVER]
    return [*found, *(Cell(fault, ALL, every) for fault in OF_ALL)]


def cells_of_container(graph: Graph) -> list[Cell]:
    """Faults at the one process of a graph that has all nodes in it."""
    every = tuple(node.name for node in graph.nodes if node.name != DRIVER)
    return [Cell(NOTHING, CONTAINER, ()), *(Cell(f, CONTAINER, every) for f in OF_CONTAINER)]


@dataclass(frozen=True)
class Matrix(Result):
    """A result whose rows are cells, named "PROCESS: FAULT": 1 passes, 0 fails."""

    def table(self) -> Table:
        """A line a process."""
        columns = [*FAULTS, NOTHING]
        made = Table("process", *columns)
        marks = {1.0: "[green]pass[/]", 0.0: "[red]fail[/]"}
        for process, line in lines({row.name: row.value for row in self.rows}).items():
            made.add_row(process, *(marks.get(line.get(c, math.nan), NONE) for c in columns))
        return made


def row_of(process: str, fault: str, failures: Sequence[str]) -> Row:
    """A cell as a row of the result."""
    return Row(f"{process}{SEPARATOR}{fault}", float(not failures), "", 1.0, "higher")


def lines(cells: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Values by process and fault, in order."""
    found: dict[str, dict[str, float]] = {}
    for name, value in cells.items():
        process, _, fault = name.partition(SEPARATOR)
        found.setdefault(process, {})[fault] = value
    return found


def fault_matrices(results: Path) -> str:
    """The matrix as it was found on each machine, of the JSON files in a folder."""
    texts = [json.loads(path.read_text()) for path in sorted(results.glob("faults-*.json"))]
    made = [_of_machine(found) for found in texts if not found["quick"]]
    return (
        "\n\n".join(made) or "Not measured yet: run `sage bench faults --record`, then `sage docs`."
    )


def _of_machine(found: Mapping[str, Any]) -> str:
    title = (
        f"On {found['machine']} ({found['threads']} cores, load {found['load']}), commit "
        f"{found['commit']}, by `sage bench faults --record`:"
    )
    notes = [f"- {note}" for note in (*found["notes"], *found["errors"])]
    return "\n".join([title, "", render(found["rows"]), "", *notes])


def render(rows: Sequence[Mapping[str, object]]) -> str:
    """The matrix in Markdown, of the rows of a result that was written."""
    marks = {1.0: PASS, 0.0: FAIL}
    values = {str(row["name"]): float(str(row["value"])) for row in rows}
    columns = [*FAULTS, NOTHING]
    return table(
        ("process", *columns),
        (
            [process, *(marks.get(line.get(c, math.nan), NONE) for c in columns)]
            for process, line in lines(values).items()
        ),
    )
