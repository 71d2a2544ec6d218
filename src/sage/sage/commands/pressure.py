"""Publish how tight memory is: the nodes give back what they can, the cheapest first."""

from __future__ import annotations

import argparse
import time

from sage.commands.options import add_home_argument
from sage.graph.runtime_file import running_graph
from sage.observe.attached import Attached, enter_domain
from sage_common.core.errors import InvalidInput
from sage_common.core.health import PressureLevel
from sage_common.core.home import sage_home
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.node import SageNode
from sage_msgs.msg import ResourcePressure

LEVELS = tuple(level.word for level in PressureLevel)
DISCOVERY_TIMEOUT_S, SETTLED_S, HEARD_S = 15.0, 1.0, 0.5
PERIOD_S = 0.05


class PressureNode(SageNode):
    """Sends one message of pressure."""

    default_name = "pressure"
    watches = True

    def on_configure(self) -> None:
        self._output = self.publisher("pressure")

    def send(self, level: int) -> int:
        """Send a level, and wait until it has gone out; how many subscribers there were.

        The subscribers of a graph are found one after another: it waits until no more come.
        """
        since_s = time.monotonic()
        end_s, count = since_s + DISCOVERY_TIMEOUT_S, 0
        while time.monotonic() < end_s and not (count and time.monotonic() > since_s + SETTLED_S):
            if self._output.subscriber_count != count:
                count, since_s = self._output.subscriber_count, time.monotonic()
            time.sleep(PERIOD_S)
        message = ResourcePressure(level=level, gpu_used_mb=-1.0, gpu_total_mb=-1.0, power_w=-1.0)
        message.header.stamp = to_stamp(self.clock.now_ns())
        self._output.publish(message)
        time.sleep(HEARD_S)
        return count


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("level", choices=LEVELS, help="green: memory is plenty")
    add_home_argument(parser)


def run(options: argparse.Namespace) -> int:
    running = running_graph(sage_home(options.home))
    if running is None:
        raise InvalidInput("home", str(sage_home(options.home)), "a running graph: sage run")
    enter_domain(running)
    with Attached(PressureNode, running.namespace) as attached:
        count = attached.node.send(LEVELS.index(options.level))
    if not count:
        raise TimeoutError(f"no node of the graph heard of it within {DISCOVERY_TIMEOUT_S:g} s")
    print(f"{options.level}: sent to {count} subscribers")
    return 0
