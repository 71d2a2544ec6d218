"""What each process of a running graph takes: its memory, or (`--report`) its time."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sage.commands.compute import cycle_report
from sage.commands.options import add_home_argument
from sage.graph.runtime_file import RunningGraph, running_graph
from sage.observe.attached import Attached, enter_domain
from sage.observe.profiler_node import DISCOVERY_TIMEOUT_S, ProfilerNode
from sage.run.process_state import process_pss_mb
from sage_common.core.errors import InvalidInput
from sage_common.core.health import PressureLevel
from sage_common.core.home import sage_home
from sage_msgs.msg import ResourcePressure
from sage_msgs.srv import ListReclaimables

WATCHED_S = 5.0
MB = 2**20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--report",
        action="store_true",
        help="where the time of a cycle goes, stage by stage, the bottleneck first",
    )
    add_home_argument(parser)


def run(options: argparse.Namespace) -> int:
    running = running_graph(sage_home(options.home))
    if running is None:
        raise InvalidInput("home", str(sage_home(options.home)), "a running graph: sage run")
    enter_domain(running)
    found = cycle_report.report_of(running, WATCHED_S) if options.report else profile_of(running)
    if options.json:
        print(json.dumps(found))
    elif options.report:
        cycle_report.show(found)
    else:
        _show(found)
    return 0


def profile_of(running: RunningGraph) -> dict[str, Any]:
    """The profile of a graph whose domain was entered.

    Raises:
        TimeoutError: no governor was heard.
    """
    with Attached(ProfilerNode, running.namespace) as attached:
        answers, pressure = attached.node.ask(), attached.node.pressure
    if pressure is None:
        raise TimeoutError(f"no governor was heard within {DISCOVERY_TIMEOUT_S:g} s")
    return profile(pressure, answers)


def profile(
    pressure: ResourcePressure, answers: dict[str, ListReclaimables.Response]
) -> dict[str, Any]:
    """All that is known, as JSON has it; sizes are bytes.

    Args:
        pressure: what the governor said last.
        answers: what each node could give back, by its name.
    """
    names = {item.pid: item.name for item in pressure.processes}
    pids = sorted({*names, *(answer.pid for answer in answers.values())})
    processes = [
        {
            "name": names.get(pid) or _nodes_of(pid, answers),
            "pid": pid,
            "pss_bytes": round(process_pss_mb(pid) * MB),
            "peak_rss_bytes": _peak_rss_bytes(pid),
            "could_give_back_bytes": sum(
                _could_give_back(item)
                for answer in answers.values()
                if answer.pid == pid
                for item in answer.reclaimables
            ),
        }
        for pid in pids
    ]
    reclaimables = [
        {
            "node": node,
            "name": item.name,
            "cost": item.cost,
            "held_bytes": item.held_bytes,
            "peak_bytes": item.peak_bytes,
            "could_give_back_bytes": _could_give_back(item),
            "given_bytes": item.given_bytes,
        }
        for node, answer in sorted(answers.items())
        for item in answer.reclaimables
    ]
    return {
        "level": PressureLevel(pressure.level).word,
        "reason": pressure.reason,
        "method": pressure.method,
        "shed": list(pressure.shed),
        "total_pss_bytes": sum(item["pss_bytes"] for item in processes),
        "could_give_back_bytes": sum(item["could_give_back_bytes"] for item in reclaimables),
        "processes": processes,
        "reclaimables": reclaimables,
    }


def _could_give_back(item: Any) -> int:
    return int(item.held_bytes - item.kept_bytes)


def _nodes_of(pid: int, answers: dict[str, ListReclaimables.Response]) -> str:
    return ", ".join(sorted(node for node, answer in answers.items() if answer.pid == pid))


def _peak_rss_bytes(pid: int) -> int:
    """Of a process of this machine; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = next((line.split()[1] for line in lines if line.startswith("VmHWM:")), "0")
    return int(found) * 1024


def _show(found: dict[str, Any]) -> None:
    console = Console()
    console.print(f"pressure {found['level']}: {found['reason']} (read from: {found['method']})")
    if found["shed"]:
        console.print(f"shed: {', '.join(found['shed'])}")
    console.print(
        _table(
            ("process", "pid", "PSS [MB]", "peak RSS [MB]", "could give back [MB]"),
            (
                (p["name"], str(p["pid"]), *map(_mb, (p["pss_bytes"], p["peak_rss_bytes"],
                                                      p["could_give_back_bytes"])))
                for p in found["processes"]
            ),
        )
    )  # fmt: skip
    console.print(
        _table(
            ("node", "what", "cost", "now [MB]", "peak [MB]", "could give back", "given back"),
            (
                (r["node"], r["name"], r["cost"], *map(_mb, (r["held_bytes"], r["peak_bytes"],
                                                r["could_give_back_bytes"], r["given_bytes"])))
                for r in found["reclaimables"]
            ),
        )
    )  # fmt: skip
    total, could = map(_mb, (found["total_pss_bytes"], found["could_give_back_bytes"]))
    console.print(f"{total} MB in all (PSS), of which {could} MB could be given back; pictures")
    console.print("that are kept lie in the slots of their camera, and are counted there, too")


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(box=None)
    for column in columns:
        table.add_column(
            column, justify="right" if "[MB]" in column or "back" in column else "left"
        )
    for row in rows:
        table.add_row(*row)
    return table


def _mb(size: int) -> str:
    return f"{size / MB:.1f}"
