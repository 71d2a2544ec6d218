"""A plugin made ready to run: its spec, its parameters, and what makes an instance of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sage_common.core.errors import InvalidInput
from sage_common.core.specs.entry_points import load
from sage_orchestrator.core.plugin.catalogue import titled
from sage_orchestrator.core.plugin.context import grant
from sage_orchestrator.core.plugin.interface import Plugin
from sage_orchestrator.core.plugin.spec import PluginParameters, PluginSpec

DERIVED = "a subclass of Plugin (sage_orchestrator.core.plugin)"


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
            its class cannot be imported or is none of a plugin.
    """
    if spec.host != "thread":
        expected = "thread: plugins in processes of their own are not supported yet"
        raise InvalidInput(f"host of plugin {spec.name}", spec.host, expected)
    context = grant(spec.name, spec.needs, offered)
    make = plugin_class(spec)
    return PluginSetup(spec, parameters, lambda: _made(spec, lambda: make(context, parameters)))


def plugin_class(spec: PluginSpec) -> Callable[..., Any]:
    """The class that a spec names, or what makes an instance of one.

    Raises:
        InvalidInput: it cannot be imported, does not derive from Plugin, or lacks methods.
    """
    found = load(spec.plugin, titled(spec))
    is_class = isinstance(found, type)
    if not callable(found) or (is_class and not issubclass(found, Plugin)):
        raise InvalidInput(titled(spec), spec.plugin, DERIVED)
    if inspect.isabstract(found):
        lacking = ", ".join(sorted(found.__abstractmethods__))
        raise InvalidInput(titled(spec), spec.plugin, f"a class that defines {lacking}")
    make: Callable[..., Any] = found
    return make


def _made(spec: PluginSpec, make: Callable[[], object]) -> Plugin[Any]:
    try:
        plugin = make()
    except (Exception, SystemExit) as error:  # a stranger's constructor may raise anything
        why = f"{type(error).__name__}: {error}"
        expected = f"a class that can be made of a context and parameters ({why})"
        raise InvalidInput(titled(spec), spec.plugin, expected) from error
    if not isinstance(plugin, Plugin):
        raise InvalidInput(titled(spec), spec.plugin, DERIVED)
    return plugin
