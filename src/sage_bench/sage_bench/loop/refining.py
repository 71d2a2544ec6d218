"""What refinement plugins at work do to the latency of salience."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml

from sage_bench.loop.live import Lived, live
from sage_bench.result import Row, row_of_samples
from sage_orchestrator.core.plugin.catalogue import installed

OPTIONAL = ("recognise", "read", "listen", "hear")
ALWAYS = ("look", "recall")
GOALS_MS = {50: 7.0, 99: 20.0}
BUSY = {"false_alarms_per_hour": 36000.0, "period_s": 0.25}
"""Parameters with which a plugin runs several times a second, whatever happens."""


def refining_rows(seconds: float) -> list[Row]:
    """Latency with every installed plugin busy all the time, beside that with none."""
    specs = {name: found.spec for name, found in installed().items() if found.spec is not None}
    here = {name for name, spec in specs.items() if not spec.missing()}
    busy = [name for name in (*ALWAYS, *OPTIONAL) if name in here]
    with tempfile.TemporaryDirectory() as folder:
        none = live(seconds, True, _config(Path(folder), "none", {"plugins": []}))
        parameters: dict[str, Any] = {"plugins": busy}
        for name in busy:
            known = specs[name].parameters.__dataclass_fields__
            parameters |= {f"{name}.{key}": value for key, value in BUSY.items() if key in known}
        worked = live(seconds, True, _config(Path(folder), "busy", parameters))
    return [*_latency(worked, none, busy), *_runs(worked, busy)]


def _config(folder: Path, name: str, parameters: dict[str, Any]) -> str:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({"orchestrator": {"ros__parameters": parameters}}))
    return str(path)


def _latency(worked: Lived, none: Lived, busy: list[str]) -> list[Row]:
    at_work = ", ".join(busy)
    return [
        row_of_samples(
            f"camera to fused salience p{rank}, at work: {at_work}", worked.latency_ms, "ms",
            goal=goal, rank=rank,
            baselines={"no plugins": row_of_samples("", none.latency_ms, "ms", rank=rank).value},
        )
        for rank, goal in GOALS_MS.items()
    ]  # fmt: skip


def _runs(worked: Lived, busy: list[str]) -> list[Row]:
    return [
        Row(f"runs of {name} meanwhile", worked.refinements.get(name, 0), "", better="higher")
        for name in busy
    ]
