"""Show how tight memory is and why, or set by hand for a time how tight it is taken to be.

What is set counts as if it were read: nodes give back what they can.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from sage.commands.options import (
    USUAL_FORCED_S,
    add_forced_duration_argument,
    add_home_argument,
)
from sage.graph.runtime_file import RunningGraph, running_graph
from sage.observe.graph_calls import call_service, latched_message
from sage_common.core.errors import InvalidInput
from sage_common.core.health import PressureLevel
from sage_common.core.home import sage_home
from sage_common.ros.conversions.stamps import stamp_ns
from sage_msgs.msg import ResourcePressure
from sage_msgs.srv import ForcePressure

AUTO = "auto"
LEVELS = {level.word: level for level in PressureLevel}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    words = ", ".join(LEVELS)
    parser.add_argument(
        "level", nargs="?", default="", type=str.lower, metavar="LEVEL",
        help=f"{words} (green: memory is plenty), or auto: as it is read; without: what it is now",
    )  # fmt: skip
    add_forced_duration_argument(parser)
    parser.add_argument("--json", action="store_true")
    add_home_argument(parser)


def run(options: argparse.Namespace) -> int:
    level = options.level
    if level and level not in (*LEVELS, AUTO):
        raise InvalidInput("level", level, f"one of {', '.join((*LEVELS, AUTO))}")
    if level not in LEVELS and options.duration_s is not None:
        raise InvalidInput("--for", f"{options.duration_s:g} s", "a level that lasts so long")
    running = running_graph(sage_home(options.home))
    if running is None:
        raise InvalidInput("home", str(sage_home(options.home)), "a running graph: sage run")
    if level:
        return _force(running, options)
    message = latched_message(running, "pressure")
    found = json.dumps(pressure_values(message)) if options.json else None
    print(found or "\n".join(pressure_lines(message)))
    return 0


def _force(running: RunningGraph, options: argparse.Namespace) -> int:
    is_forced = options.level != AUTO
    request = ForcePressure.Request(
        level=LEVELS.get(options.level, PressureLevel.GREEN),
        duration_s=(options.duration_s or USUAL_FORCED_S) if is_forced else 0.0,
    )
    response = call_service(running, "governor/force_level", request)
    print(json.dumps({"message": response.message}) if options.json else response.message)
    return 0 if response.success else 1


def pressure_values(message: ResourcePressure) -> dict[str, Any]:
    """The level and what it comes from as values that JSON has; null: the kernel does not say."""
    return {
        "level": PressureLevel(message.level).word,
        "reason": message.reason,
        "method": message.method,
        "forced_until_s": stamp_ns(message.forced_until) * 1e-9 if message.forced else None,
        "some_avg10": _known(message.some_avg10),
        "full_avg10": _known(message.full_avg10),
        "available_mb": _known(message.available_mb),
        "shed": list(message.shed),
    }


def pressure_lines(message: ResourcePressure) -> Iterator[str]:
    """The level, why, and what it is read from, in words."""
    yield f"{PressureLevel(message.level).word}: {message.reason}"
    if message.forced:
        left_s = (stamp_ns(message.forced_until) - stamp_ns(message.header.stamp)) * 1e-9
        yield f"  set by hand, for {left_s:.0f} s more"
    yield f"  method: {message.method}"
    if message.shed:
        yield f"  shed: {', '.join(message.shed)}"


def _known(value: float) -> float | None:
    return None if value < 0.0 else value
