"""A plugin of a package of its own in a real graph: loaded, replaced and unloaded under load."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import graph_command
import pytest
from graph_command import run, summary, wait_until, wait_until_up
from plugin_package import block, install
from rclpy.serialization import deserialize_message

from sage.bags.reader import open_bag
from sage_msgs.msg import BudgetState, Refinement
from sage_orchestrator.core.hosting.process_tree import descendants

pytestmark = [pytest.mark.graph, pytest.mark.slow]
PATIENCE_S = 120.0
SOME_FRAMES = 2**20  # bytes


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that every process of the graph searches; nothing is installed there yet."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


def plugins(home: Path) -> dict[str, dict[str, Any]]:
    listed = summary(run(home, "plugins", "list", "--json").stdout)
    assert listed["running"]
    return {plugin["name"]: plugin for plugin in listed["plugins"]}


def said(home: Path, *words: str) -> str:
    done = run(home, "plugins", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def apart_from(graph: subprocess.Popen[str]) -> list[int]:
    """The processes that recall has for itself."""
    commands = {p: Path(f"/proc/{p}/cmdline") for p in descendants(graph.pid)}
    return [
        p for p, path in commands.items() if path.exists() and b"plugin recall" in path.read_bytes()
    ]


def end(command: subprocess.Popen[str]) -> None:
    """End a command as Ctrl+C does."""
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=PATIENCE_S)


def recorded(bag: Path, topic: str, kind: type) -> list[Any]:
    return [deserialize_message(m.data, kind) for m in open_bag(bag).messages() if m.topic == topic]


def written(bag: Path) -> int:
    """Bytes that the recorder has written."""
    return sum(path.stat().st_size for path in bag.glob("*.mcap"))


def found_by_colour(home: Path) -> Callable[[], bool]:
    """Whether the plugin has ended a run, as its trust tells."""
    return lambda: plugins(home)["colour"]["trust_reason"].startswith("last run")


def test_a_plugin_comes_is_replaced_and_goes_while_every_cycle_adds_up(
    home: Path, site: Path, start: graph_command.Start, tmp_path: Path
) -> None:
    apart = tmp_path / "apart.yaml"
    apart.write_text("orchestrator:\n  ros__parameters:\n    recall:\n      host: process\n")
    graph = start("run", "--source", "synthetic", "--config", str(apart))
    wait_until_up(home)
    assert "colour" not in plugins(home)
    wait_until(lambda: len(apart_from(graph)) == 2, PATIENCE_S, "the process of recall")
    assert plugins(home)["recall"]["host"] == "process"
    bag = tmp_path / "bag"
    recorder = start("record", "-o", str(bag), "--duration", "600")
    wait_until(lambda: written(bag) > SOME_FRAMES, PATIENCE_S, "the bag")

    install(site)
    assert said(home, "load", "colour") == "colour is loaded"
    wait_until(found_by_colour(home), PATIENCE_S, "a run of the plugin")
    trust = plugins(home)["colour"]["trust"]
    assert trust > 0.5
    install(site, "1.1", says="what I see is")
    assert said(home, "replace", "colour") == "colour is replaced"
    now = plugins(home)["colour"]
    assert now["trust"] >= trust and now["package"] == "colour-plugin 1.1"
    # Its trust carries over; only a run of the new version moves it.
    wait_until(
        lambda: plugins(home)["colour"]["trust"] > now["trust"], PATIENCE_S, "a run of the plugin"
    )
    assert said(home, "unload", "colour") == "colour is unloaded"
    assert not plugins(home)["colour"]["loaded"]
    refused = run(home, "plugins", "unload", "colour")
    assert refused.returncode == 2 and "one that is loaded; this one is not" in refused.stderr

    end(recorder)
    processes = apart_from(graph)
    assert len(processes) == 2, "the plugin, and what watches it"
    end(graph)
    assert not any(Path(f"/proc/{process}").exists() for process in processes)
    budgets = recorded(bag, "/sage/budget", BudgetState)
    named = {p.name for b in budgets for p in b.plugins}
    assert named == {"colour", "look", "recall", "recognise"}
    assert [p.name for p in budgets[-1].plugins] == ["look", "recall", "recognise"]
    for state in budgets:
        asked = any(p.requested_atp for p in state.plugins)
        shared_atp = state.budget_atp if asked else 0.0
        assert state.allocated_atp == pytest.approx(shared_atp, abs=0.01)
        for field in ("allocated_atp", "spent_atp", "returned_atp"):
            total = sum(getattr(p, field) for p in state.plugins)
            assert getattr(state, field) == pytest.approx(total, abs=0.01)
    assert [b.cycle for b in budgets] == list(range(budgets[0].cycle, budgets[-1].cycle + 1))
    # A run whose share is spent answers, too: on a slow machine there may be no other.
    answers = [m.answer for m in recorded(bag, "/sage/refinement", Refinement)
               if m.plugin == "colour" and m.answer]  # fmt: skip
    assert answers[0].startswith("it is ") and answers[-1].startswith("what I see is ")

    config = tmp_path / "colour.yaml"
    config.write_text(block("yaml"))
    digests = {replayed(home, bag, config) for _ in range(2)}
    assert len(digests) == 1


def replayed(home: Path, bag: Path, config: Path) -> str:
    """The digest of five seconds of the bag in lock-step."""
    words = ("--lockstep", "--json", "--duration", "5", "--config", str(config))
    done = run(home, "replay", str(bag), *words)
    assert done.returncode == 0, done.stderr
    found = summary(done.stdout)
    assert found["messages"]["/sage/refinement"] > 0
    digest: str = found["digest"]
    return digest


def test_without_a_graph_the_installed_plugins_are_listed(home: Path, site: Path) -> None:
    install(site)
    listed = summary(run(home, "plugins", "list", "--json").stdout)
    assert not listed["running"]
    names = [plugin["name"] for plugin in listed["plugins"]]
    assert names == ["colour", "hear", "listen", "look", "read", "recall", "recognise"]
    shown = run(home, "plugins", "list").stdout
    assert "name the colour of what is attended; needs frames" in shown
    refused = run(home, "plugins", "load", "colour")
    assert refused.returncode == 2 and "expected a running graph" in refused.stderr
