"""A graph, and a bag that is played into it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from sage.graph.description import Graph, GraphOptions, describe
from sage.run.session import RunOptions, Session
from sage_common.parent import PARENT_VARIABLE

STOP_TIMEOUT_S = 5.0


def play_bag(
    options: GraphOptions, run: RunOptions, rate: float = 1.0, loop: bool = False
) -> dict[str, Any]:
    """Run a graph and play the bag `options.source` into it; both end with the bag.

    The graph's time is the bag's. The summary is that of the session with one more key:
    `replay`: {"rate"} and what the player says (`sage.replay.player`).

    Raises:
        InvalidInput: an option is wrong, or another graph runs in this home.
        FileNotFoundError: there is no such bag.
    """
    graph = describe(replace(options, use_sim_time=True))
    for note in graph.notes:
        print(f"note: {note}", file=sys.stderr)
    return Playback(graph, run, rate, loop).run()


class Playback:
    """A session, and a player beside it.

    Args:
        graph: what listens; its source is the bag.
        options: how the graph is run.
        rate: speed of playing.
        loop: begin again at the end.
    """

    def __init__(self, graph: Graph, options: RunOptions, rate: float, loop: bool) -> None:
        self._graph = graph
        self._rate = rate
        self._loop = loop
        self._player: subprocess.Popen[str] | None = None
        self.session = Session(graph, options, on_event=_print)
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
                env={**os.environ, PARENT_VARIABLE: str(os.getpid())}, start_new_session=True,
            )  # fmt: skip
        elif self._player.poll() is not None:
            session.stop()

    def _command(self) -> list[str]:
        nodes = [f"{node.namespace.rstrip('/')}/{node.name}" for node in self._graph.nodes]
        bag = Path(self._graph.options.source).expanduser().absolute()
        command = [sys.executable, "-m", "sage.replay.player", str(bag)]
        command += ["--namespace", self._graph.options.namespace, "--rate", str(self._rate)]
        command += ["--own", json.dumps(self._own())]
        # Each node has a clock of its own, and so has the session's observer.
        command += ["--clocks", str(len(nodes) + 1)]
        return [*command, *(["--loop"] if self._loop else []), "--wait-for", *nodes]

    def _own(self) -> list[dict[str, str]]:
        specs = (m.spec for m in self._graph.modalities if not m.spec.stream)
        return [{"name": s.name, "topic": s.topic, "type": s.type} for s in specs]

    def _stop_player(self) -> dict[str, Any]:
        """End the player; what it says about its playing."""
        nothing = {
            "messages": 0, "passes": 0, "unreadable": {}, "error": "",
            "late_ms": {"p50": None, "p99": None, "max": None},
        }  # fmt: skip
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
        if lines:
            played: dict[str, Any] = json.loads(lines[-1])
            return played
        # SIGTERM ends it at once while it still starts.
        status = self._player.returncode
        error = "" if status == -signal.SIGTERM else f"the player ended with status {status}"
        return {**nothing, "error": error}


def _print(event: str) -> None:
    print(event, file=sys.stderr)
