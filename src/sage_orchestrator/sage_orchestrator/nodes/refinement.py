"""The action `orchestrator/refine`: one plugin on one input, ordered by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.ros.checks import check_message
from sage_common.ros.conversions.percepts import percept_of
from sage_msgs.action import Refine
from sage_orchestrator.core.atp import to_atp, to_ns
from sage_orchestrator.core.orchestrator import Orchestrator
from sage_orchestrator.core.plugin import Region, Task
from sage_orchestrator.core.run import Ending
from sage_orchestrator.core.slot import Order
from sage_orchestrator.core.states import PluginState

FEEDBACK_PERIOD_S = 0.1


def order_of(goal: Refine.Goal, region: Region | None) -> Order:
    """The order of a goal; its input is looked at around `region` if that is given.

    Raises:
        InvalidInput: naming the field of the goal.
    """
    if not math.isfinite(goal.timeout_s) or goal.timeout_s <= 0.0:
        raise InvalidInput("timeout_s", goal.timeout_s, "a finite number above 0")
    limit_ns = to_ns(goal.budget_atp, "budget_atp")
    if limit_ns == 0:
        raise InvalidInput("budget_atp", goal.budget_atp, "more than 0 ATP")
    if not goal.input.valid:
        raise InvalidInput("input.valid", False, "a valid puzzle")
    check_message("sage_msgs/msg/Puzzle", goal.input)
    percept = percept_of(goal.input)
    task = Task(percept.stamp_ns, percept.modality, percept.source, 1.0, region, percept)
    return Order(task, limit_ns, round(goal.timeout_s * NS_PER_S))


def carry_out(
    orchestrator: Orchestrator,
    plugin: str,
    order: Order,
    *,
    wait: Callable[[Order], Ending | None],
    elapsed_ns: Callable[[], int],
    feedback: Callable[[Any], None],
    cancelled: Callable[[], bool],
) -> Refine.Result:
    """Run an order to its end, on the worker of the action.

    Args:
        wait: waits a short time; the ending, once there is one.
        elapsed_ns: time since the order came.

    Raises:
        InvalidInput: the plugin is unknown, isolated or busy.
    """
    orchestrator.order(plugin, order)
    ending = wait(order)
    while ending is None:
        feedback(_progress(order))
        if cancelled():
            orchestrator.cancel(plugin, order, "cancelled on request")
        elif elapsed_ns() > order.timeout_ns:
            orchestrator.cancel(plugin, order, "out of time")
        ending = wait(order)
    return _result(order, ending)


def _progress(order: Order) -> Refine.Feedback:
    run = order.run
    if run is None:
        return Refine.Feedback()
    energies = run.history.energies[-1:]
    return Refine.Feedback(
        spent_atp=to_atp(run.spent_ns),
        steps=run.history.steps,
        energy=energies[0] if energies else 0.0,
    )


def _result(order: Order, ending: Ending) -> Refine.Result:
    progress = _progress(order)
    return Refine.Result(
        success=bool(ending.result) and ending.state in (PluginState.DONE, PluginState.SPENT),
        message=ending.reason,
        spent_atp=progress.spent_atp,
        steps=progress.steps,
        energy=progress.energy,
        result_json=json.dumps(dict(ending.result), allow_nan=False),
    )
