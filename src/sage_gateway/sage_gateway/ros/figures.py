"""What Prometheus is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sage_gateway.core.ports import Figure
from sage_gateway.ros import conversions

if TYPE_CHECKING:
    from sage_gateway.ros.feed import GraphFeed

MOST_LABELS = 40
"""Of one figure; figures times labels stay below 500."""


def figures(feed: GraphFeed) -> Iterator[Figure]:
    """The newest of what the gateway has heard; what has not come is left out."""
    messages = feed.newest_messages
    if (fused := messages.get("peak")) is not None and fused.valid:
        text = "Fused salience, the most of the last second, 0 to 1"
        yield Figure("sage_salience", text, {}, float(fused.total))
        for item in fused.modalities[:MOST_LABELS]:
            labels = {"modality": item.modality}
            text = "Salience of one modality, 0 to 1"
            yield Figure("sage_modality_salience", text, labels, float(item.total))
        text = "From the sensor's sample to fused salience"
        yield Figure("sage_salience_latency_seconds", text, {}, fused.latency_ms / 1e3)
    if (budget := messages.get("budget_sum")) is not None:
        yield Figure("sage_budget_atp", "Compute of the last second", {}, float(budget.budget_atp))
        yield Figure("sage_spent_atp", "Spent in the last second", {}, float(budget.spent_atp))
        plugins = budget.plugins[:MOST_LABELS]
        for name, text in (
            ("trust", "Trust, 0.05 to 1"),
            ("spent_atp", "Spent in the last second"),
        ):
            for plugin in plugins:
                labels = {"plugin": plugin.name}
                yield Figure(f"sage_plugin_{name}", text, labels, float(getattr(plugin, name)))
    if (state := messages.get("state")) is not None:
        yield Figure("sage_metabolic_state", "0 WAKE to 4 CRISIS", {}, float(state.state))
        yield Figure("sage_energy_reserve", "What is left, 0 to 1", {}, float(state.energy_reserve))
    yield from _pressure(feed)
    yield Figure("sage_alerts", "Causes of what is not well", {}, float(len(feed.alerts.alerts)))
    text = "Of this answer, since 1970"
    yield Figure("sage_scrape_time_seconds", text, {}, time.time())


def _pressure(feed: GraphFeed) -> Iterator[Figure]:
    message = feed.newest_messages.get("pressure")
    if message is None:
        return
    yield Figure("sage_pressure_level", "0 green to 4 critical", {}, float(message.level))
    readings = (
        ("sage_memory_available_bytes", "Memory that can be taken", message.available_mb, 2**20),
        ("sage_temperature_celsius", "Of the hottest zone", message.temperature_c, 1.0),
        ("sage_power_watts", "Of the board", message.power_w, 1.0),
        ("sage_clock_hertz", "Mean of the processors", message.clock_mhz, 1e6),
    )
    for name, text, value, unit in readings:
        if conversions.known(value) is not None:
            yield Figure(name, text, {}, float(value) * unit)
    for process in message.processes[:MOST_LABELS]:
        labels = {"process": process.name, "pid": str(process.pid)}
        text = "Proportional set size"
        yield Figure("sage_process_pss_bytes", text, labels, process.pss_mb * 2**20)
