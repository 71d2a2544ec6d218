"""What failed in a run of the graph."""

from __future__ import annotations

from typing import Any


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
