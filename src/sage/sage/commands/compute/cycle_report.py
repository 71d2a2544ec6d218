"""Where the time of a running graph goes: what `sage profile --report` prints."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from sage.commands.compute.processor_use import shares, thread_seconds
from sage.graph.runtime_file import RunningGraph
from sage.observe.attached import Attached
from sage.observe.profiler_node import DISCOVERY_TIMEOUT_S, POLL_S, ProfilerNode
from sage_common.core.diagnosis.cycle_profile import CycleProfile, Part, Way, cycle_profile
from sage_common.core.diagnosis.stages import TO_SALIENCE
from sage_common.core.specs.modality import ModalitySpecs, usual_modalities

SHOWN_SHARE = 0.005
"""Threads that take less of a core are left out where it is printed."""


def report_of(running: RunningGraph, watched_s: float) -> dict[str, Any]:
    """The report of a graph whose domain was entered, as JSON has it.

    Args:
        watched_s: how long processors are watched, > 0.

    Raises:
        TimeoutError: no node reports timings, or no governor which processes there are.
    """
    with Attached(ProfilerNode, running.namespace) as attached:
        processes = _watched(_processes(attached.node), watched_s)
        timings = attached.node.timings()
    profile = cycle_profile(timings, streams_of(running.modalities, running.instances))
    return {**as_json(profile), "watched_s": watched_s, "processes": processes}


def _processes(node: ProfilerNode) -> list[Any]:
    """Those of the graph, once timings have been heard, too."""
    end_s = time.monotonic() + DISCOVERY_TIMEOUT_S
    while time.monotonic() < end_s:
        if node.pressure is not None and any(n.startswith(TO_SALIENCE) for n in node.timings()):
            return list(node.pressure.processes)
        time.sleep(POLL_S)
    raise TimeoutError(
        f"within {DISCOVERY_TIMEOUT_S:g} s no node reported how long its stages take"
        if node.pressure is not None
        else f"no governor was heard within {DISCOVERY_TIMEOUT_S:g} s"
    )


def _watched(processes: list[Any], watched_s: float) -> list[dict[str, Any]]:
    """What each process and its threads take of a core, the most first."""
    before = {process.pid: thread_seconds(process.pid) for process in processes}
    since_s = time.monotonic()
    time.sleep(watched_s)
    within_s = time.monotonic() - since_s
    found = [
        {"name": process.name, "pid": process.pid, "cpu": sum(used.values()), "threads": used}
        for process in processes
        if (used := shares(before[process.pid], thread_seconds(process.pid), within_s))
    ]
    return sorted(found, key=lambda item: -item["cpu"])


def streams_of(modalities: Iterable[str], instances: tuple[str, ...]) -> dict[str, str]:
    """The stream of each modality of a graph, those of a camera first; empty: of the usual ones."""
    specs = ModalitySpecs(instances)
    names = tuple(modalities) or usual_modalities()
    streams = {name: specs[name].stream for name in names}
    return dict(sorted(streams.items(), key=lambda item: item[1] != "camera"))


def as_json(profile: CycleProfile) -> dict[str, Any]:
    """The profile as JSON has it; times in ms, shares 0 to 1."""
    return {
        "modality": profile.modality,
        "to_salience": _way(profile.salience),
        "to_refinement": _way(profile.refinement),
        "work": [_part(part) for part in profile.work],
    }


def _way(way: Way | None) -> dict[str, Any] | None:
    if way is None:
        return None
    parts = [_part(part) for part in way.parts]
    return {**way.facts._asdict(), "parts": parts, "bottleneck": way.relief}


def _part(part: Part) -> dict[str, Any]:
    facts = part.facts
    return {
        "stage": part.name,
        "mean_ms": part.mean_ms,
        "share": part.share,
        "p50_ms": None if facts is None else facts.p50_ms,
        "p99_ms": None if facts is None else facts.p99_ms,
        "rate_hz": None if facts is None else facts.rate_hz,
    }


def show(report: Mapping[str, Any]) -> None:
    """Print a report."""
    console = Console()
    way, on = report["to_salience"], report["to_refinement"]
    for title, shown in ((f"{report['modality']}: from the sample to fused salience", way),
                         ("the same on to the result of a plugin", on)):  # fmt: skip
        if shown is None:
            continue
        console.print(f"{title}: p50 {shown['p50_ms']:.1f} ms, p99 {shown['p99_ms']:.1f} ms")
        console.print(_stages("of the way", "mean [ms]", shown["parts"]))
        console.print(shown["bottleneck"], end="\n\n", highlight=False, soft_wrap=True)
    total_ms = sum(part["mean_ms"] for part in report["work"])
    console.print(f"all that is computed, {total_ms:.0f} ms in a second; modalities, attention, "
                  "memory and plugins overlap")  # fmt: skip
    console.print(_stages("of the work", "in 1 s [ms]", report["work"]))
    table = Table("process", "pid", "threads", "of a core", box=None)
    for process in report["processes"]:
        table.add_row(process["name"], str(process["pid"]), "all", _percent(process["cpu"]))
        for name, used in process["threads"].items():
            if used >= SHOWN_SHARE:
                table.add_row("", "", name, _percent(used))
    console.print(f"\nprocessors, watched for {report['watched_s']:g} s")
    console.print(table)


def _stages(share: str, mean: str, parts: Iterable[Mapping[str, Any]]) -> Table:
    table = Table("stage", box=None)
    for column in (share, mean, "p50 [ms]", "p99 [ms]", "times in 1 s"):
        table.add_column(column, justify="right")
    for part in parts:
        known = part["p50_ms"] is not None
        figures = [f"{part[key]:.2f}" for key in ("p50_ms", "p99_ms", "rate_hz") if known]
        table.add_row(part["stage"], _percent(part["share"]), f"{part['mean_ms']:.2f}", *figures)
    return table


def _percent(share: float) -> str:
    return f"{100.0 * share:.1f} %"
