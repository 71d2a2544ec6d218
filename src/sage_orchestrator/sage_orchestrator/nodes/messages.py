"""Between messages and the core's types."""

from __future__ import annotations

import array

import numpy as np

from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_msgs.msg import Attention, BudgetState, FusedSalience, PluginBudget, Refinement
from sage_msgs.srv import Recall
from sage_orchestrator.core.budget.atp import to_atp
from sage_orchestrator.core.plugin import Memory, Query, Region
from sage_orchestrator.core.running.result import RunResult
from sage_orchestrator.core.running.run import ENERGIES_REPORTED, Run
from sage_orchestrator.core.scheduling.report import CycleReport, PluginReport
from sage_orchestrator.core.scheduling.trigger import Trigger

NS_PER_MS = 1_000_000


def region_of(message: Attention) -> Region | None:
    """The region in pixels of the native image; None if what is attended is no image."""
    roi = message.roi
    if not (roi.width and roi.height):
        return None
    return Region(roi.x_offset, roi.y_offset, roi.width, roi.height)


def attention_trigger(message: Attention) -> Trigger:
    """What plugins may ask for because of a valid region of attention."""
    return Trigger(
        kind="attention",
        modality=message.modality,
        source=message.source,
        stamp_ns=stamp_ns(message.header.stamp),
        salience=message.salience,
        alarms_per_hour=message.alarms_per_hour,
        region=region_of(message),
    )


def percept_triggers(message: FusedSalience) -> list[Trigger]:
    """What plugins may ask for because of the newest percept of each valid modality."""
    return [
        Trigger(
            kind="percept",
            modality=own.modality,
            source=own.source,
            stamp_ns=stamp_ns(own.header.stamp),
            salience=own.total,
            alarms_per_hour=own.alarms_per_hour,
            dominant=own.modality == message.dominant_modality,
        )
        for own in message.modalities
        if own.valid
    ]


def recall_request(query: Query) -> Recall.Request:
    """The request that asks this."""
    request = Recall.Request(
        example_encoder_id=query.encoder_id,
        min_salience=float(query.min_salience),
        modality=query.modality,
        limit=query.limit,
        without_codes=True,
    )
    request.example = query.example.astype(np.float32).tolist()
    request.end = to_stamp(query.end_ns)
    return request


def memories_of(response: Recall.Response) -> list[Memory]:
    """The memories of an answer that succeeded, best first."""
    return [
        Memory(kept.id, float(score), stamp_ns(kept.header.stamp), kept.text)
        for kept, score in zip(response.experiences, response.scores, strict=True)
    ]


def budget_state(report: CycleReport, rating: float, now_ns: int) -> BudgetState:
    """The message of a cycle that ended now; `rating` as in `ProcessorRating`."""
    message = BudgetState(
        cycle=report.cycle,
        cycle_ms=report.period_ns / NS_PER_MS,
        budget_atp=to_atp(report.budget_ns),
        rating=rating,
        allocated_atp=to_atp(report.allocated_ns),
        spent_atp=to_atp(report.spent_ns),
        returned_atp=to_atp(report.returned_ns),
        plugins=[_plugin_budget(line) for line in report.lines],
    )
    message.header.stamp = to_stamp(now_ns)
    return message


def refinement(run: Run, result: RunResult) -> Refinement:
    """The message of a run that ended."""
    message = Refinement(
        plugin=run.name,
        modality=run.task.modality,
        source=run.task.source,
        ordered=run.limit_ns is not None,
        answer=result.answer,
        labels=list(result.labels),
        energies=array.array("f", run.history.energies[-ENERGIES_REPORTED:]),
        spent_atp=to_atp(run.spent_ns),
        steps=run.history.steps,
        state=int(result.state),
        reason=result.reason,
    )
    message.header.stamp = to_stamp(run.task.stamp_ns)
    return message


def _plugin_budget(line: PluginReport) -> PluginBudget:
    return PluginBudget(
        name=line.name,
        state=int(line.state),
        trust=line.trust,
        salience=line.salience,
        requested_atp=to_atp(line.requested_ns),
        allocated_atp=to_atp(line.allocated_ns),
        spent_atp=to_atp(line.spent_ns),
        returned_atp=to_atp(line.returned_ns),
        steps=line.steps,
        energy=line.energy,
        failures=line.failures,
        reason=line.reason,
    )
