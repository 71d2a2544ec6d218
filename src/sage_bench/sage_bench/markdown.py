"""Figures of benches and cards as tables in Markdown, for the pages of docs/."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sage_bench.documentation import table
from sage_bench.result import NONE, Row, shown
from sage_encoders.core.card import Card, read_card

CASE = ": "
"""Between the figure and the case in the name of a row."""
MARKS = {True: "met", False: "**missed**", None: ""}


def bench_figures(results: Path, bench: str, command: str = "", with_cases: bool = False) -> str:
    """What a bench found on each machine, of the JSON files in a folder, but for short runs.

    Args:
        command: what measures it; "": `sage bench` with the name of the bench.
        with_cases: also the rows named "FIGURE: CASE", which `bench_matrices` has.
    """
    command = command or f"sage bench {bench}"
    texts = [json.loads(path.read_text()) for path in sorted(results.glob(f"{bench}-*.json"))]
    full = [_of_machine(found, command, with_cases) for found in texts if not found["quick"]]
    return "\n\n".join(full) or _not_measured(command)


def bench_matrices(results: Path, bench: str, ours: str, command: str = "") -> str:
    """What a bench found of figures that come in several cases, as tables of detectors by case.

    Rows named "FIGURE: CASE" make one table for each figure, one column for each case; the best of
    a column is bold. What is no such row is in `bench_figures`.

    Args:
        ours: what the measured thing is called.
        command: as of `bench_figures`.
    """
    texts = [json.loads(path.read_text()) for path in sorted(results.glob(f"{bench}-*.json"))]
    made = []
    for found in texts:
        rows = [_row(row) for row in found["rows"] if CASE in row["name"]]
        figures = dict.fromkeys(row.name.partition(CASE)[0] for row in rows)
        if not found["quick"]:
            made += [_matrix(figure, rows, ours, found["machine"]) for figure in figures]
    return "\n\n".join(made) or _not_measured(command or f"sage bench {bench}")


def card_figures(models: Path) -> str:
    """What the cards of a folder say of data, split, training and how to rebuild."""
    cards = {
        str(path.relative_to(models).with_suffix("")): read_card(path)
        for path in sorted(models.rglob("*.json"))
    }
    sizes = table(
        ("file", "model", "kB", "parameters", "seed", "training [s]", "made with"),
        (_card_cells(name, card) for name, card in cards.items()),
    )
    sources = {_source(card): card.name for card in cards.values()}
    told = [f"- {name}: {source}" for source, name in sources.items() if source]
    return "\n".join([sizes, "", "Data, by the cards:", "", *told])


def _not_measured(command: str) -> str:
    return f"Not measured yet: run `{command}`, then `sage docs`."


def _of_machine(found: Mapping[str, Any], command: str, with_cases: bool) -> str:
    rows = [_row(row) for row in found["rows"] if with_cases or CASE not in row["name"]]
    figures = table(("figure", "value", "goal", "", "beside it"), (_row_cells(row) for row in rows))
    made = (
        f"On {found['machine']} ({found['threads']} cores, load {found['load']}), commit "
        f"{found['commit']}, by `{command}`:"
    )
    notes = [f"- {note}" for note in (*found.get("notes", ()), *found.get("errors", ()))]
    return "\n".join([made, "", figures, *(["", *notes] if notes else [])])


def _row(written: Mapping[str, Any]) -> Row:
    """A row that was written; null is NaN again."""
    values = {key: value for key, value in written.items() if key != "met"}
    beside = {name: _number(value) for name, value in written.get("baselines", {}).items()}
    return Row(**{**values, "value": _number(written["value"]), "baselines": beside})


def _number(written: float | None) -> float:
    return math.nan if written is None else written


def _matrix(figure: str, rows: Sequence[Row], ours: str, machine: str) -> str:
    columns = {name: row for row in rows for head, _, name in [row.name.partition(CASE)]
               if head == figure}  # fmt: skip
    lines = {ours: {case: row.value for case, row in columns.items()}}
    for case, row in columns.items():
        for name, value in row.baselines.items():
            lines.setdefault(name, {})[case] = value
    cells = [[name, *(_cell(columns[case], line.get(case)) for case in columns)]
             for name, line in lines.items()]  # fmt: skip
    if any(row.interval for row in columns.values()):
        cells.insert(1, ["95 %", *(row.interval for row in columns.values())])
    title = f"**{figure}** ({next(iter(columns.values())).unit or 'of 1'}; {machine})"
    return "\n".join([title, "", table((figure, *columns), cells)])


def _cell(row: Row, value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return ""
    best = min if row.better == "lower" else max
    text = f"{value:.3f}"
    return f"**{text}**" if text == f"{best((row.value, *row.baselines.values())):.3f}" else text


def _row_cells(row: Row) -> list[str]:
    goal = "" if row.goal is None else shown(row.goal)
    beside = ", ".join(f"{name} {shown(value)}" for name, value in row.strongest.items())
    beside += row.unshown
    value = f"{shown(row.value)} {row.unit}".strip() if math.isfinite(row.value) else NONE
    if row.interval:
        value += f" ({row.interval})"
    return [row.name, value, goal, MARKS[row.met], beside]


def _card_cells(name: str, card: Card) -> list[str]:
    body = card.body
    seconds = body.get("training_seconds", "")
    total = sum(seconds.values()) if isinstance(seconds, Mapping) else seconds
    size = f"{body['bytes'] / 1000:,.0f}" if "bytes" in body else ""
    parameters = f"{body['parameters']:,}" if "parameters" in body else ""
    seed = str(body.get("seed", ""))
    return [name, card.name, size, parameters, seed, str(total), f"`{body.get('rebuild', '')}`"]


def _source(card: Card) -> str:
    fields = ("data", "split")
    return "; ".join(f"{key}: {card.body[key]}" for key in fields if card.body.get(key))
