"""Show the metabolic state of a running graph and why, or force one for a time."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sage.commands.options import (
    USUAL_FORCED_S,
    add_forced_duration_argument,
    add_home_argument,
)
from sage.graph.runtime_file import RunningGraph, running_graph
from sage_common.core.errors import InvalidInput
from sage_common.core.home import sage_home

AUTO = "auto"


class StateRefused(RuntimeError):
    """The orchestrator did not do what it was asked for; the message says why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(act=_show)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    force = actions.add_parser("set", help="force a state for a time")
    force.set_defaults(act=_force)
    force.add_argument("state", metavar="STATE", help="WAKE, FOCUS, REST, DREAM or CRISIS")
    add_forced_duration_argument(force)
    auto = actions.add_parser("auto", help="end a forced state")
    auto.set_defaults(act=_release)
    for each in (parser, force, auto):
        each.add_argument("--json", action="store_true")
        add_home_argument(each)


def run(options: argparse.Namespace) -> int:
    return int(options.act(options))


def _show(options: argparse.Namespace) -> int:
    from sage.observe.graph_calls import latched_message

    message = latched_message(_running(options), "state")
    if options.json:
        print(json.dumps(state_values(message)))
    else:
        print("\n".join(state_lines(message)))
    return 0


def _force(options: argparse.Namespace) -> int:
    return _ask(options, options.state, options.duration_s or USUAL_FORCED_S)


def _release(options: argparse.Namespace) -> int:
    return _ask(options, AUTO, 0.0)


def _ask(options: argparse.Namespace, state: str, duration_s: float) -> int:
    from sage.observe.graph_calls import call_service
    from sage_msgs.srv import SetState

    request = SetState.Request(state=state, duration_s=duration_s)
    response = call_service(_running(options), "orchestrator/set_state", request)
    if not response.success:
        raise StateRefused(response.message)
    print(json.dumps({"message": response.message}) if options.json else response.message)
    return 0


def _running(options: argparse.Namespace) -> RunningGraph:
    running = running_graph(sage_home(options.home))
    if running is None:
        raise InvalidInput("graph", "none runs", "a running graph: sage run")
    return running


def state_values(message: Any) -> dict[str, Any]:
    """A message of the topic `state` as values that JSON has; times in seconds since the epoch."""
    from sage_common.ros.conversions.stamps import stamp_ns

    names = _state_names()
    plain = (
        "reason", "energy_reserve", "energy_source", "charging", "energy_fault", "cycle_ms",
        "budget_atp", "max_camera_rate_hz", "max_imu_rate_hz", "learning", "consolidation",
    )  # fmt: skip
    return {
        "state": names[message.state],
        "previous": names[message.previous],
        "since_s": stamp_ns(message.since) * 1e-9,
        "forced_until_s": stamp_ns(message.forced_until) * 1e-9,
        **{name: getattr(message, name) for name in plain},
        "plugins": list(message.plugins),
        "transitions": [
            {
                "stamp_s": stamp_ns(change.stamp) * 1e-9,
                "previous": names[change.previous],
                "state": names[change.state],
                "reason": change.reason,
            }
            for change in message.transitions
        ],
    }


def state_lines(message: Any) -> Iterator[str]:
    """A message of the topic `state` in words."""
    from sage_common.ros.conversions.stamps import stamp_ns

    names = _state_names()
    yield f"{names[message.state]}: {message.reason}"
    forced_ns = stamp_ns(message.forced_until)
    until = f", forced until {_clock(forced_ns)}" if forced_ns else ""
    yield f"  since {_clock(stamp_ns(message.since))}{until}"
    charging = ", charging" if message.charging else ""
    fault = f"; {message.energy_fault}" if message.energy_fault else ""
    yield f"  energy {message.energy_reserve:.0%} by {message.energy_source}{charging}{fault}"
    yield f"  policy: {policy_words(message)}"
    for change in reversed(message.transitions):
        before, after = names[change.previous], names[change.state]
        change_words = f"stays {after}" if before == after else f"{before} -> {after}"
        yield f"  {_clock(stamp_ns(change.stamp))}  {change_words}: {change.reason}"


def policy_words(message: Any) -> str:
    """What governs in a state."""
    if not message.plugins:
        return "none, the orchestrator is not active: no plugin runs"
    plugins = "all plugins" if "*" in message.plugins else f"plugins {', '.join(message.plugins)}"
    camera, imu = message.max_camera_rate_hz, message.max_imu_rate_hz
    limits = [f"{what} {hz:g} Hz" for what, hz in (("camera", camera), ("imu", imu)) if hz]
    return ", ".join(
        (
            f"{message.budget_atp:g} ATP a cycle of {message.cycle_ms:g} ms",
            plugins,
            " and ".join(limits) + " at most" if limits else "sensors at their own rates",
            "learns" if message.learning else "does not learn",
            *(["the memory sleeps"] if message.consolidation else []),
        )
    )


def _state_names() -> tuple[str, ...]:
    """Names of the states by number."""
    from sage_orchestrator.core.metabolism.state import MetabolicState

    return tuple(state.name for state in MetabolicState)


def _clock(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns * 1e-9).strftime("%H:%M:%S")
