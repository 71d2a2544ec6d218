"""A plugin made ready to run: its spec, its parameters, and what makes an instance of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sage_common.core.errors import InvalidInput
from sage_common.core.specs.entry_points import load
from sage_orchestrator.core.plugin.context import grant
from sage_orchestrator.core.plugin.interface import Plugin
from sage_orchestrator.core.plugin.spec import PluginParameters, PluginSpec


@dataclass(frozen=True)
class PluginSetup:
    """What the orchestrator needs of a plugin.

    Attributes:
        spec: what is declared of it.
        parameters: their values.
        create: makes an instance; called at first, and again whenever its thread hangs.
    """

    spec: PluginSpec
    parameters: PluginParameters
    create: Callable[[], Plugin[Any]]


def set_up(
    spec: PluginSpec, parameters: PluginParameters, offered: Mapping[str, Callable[..., Any]]
) -> PluginSetup:
    """A plugin with the capabilities that it needs.

    Args:
        spec: what is declared of it.
        parameters: their values.
        offered: capabilities that there are, by name.

    Raises:
        InvalidInput: it needs what is unknown or not offered, asks for a host that there is not, or
            its class cannot be imported.
    """
    if spec.host != "thread":
        expected = "thread: plugins in processes of their own are not supported yet"
        raise InvalidInput(f"host of plugin {spec.name}", spec.host, expected)
    context = grant(spec.name, spec.needs, offered)
    plugin_class = load(spec.plugin, f"plugin {spec.name}")
    return PluginSetup(spec, parameters, lambda: _made(spec, plugin_class(context, parameters)))


def _made(spec: PluginSpec, plugin: object) -> Plugin[Any]:
    if not isinstance(plugin, Plugin):
        raise InvalidInput(f"plugin {spec.name}", spec.plugin, "a subclass of Plugin")
    return plugin
