"""Plugins of a running graph: what they are and do, and changing which there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sage.graph.runtime_file import RunningGraph
from sage.observe.graph_calls import call_service
from sage_common.core.errors import InvalidInput
from sage_msgs.msg import PluginInfo
from sage_msgs.srv import ListPlugins, LoadPlugin, UnloadPlugin


def plugins_of(running: RunningGraph) -> Sequence[PluginInfo]:
    """The plugins that are installed where the graph runs, or loaded in it, by name.

    Raises:
        ServiceUnavailable: there is no orchestrator, or it does not answer.
    """
    response = call_service(running, "orchestrator/list_plugins", ListPlugins.Request())
    plugins: Sequence[PluginInfo] = response.plugins
    return plugins


def load(running: RunningGraph, name: str) -> str:
    """Load a plugin, or replace it by what is installed now; what was done, in words.

    Raises:
        InvalidInput: it cannot be loaded.
        ServiceUnavailable: there is no orchestrator, or it does not answer.
    """
    request = LoadPlugin.Request(plugin=name)
    return _message(call_service(running, "orchestrator/load_plugin", request), name)


def unload(running: RunningGraph, name: str) -> str:
    """Unload a plugin; what was done, in words. Raises as `load`."""
    request = UnloadPlugin.Request(plugin=name)
    return _message(call_service(running, "orchestrator/unload_plugin", request), name)


def _message(response: Any, name: str) -> str:
    if not response.success:
        raise InvalidInput("plugin", name, response.message)
    return str(response.message)
