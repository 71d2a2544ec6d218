"""What each process of a graph may take and must publish: a share of what it was recorded to."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sage.graph.environment import config_folder
from sage_common.core.diagnosis.node_status import PUBLISHED, node_name
from sage_common.core.errors import InvalidInput
from sage_common.core.home import replace_file

CPU, MEMORY, MESSAGES = "CPU", "memory", "messages"
UNITS = {CPU: "% of a core", MEMORY: "MB", MESSAGES: "1/s"}
MOST_TIMES, MOST_MORE = 1.8, 5.0
LEAST_MESSAGES = 0.8
FILE = "budgets.json"

Budgets = dict[str, dict[str, float]]
"""Process -> kind (of `UNITS`) -> what it was recorded to take."""


def installed_budgets() -> Path:
    """The file that comes with SAGE: of the recording at hand, on the machine of the benches."""
    return config_folder() / FILE


def most_allowed(recorded: float) -> float:
    """The most CPU or memory: 1.8 times what was recorded, or 5 more, whichever is more."""
    return max(MOST_TIMES * recorded, recorded + MOST_MORE)


def least_messages(recorded: float) -> float:
    """The fewest messages in a second: four of five that were recorded."""
    return LEAST_MESSAGES * recorded


def read_budgets(path: Path) -> Budgets:
    """The budgets of a file.

    Raises:
        FileNotFoundError: it is not there.
        InvalidInput: it does not hold what it should.
    """
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise InvalidInput(str(path), str(error), "JSON") from error
    if not isinstance(found, dict):
        raise InvalidInput(str(path), found, "an object of processes")
    return {process: _kinds(f"{path}: {process}", kinds) for process, kinds in found.items()}


def write_budgets(taken: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """Record what was measured; processes of the file that were not measured keep theirs.

    Raises:
        InvalidInput: what is there is no file of budgets.
        OSError: it cannot be written.
    """
    budgets = read_budgets(path) if path.exists() else {}
    for process, kinds in taken.items():
        rounded = {kind: round(value, 1) for kind, value in kinds.items()}
        budgets[process] = budgets.get(process, {}) | rounded
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, (json.dumps(budgets, indent=1, sort_keys=True) + "\n").encode())


def published(statuses: Iterable[Any]) -> dict[str, int]:
    """Messages that each node says that it has published, by its name."""
    found: dict[str, int] = {}
    for status in statuses:
        counts = (int(item.value) for item in status.values if item.key.endswith(PUBLISHED))
        found[node_name(status)] = sum(counts)
    return found


def _kinds(field: str, kinds: Any) -> dict[str, float]:
    if not isinstance(kinds, dict):
        raise InvalidInput(field, kinds, f"an object of {', '.join(UNITS)}")
    for kind, value in kinds.items():
        if kind not in UNITS:
            raise InvalidInput(f"{field}: {kind}", value, f"one of {', '.join(UNITS)}")
        if not isinstance(value, int | float) or not math.isfinite(value) or value < 0.0:
            raise InvalidInput(f"{field}: {kind}", value, "a number, at least 0")
    return {kind: float(value) for kind, value in kinds.items()}
