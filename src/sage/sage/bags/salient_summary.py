"""What a recording of salient moments has kept, as JSON and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sage.bags.salient_writer import SalientMoment, SalientWriter
from sage_common.core.clock import NS_PER_S

SHOWN = 3


def salient_summary(writer: SalientWriter) -> dict[str, Any]:
    """Which moments there were, and which part of all that was heard is in the bag."""
    return {
        "share_of_bytes": round(writer.written_bytes / max(writer.offered_bytes, 1), 6),
        "offered_bytes": writer.offered_bytes,
        "moments": [asdict(moment) for moment in writer.moments],
    }


def in_lines(summary: Mapping[str, Any]) -> list[str]:
    """The summary for people: how many moments, what part of the bytes, and the most salient."""
    moments = [SalientMoment(**moment) for moment in summary["moments"]]
    best = sorted(moments, key=lambda moment: -moment.total)[:SHOWN]
    count = "1 moment" if len(moments) == 1 else f"{len(moments)} moments"
    offered = f"{summary['offered_bytes'] / 1e6:.1f} MB of messages"
    return [
        f"{count}, {summary['share_of_bytes']:.1%} of {offered}",
        *(f"stood out: {m.in_words()}" for m in sorted(best, key=lambda moment: moment.peak_ns)),
    ]


def notes(writer: SalientWriter) -> list[str]:
    """What of the moments could not be had, and why."""
    found = []
    missing_s = [moment.missing_ns / NS_PER_S for moment in writer.moments if moment.missing_ns]
    if missing_s:
        found.append(
            f"{len(missing_s)} of {len(writer.moments)} moments lack up to {max(missing_s):.1f} s "
            "of what came before: the memory was full (--memory-mb)"
        )
    if writer.unreadable:
        text = "messages of fused salience were left out: another version of SAGE sent them"
        found.append(f"{writer.unreadable} {text}")
    return found
