"""The summary of a run for people, in a few lines."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sage.observe.counters import worst_place
from sage.observe.highlights import Highlight
from sage.observe.observer_node import LISTENER
from sage.observe.transports import in_words
from sage_common.core.diagnosis.root_causes import Cause
from sage_common.core.synthetic import SYNTHETIC

NAMED_OUTAGES = 3


def short_summary(summary: dict[str, Any]) -> str:
    """The summary of a session in words; causes and outages only where there were any."""
    if not summary["fused"]["n"]:
        return "\n".join(["ended before any salience was seen", *_outages(summary)])
    lines = _counted(summary) if summary["counted"] else _uncounted(summary)
    lines += [f"stood out: {Highlight(**item).in_words()}" for item in summary["highlights"]]
    lines += _states(summary["states"])
    generated = [s for s, backend in summary["backends"].items() if backend == SYNTHETIC]
    if generated:
        lines.append(f"synthetic, no sensors: {', '.join(generated)}")
    if ways := in_words(summary["transport"]):
        lines.append(ways)
    lines += _outages(summary)
    causes = [Cause(**cause) for cause in summary["causes"]]
    lines += [cause.words for cause in causes]
    named = {name for cause in causes for name in (cause.name, *cause.consequences)}
    health = sorted(summary["health"].items())
    lines += [f"{name}: {why}" for name, why in health if name not in named]
    lines += [f"{name}: {what}" for name, what in summary["callback_errors"].items()]
    for plugin, failures in summary["refinement_failures"].items():
        runs = failures["count"] + summary["refinements"].get(plugin, 0)
        failed = f"{failures['count']} of {runs} runs failed"
        lines.append(f"plugin {plugin}: {failed}: {failures['last']}")
    return "\n".join(lines)


def _counted(summary: dict[str, Any]) -> list[str]:
    fused, camera = summary["fused"], summary["latency_ms"]["camera_to_salience"]
    return [
        f"{summary['duration_s']} s, {summary['frames']} frames, "
        f"{summary['frames_dropped']} dropped{_where(summary)}, "
        f"{summary['experiences']} experiences announced",
        f"fused salience: mean {fused['mean']}, max {fused['max']}; "
        f"camera to salience: {_latency(camera)}; "
        f"memory {summary['pss_mb']} MB",
    ]


def _uncounted(summary: dict[str, Any]) -> list[str]:
    return [
        f"{summary['duration_s']} s, {summary['experiences']} experiences announced, "
        f"fused salience up to {summary['fused']['max']}, memory {summary['pss_mb']} MB; "
        "frames are counted with --duration or --json"
    ]


def _latency(found: dict[str, Any]) -> str:
    if found["p50"] is None:
        return "no frame"
    return f"p50 {found['p50']} ms, p99 {found['p99']} ms"


def _states(found: dict[str, Any]) -> list[str]:
    if not found["transitions"]:
        return []
    times = ", ".join(f"{name} {seconds} s" for name, seconds in found["seconds"].items())
    return [f"states: {times}; transitions: {found['transitions']}"]


def _where(summary: dict[str, Any]) -> str:
    if not summary["frames_dropped"]:
        return ""
    reasons = []
    # A frame's way: from who gives pictures to the encoder, and on to this command.
    nodes = [name for name, ways in summary["transport"].items() if "mailboxes" in ways]
    worst = worst_place(summary["dropped"], [*nodes, "vision_encoder", LISTENER])
    if lost := summary["frames_lost"]["not_encoded"]:
        most = f", most at {worst}" if worst else ""
        reasons.append(f"{lost} seen but not encoded{most}")
    if lost := summary["frames_lost"]["not_announced"]:
        reasons.append(f"{lost} never announced")
    return f" ({'; '.join(reasons)})"


def _outages(summary: dict[str, Any]) -> list[str]:
    by_process: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for outage in summary["outages"]:
        by_process[outage["process"]].append(outage)
    ranked = sorted(by_process.items(), key=lambda item: -sum(o["out_s"] for o in item[1]))
    lines = []
    for process, outages in ranked[:NAMED_OUTAGES]:
        out_s = sum(outage["out_s"] for outage in outages)
        still = "" if outages[-1]["over"] else ", and not back at the end"
        times = "once" if len(outages) == 1 else f"{len(outages)} times"
        lines.append(
            f"outage: {process} ended {times} ({outages[-1]['cause']}) "
            f"and was out for {out_s:.1f} s of the run{still}"
        )
    if len(ranked) > NAMED_OUTAGES:
        lines.append(f"outages of {len(ranked) - NAMED_OUTAGES} more processes")
    return lines
