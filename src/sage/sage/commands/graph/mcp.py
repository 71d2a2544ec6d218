"""Let agents ask the robot: a server of the Model Context Protocol for the running graph.

Without --http it speaks over standard input and output, as an agent's program starts it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sage.commands.options import add_home_argument, port
from sage.graph.runtime_file import RunningGraph, running_graph
from sage_common.core.errors import InvalidInput
from sage_common.core.home import sage_home


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--http", type=port, default=None, metavar="PORT",
        help="serve http://127.0.0.1:PORT/mcp, to who shows the token of the home folder",
    )  # fmt: skip
    parser.add_argument(
        "--allow-forget", action="store_true", help="agents may make the robot forget, for good"
    )
    add_home_argument(parser)


def run(options: argparse.Namespace) -> int:
    from sage.observe.attached import Attached, enter_domain
    from sage_gateway.backends.agent_server import PATH, agent_server, run_http, run_pipes
    from sage_gateway.backends.agent_tools import AgentTools
    from sage_gateway.backends.listening import listen
    from sage_gateway.core.token import FILE, token_of
    from sage_gateway.nodes.agent_node import AgentNode
    from sage_gateway.params import LOOPBACK
    from sage_gateway.ros.feed import VERSION

    home = sage_home(options.home)
    running = running_graph(home)
    if running is None:
        raise InvalidInput("graph", "none runs", "a running graph: sage run")
    listener = None if options.http is None else listen(LOOPBACK, options.http)
    enter_domain(running)
    with Attached(AgentNode, running.namespace, _parameters(home, running)) as attached:
        node = attached.node
        server = agent_server(AgentTools(node.feed, node.requests, options.allow_forget), VERSION)
        if listener is None:
            run_pipes(server)
            return 0
        where = f"http://{LOOPBACK}:{listener.getsockname()[1]}{PATH}"
        print(f"serving {where}; the token is in {home / FILE}", file=sys.stderr, flush=True)
        run_http(server, listener, token_of(home))
    return 0


def _parameters(home: Path, running: RunningGraph) -> dict[str, object]:
    given: dict[str, object] = {"home": str(home)}  # the store's, whatever SAGE_HOME says
    if running.modalities:
        given |= {"modalities": running.modalities, "instances": running.instances}
    return given
