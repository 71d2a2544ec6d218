"""Set by hand how tight memory is taken to be, for a time: nodes give back what they can."""

from __future__ import annotations

import argparse

from sage.commands.options import add_home_argument, duration_s
from sage.graph.runtime_file import running_graph
from sage.observe.graph_calls import call_service
from sage_common.core.errors import InvalidInput
from sage_common.core.health import PressureLevel
from sage_common.core.home import sage_home
from sage_msgs.srv import ForcePressure

AUTO = "auto"
LEVELS = {level.word: level for level in PressureLevel}
USUAL_S = 600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "level", choices=[*LEVELS, AUTO], help="green: memory is plenty; auto: as it is read"
    )
    parser.add_argument(
        "--for", dest="duration_s", type=duration_s, default=USUAL_S, metavar="TIME",
        help="how long, such as 90, 10m or 2h (default: 10m)",
    )  # fmt: skip
    add_home_argument(parser)


def run(options: argparse.Namespace) -> int:
    running = running_graph(sage_home(options.home))
    if running is None:
        raise InvalidInput("home", str(sage_home(options.home)), "a running graph: sage run")
    is_forced = options.level != AUTO
    request = ForcePressure.Request(
        level=LEVELS.get(options.level, PressureLevel.GREEN),
        duration_s=options.duration_s if is_forced else 0.0,
    )
    response = call_service(running, "governor/force_level", request)
    print(response.message)
    return 0 if response.success else 1
