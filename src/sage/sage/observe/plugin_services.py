"""Plugins of a running graph: what they are and do, and changing which there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sage.graph.runtime_file import RunningGraph
from sage.observe.asking import AskerNode, ask
from sage_common.core.errors import InvalidInput
from sage_msgs.msg import PluginInfo
from sage_msgs.srv import ListPlugins, LoadPlugin, UnloadPlugin


class ListAsker(AskerNode):
    """A client of orchestrator/list_plugins."""

    service_key = "orchestrator/list_plugins"


class LoadAsker(AskerNode):
    """A client of orchestrator/load_plugin."""

    service_key = "orchestrator/load_plugin"


class UnloadAsker(AskerNode):
    """A client of orchestrator/unload_plugin."""

    service_key = "orchestrator/unload_plugin"


def plugins_of(running: RunningGraph) -> Sequence[PluginInfo]:
    """The plugins that are installed where the graph runs, or loaded in it, by name.

    Raises:
        ServiceUnavailable: there is no orchestrator, or it does not answer.
    """
    plugins: Sequence[PluginInfo] = ask(ListAsker, running, ListPlugins.Request()).plugins
    return plugins


def load(running: RunningGraph, name: str) -> str:
    """Load a plugin, or replace it by what is installed now; what was done, in words.

    Raises:
        InvalidInput: it cannot be loaded.
        ServiceUnavailable: there is no orchestrator, or it does not answer.
    """
    return _message(ask(LoadAsker, running, LoadPlugin.Request(plugin=name)), name)


def unload(running: RunningGraph, name: str) -> str:
    """Unload a plugin; what was done, in words. Raises as `load`."""
    return _message(ask(UnloadAsker, running, UnloadPlugin.Request(plugin=name)), name)


def _message(response: Any, name: str) -> str:
    if not response.success:
        raise InvalidInput("plugin", name, response.message)
    return str(response.message)
