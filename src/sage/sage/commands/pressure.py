"""Publish how tight memory is: the nodes give back what they can, the cheapest first."""

from __future__ import annotations

import argparse

from sage.graph.runtime_file import running_graph
from sage_common.core.errors import InvalidInput
from sage_common.core.home import sage_home
from sage_common.ros.pressure import LEVELS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("level", choices=LEVELS, help="yellow or red; green: memory is plenty")


def run(options: argparse.Namespace) -> int:
    from sage.observe.attached import Attached, enter_domain
    from sage.observe.pressure_node import PressureNode

    running = running_graph(sage_home())
    if running is None:
        raise InvalidInput("home", str(sage_home()), "a running graph: sage run")
    enter_domain(running)
    with Attached(PressureNode, running.namespace) as attached:
        count = attached.node.send(LEVELS.index(options.level))
    print(f"{options.level}: sent to {count} nodes")
    return 0 if count else 1
