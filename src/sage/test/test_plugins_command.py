"""`sage plugins`: several at once, and where each runs."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from sage.cli import main
from sage.commands.compute import plugins
from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.plugin.catalogue import find

ASKED: list[tuple[str, str]] = []


@pytest.fixture(autouse=True)
def graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """A running graph, whose orchestrator refuses the plugin `bad`."""
    ASKED.clear()

    def answered(running: object, key: str, request: Any) -> Any:
        ASKED.append((key, request.plugin))
        if request.plugin == "bad":
            raise plugins.PluginRefused("plugin = 'bad': expected an installed plugin")
        return SimpleNamespace(message=f"{request.plugin} is done")

    monkeypatch.setattr(plugins, "running_graph", lambda home: "a graph")
    monkeypatch.setattr(plugins, "_answered", answered)


def test_several_are_loaded_in_turn(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "load", "look", "read"]) == 0
    assert capsys.readouterr().out == "look is done\nread is done\n"
    key = "orchestrator/load_plugin"
    assert [(key, "look"), (key, "read")] == ASKED


def test_one_that_is_named_twice_is_loaded_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "load", "look", "read", "look"]) == 0
    assert capsys.readouterr().out == "look is done\nread is done\n"


def test_a_typing_error_gets_the_name_that_is_meant_and_another_name_gets_all() -> None:
    with pytest.raises(InvalidInput, match=r"expected an installed plugin, perhaps recognise$"):
        find("recogniser")
    with pytest.raises(InvalidInput, match=r"expected an installed plugin: .*look, .*recognise"):
        find("qqqqqq")


def test_what_one_refuses_stops_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "unload", "look", "bad", "read", "--json"]) == 2
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["plugin"] for line in lines] == ["look", "read"]
    assert "plugin = 'bad': expected an installed plugin" in said.err


@pytest.mark.parametrize(
    ("host", "words"), [("thread", "idle,"), ("process", "idle, in a process")]
)
def test_the_list_says_who_has_a_process(host: str, words: str) -> None:
    info = {
        "name": "look", "problem": "", "loaded": True, "state": "idle", "trust": 0.5, "host": host,
        "trust_reason": "set by hand", "reason": "", "needs": [], "meaning": "", "package": "",
    }  # fmt: skip
    assert next(plugins._lines(info)).startswith(f"look: {words}")
