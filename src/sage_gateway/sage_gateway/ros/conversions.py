"""Messages of the graph as objects of the contract."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sage_common.core.clock import NS_PER_S
from sage_common.core.diagnosis.cycle_profile import CycleProfile, Way
from sage_common.core.health import PressureLevel
from sage_common.ros.conversions.stamps import stamp_ns
from sage_gateway.core.contract import answers, events
from sage_gateway.core.contract.endpoints import PAYLOAD_URL, PICTURE_URL
from sage_memory.backends.payload_pictures import IMAGE, SOUND
from sage_orchestrator.core.metabolism.state import MetabolicState
from sage_orchestrator.core.running.states import PluginState

DIGITS, GRID_DIGITS = 4, 2
DIMENSIONS = ("surprise", "novelty", "arousal", "reward")
_NOT_LIVE: dict[str, Any] = {
    "source": "", "stamp_s": None, "weight": None, "total": None, "conflict": None,
    "alarms_per_hour": None, "habituation": None, "reason": "",
    "grid_rows": 0, "grid_columns": 0, "grid": (), **dict.fromkeys(DIMENSIONS),
}  # fmt: skip


def seconds(stamp: Any) -> float:
    """A ROS time as the contract has it: since 1970 [s], to the microsecond."""
    return round(stamp_ns(stamp) / NS_PER_S, 6)


def known(value: float) -> float | None:
    """A number of which less than 0 says that it is not known."""
    return round(float(value), DIGITS) if math.isfinite(value) and value >= 0.0 else None


def _share(value: float) -> float:
    return round(float(value), DIGITS)


def salience_now(
    message: Any, modalities: Sequence[str], with_grids: bool = True
) -> events.SalienceNow:
    """Of a FusedSalience; modalities that are not in it are not live."""
    weights = dict(zip((m.modality for m in message.modalities), message.weights, strict=True))
    live = {m.modality: m for m in message.modalities if m.valid}
    names = dict.fromkeys((*modalities, *live))
    return events.SalienceNow(
        stamp_s=seconds(message.header.stamp),
        valid=message.valid,
        total=_share(message.total),
        alarms_per_hour=known(message.alarms_per_hour) if message.valid else None,
        reason=message.reason if message.valid else message.invalid_reason,
        dominant=message.dominant_modality,
        conflict=_share(message.conflict),
        latency_ms=round(max(float(message.latency_ms), 0.0), 2),
        modalities=tuple(
            _modality(live[name], weights[name], with_grids)
            if name in live
            else events.ModalitySalience(modality=name, live=False, **_NOT_LIVE)
            for name in names
        ),
    )


def _modality(message: Any, weight: float, with_grids: bool) -> events.ModalitySalience:
    has_grid = with_grids and len(message.grid)
    grid = np.asarray(message.grid, np.float64).round(GRID_DIGITS).tolist() if has_grid else ()
    return events.ModalitySalience(
        modality=message.modality,
        live=True,
        source=message.source,
        stamp_s=seconds(message.header.stamp),
        weight=_share(weight),
        total=_share(message.total),
        **{name: _share(getattr(message, name)) for name in DIMENSIONS},
        conflict=_share(message.conflict) if message.conflict_known else None,
        alarms_per_hour=known(message.alarms_per_hour),
        habituation=_share(message.habituation),
        reason=message.reason,
        grid_rows=message.grid_rows if has_grid else 0,
        grid_columns=message.grid_columns if has_grid else 0,
        grid=tuple(grid),
    )


def behind(message: Any) -> answers.Behind:
    """What stands behind a Salience."""
    has_neighbour, has_cross = message.neighbour_age_s >= 0.0, message.conflict_known
    return answers.Behind(
        modality=message.modality,
        prediction_error=known(message.prediction_error),
        usual_error=known(message.usual_error),
        neighbour_distance=_share(message.neighbour_distance) if has_neighbour else None,
        neighbour_age_s=known(message.neighbour_age_s),
        cross_error=known(message.cross_error) if has_cross else None,
        cross_usual_error=known(message.cross_usual_error) if has_cross else None,
    )


def attention_now(message: Any) -> events.AttentionNow:
    """Of an Attention."""
    edges = {edge: _share(getattr(message, edge)) for edge in ("x_min", "y_min", "x_max", "y_max")}
    return events.AttentionNow(
        stamp_s=seconds(message.header.stamp),
        valid=message.valid,
        modality=message.modality,
        source=message.source,
        **edges,
        confidence=_share(message.confidence),
        salience=_share(message.salience),
        place=message.regions[0].place if message.regions else "",
        reason=message.reason if message.valid else message.invalid_reason,
    )


def puzzle_now(message: Any) -> events.PuzzleNow:
    """Of a Puzzle."""
    codes = np.asarray(message.codes, np.uint8) + ord("0")
    return events.PuzzleNow(
        modality=message.modality,
        source=message.source,
        stamp_s=seconds(message.header.stamp),
        codes=codes.astype(np.uint8).tobytes().decode("ascii"),
        text=message.text,
    )


def budget_now(message: Any) -> events.BudgetNow:
    """Of a BudgetState."""
    amounts = ("budget_atp", "allocated_atp", "spent_atp", "returned_atp")
    return events.BudgetNow(
        stamp_s=seconds(message.header.stamp),
        cycle=message.cycle,
        cycle_ms=round(float(message.cycle_ms), 2),
        **{name: round(float(getattr(message, name)), 1) for name in amounts},
        rating=_share(message.rating),
        plugins=tuple(map(_plugin_budget, message.plugins)),
    )


def _plugin_budget(plugin: Any) -> events.PluginBudgetNow:
    amounts = ("requested_atp", "allocated_atp", "spent_atp")
    return events.PluginBudgetNow(
        name=plugin.name,
        state=state_word(plugin.state),
        trust=_share(plugin.trust),
        salience=_share(plugin.salience),
        **{name: round(float(getattr(plugin, name)), 1) for name in amounts},
        steps=plugin.steps,
        failures=plugin.failures,
        reason=plugin.reason,
    )


def state_word(number: int) -> str:
    """Of a plugin's state, as the contract has it."""
    return PluginState(number).name.lower()


def state_now(message: Any) -> events.StateNow:
    """Of a MetabolicState."""
    forced = stamp_ns(message.forced_until)
    return events.StateNow(
        state=MetabolicState(message.state).name,
        previous=MetabolicState(message.previous).name,
        reason=message.reason,
        since_s=seconds(message.since) or None,
        forced_until_s=seconds(message.forced_until) if forced else None,
        energy_reserve=_share(message.energy_reserve),
        energy_source=message.energy_source,
        energy_fault=message.energy_fault,
        charging=message.charging,
        cycle_ms=round(float(message.cycle_ms), 2),
        budget_atp=round(float(message.budget_atp), 1),
        plugins=tuple(message.plugins),
        learning=message.learning,
        consolidation=message.consolidation,
        transitions=tuple(
            events.Transition(
                seconds(t.stamp),
                MetabolicState(t.previous).name,
                MetabolicState(t.state).name,
                t.reason,
            )
            for t in message.transitions
        ),
    )


def pressure_now(message: Any) -> events.PressureNow:
    """Of a ResourcePressure."""
    readings = (
        "some_avg10", "full_avg10", "available_mb", "temperature_c", "power_w", "clock_mhz",
        "gpu_used_mb", "gpu_total_mb",
    )  # fmt: skip
    return events.PressureNow(
        stamp_s=seconds(message.header.stamp),
        level=PressureLevel(message.level).word,
        reason=message.reason,
        method=message.method,
        forced=message.forced,
        **{name: known(getattr(message, name)) for name in readings},
        shed=tuple(message.shed),
        processes=tuple(
            events.ProcessNow(p.name, p.pid, round(float(p.pss_mb), 1)) for p in message.processes
        ),
    )


def kept_experience(message: Any) -> events.KeptExperience:
    """Of an Experience."""
    at = message.place.pose.pose.position
    place = events.Place(message.place.header.frame_id, at.x, at.y, at.z)
    sha256, media_type = message.payload_sha256, message.payload_media_type
    has_picture = media_type in (IMAGE, SOUND)
    payload = events.Payload(
        sha256,
        media_type,
        PAYLOAD_URL.format(sha256=sha256),
        PICTURE_URL.format(sha256=sha256) if has_picture else None,
    )
    return events.KeptExperience(
        id=message.id,
        stamp_s=seconds(message.header.stamp),
        start_s=seconds(message.start),
        end_s=seconds(message.end),
        modality=message.modality,
        source=message.source,
        entity=message.entity,
        total=_share(message.total),
        **{name: _share(getattr(message, name)) for name in (*DIMENSIONS, "conflict")},
        reason=message.reason,
        text=message.text,
        place=place if message.has_place else None,
        payload=payload if sha256 else None,
        covers=message.covers,
        pinned=message.pinned,
    )


def cycle(profile: CycleProfile) -> answers.Cycle:
    """Of a profile."""
    return answers.Cycle(profile.modality, _way(profile.salience), _way(profile.refinement))


def _way(way: Way | None) -> answers.CycleWay | None:
    if way is None:
        return None
    parts = tuple(
        answers.CyclePart(
            part.name,
            round(part.mean_ms, 3),
            _share(part.share),
            part.facts and part.facts.p50_ms,
            part.facts and part.facts.p99_ms,
        )
        for part in way.parts
    )
    facts = way.facts
    return answers.CycleWay(facts.mean_ms, facts.p50_ms, facts.p99_ms, parts, way.relief)


def refinement_done(message: Any) -> events.RefinementDone:
    """Of a Refinement."""
    return events.RefinementDone(
        stamp_s=seconds(message.header.stamp),
        plugin=message.plugin,
        modality=message.modality,
        source=message.source,
        ordered=message.ordered,
        answer=message.answer,
        labels=tuple(message.labels),
        energy=round(float(message.energies[-1]), DIGITS) if len(message.energies) else None,
        spent_atp=round(float(message.spent_atp), 1),
        steps=message.steps,
        state=state_word(message.state),
        reason=message.reason,
    )


def plugin_of(info: Any) -> answers.Plugin:
    """Of a PluginInfo."""
    return answers.Plugin(
        name=info.name,
        package=info.package,
        meaning=info.meaning,
        needs=tuple(info.needs),
        host=info.host,
        loaded=info.loaded,
        state=state_word(info.state) if info.loaded else "",
        reason=info.reason,
        trust=_share(info.trust) if info.loaded else None,
        trust_reason=info.trust_reason,
        problem=info.problem,
    )
