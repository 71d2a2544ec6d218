"""A graph, and a bag that is played into it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import Any

from sage.bags.plan import BagPlan
from sage.graph.description import Graph
from sage.graph.session import RunOptions, Session

STOP_TIMEOUT_S = 5.0


class Playback:
    """Runs a graph and plays a bag into it; both end with the bag.

    Args:
        plan: what is played.
        graph: what listens; its time is the bag's.
        options: how the graph is run.
        rate: speed of playing.
        loop: begin again at the end.
    """

    def __init__(
        self, plan: BagPlan, graph: Graph, options: RunOptions, rate: float, loop: bool
    ) -> None:
        self._plan = plan
        self._graph = graph
        self._rate = rate
        self._loop = loop
        self._player: subprocess.Popen[str] | None = None
        self.session = Session(graph, options, on_event=_tell)
        self.session.on_tick = self._tick

    def run(self) -> dict[str, Any]:
        """Run until the bag ends, the duration is over, or SIGINT/SIGTERM; the summary.

        Raises:
            InvalidInput: another graph runs in this home, or no ROS domain is free.
        """
        try:
            summary = self.session.run()
        finally:
            played = self._stop_player()
        return {**summary, "replay": {"rate": self._rate, **played}}

    def _tick(self, session: Session) -> None:
        """Start the player with the graph's environment, and end with it."""
        if self._player is None:
            self._player = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                env=dict(os.environ), start_new_session=True,
            )  # fmt: skip
        elif self._player.poll() is not None:
            session.stop()

    def _command(self) -> list[str]:
        nodes = [f"{node.namespace.rstrip('/')}/{node.name}" for node in self._graph.nodes]
        command = [sys.executable, "-m", "sage.bags.player", str(self._plan.bag.path.absolute())]
        command += ["--namespace", self._graph.options.namespace, "--rate", str(self._rate)]
        return [*command, *(["--loop"] if self._loop else []), "--wait-for", *nodes]

    def _stop_player(self) -> dict[str, Any]:
        """End the player; what it says about its playing."""
        nothing = {"messages": 0, "passes": 0, "late_ms": {"p50": None, "p99": None, "max": None}}
        if self._player is None:
            return nothing
        if self._player.poll() is None:
            self._player.send_signal(signal.SIGTERM)
        try:
            said, _ = self._player.communicate(timeout=STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._player.kill()
            said, _ = self._player.communicate()
        lines = said.strip().splitlines()
        played: dict[str, Any] = json.loads(lines[-1]) if lines else nothing
        return played


def _tell(event: str) -> None:
    print(event, file=sys.stderr)
