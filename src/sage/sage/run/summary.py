"""What one run of the graph came to: the object that `sage run --json` prints last."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sage.observe.counters import callback_errors
from sage.observe.sensors import backends
from sage.observe.transports import fallbacks
from sage.observe.waiting import never_came
from sage_common.core.diagnosis.node_status import node_name

if TYPE_CHECKING:
    from sage.run.session import Session


def summary_of(run: Session) -> dict[str, Any]:
    """Every count of a run, what its nodes said last, and what is wrong."""
    import onnxruntime  # 17 MB, and only its version is wanted

    tally, latest = run.observer.tally, run.observer.latest
    statuses, ways = latest.statuses(), latest.transports()
    return {
        "profile": run.graph.options.profile,
        "source": run.graph.options.source,
        "duration_s": round(run.elapsed_s, 3),
        "counted": run.options.counts,
        **tally.summary(),
        "start_s": None if run.start_s is None else round(run.start_s, 3),
        "pss_mb": round(run.pss_mb, 1),
        "mode": "composed" if run.options.composed else "processes",
        "restarts": sum(child.restarts for child in run.supervisor.children),
        "outages": _outages(run),
        "dropped": latest.counters.dropped(),
        "transport": ways,
        "device": run.graph.device,
        "threads": os.cpu_count(),
        "onnxruntime": onnxruntime.__version__,
        "backends": backends(run.graph, statuses),
        "weights": _weights(statuses),
        "causes": [asdict(cause) for cause in latest.causes()],
        "health": {**fallbacks(ways), **_health(statuses)},
        "callback_errors": callback_errors(statuses),
        "signal": run.signal,
        "failed_nodes": _failed_nodes(statuses),
        "never_came": never_came(statuses),
    }


def failures_of(summary: dict[str, Any]) -> list[str]:
    """What a summary of a run says that failed, in words; empty: nothing did.

    Every node must be able to do its work at the end (one whose process ended and was not back
    cannot), a bag must have been read to its end, and salience must have come, unless a signal
    ended the run before.
    """
    failed = summary["failed_nodes"]
    found = [f"{name}: {summary['health'][name]}" for name in failed]
    last = {outage["process"]: outage for outage in summary["outages"]}
    found += [
        f"{process}: not back at the end of the run ({outage['cause']})"
        for process, outage in last.items()
        if not outage["over"]
    ]
    unread = summary.get("replay", {}).get("error", "")
    if unread:
        found.append(f"the bag was not played to its end: {unread}")
    if not summary["fused"]["n"] and summary["signal"] is None:
        found.append("the run ended before any salience was seen")
        if missing := summary["never_came"]:
            found.append(f"nothing came on {', '.join(missing)}")
    return found


def _outages(run: Session) -> list[dict[str, Any]]:
    """Within `duration_s`; of the whole run if no salience came."""
    since_s = run.counted_since_s
    end_s = since_s + run.elapsed_s if since_s else time.monotonic()
    return run.supervisor.outages.records(end_s, since_s)


def _weights(statuses: Iterable[Any]) -> dict[str, str]:
    """SHA-256 of each encoder's weights, as the nodes themselves report it."""
    return {
        node_name(status): item.value
        for status in statuses
        for item in status.values
        if item.key == "weights_sha256"
    }


def _health(statuses: Iterable[Any]) -> dict[str, str]:
    """Nodes that are not well, and why."""
    return {node_name(status): status.message for status in statuses if status.level != b"\x00"}


def _failed_nodes(statuses: Iterable[Any]) -> list[str]:
    """Nodes that cannot do their work: error level in /diagnostics at the end."""
    return sorted(node_name(status) for status in statuses if status.level == b"\x02")
