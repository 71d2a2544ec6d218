"""Finding plugins by name: entry points of the group `sage.irp_plugins`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from sage_common.core.errors import InvalidInput, nearest_name
from sage_common.core.specs.entry_points import load, offers, read, refresh
from sage_orchestrator.core.plugin.interface import Plugin
from sage_orchestrator.core.plugin.spec import PluginParameters, PluginSpec

GROUP = "sage.irp_plugins"
_TYPING_ERROR = 0.6
"""How like an installed name has to be to be meant, from 0 to 1."""
DERIVED = "a subclass of Plugin (sage_orchestrator.core.plugin)"


@dataclass(frozen=True)
class InstalledPlugin:
    """A plugin that an installed package declares.

    Attributes:
        name: of its entry point.
        package: the distribution and its version.
        spec: what is declared; None: it cannot be read.
        problem: why not, in words.
    """

    name: str
    package: str
    spec: PluginSpec | None
    problem: str = ""


def installed() -> Mapping[str, InstalledPlugin]:
    """The plugins of all packages by name, also those that are declared wrongly."""
    registry = read(GROUP, PluginSpec)
    found = {
        fault.offer.name: InstalledPlugin(
            fault.offer.name, _versioned(fault.offer.package), None, fault.problem
        )
        for fault in registry.faults
    }
    for name, spec in registry.specs.items():
        found[name] = InstalledPlugin(name, _versioned(registry.offers[name].package), spec)
    return found


def parameter_groups() -> Mapping[str, type[PluginParameters]]:
    """Parameters of the installed plugins, by name."""
    specs = read(GROUP, PluginSpec).specs
    return {name: specs[name].parameters for name in sorted(specs)}


def is_installed(name: str) -> bool:
    """Whether a package has a plugin of this name, or one that was called so, and it is right."""
    specs = read(GROUP, PluginSpec).specs.values()
    return any(name in (spec.name, *spec.former_names) for spec in specs)


def titled(spec: PluginSpec) -> str:
    """A plugin as errors call it: with its package, if it is of one."""
    registry = read(GROUP, PluginSpec)
    if registry.specs.get(spec.name) is not spec:
        return f"plugin {spec.name}"
    return f"plugin {spec.name} of package {_versioned(registry.offers[spec.name].package)}"


def find(name: str) -> PluginSpec:
    """What is declared of a plugin.

    Args:
        name: that of an installed one, a former name of it, or `module:attribute` of the spec of
            one that is not installed.

    Raises:
        InvalidInput: there is no such plugin (the name that may be meant is given, or all), or its
            spec cannot be read.
    """
    if ":" in name:
        spec = load(name, "plugins")
        if not isinstance(spec, PluginSpec):
            raise InvalidInput("plugins", name, f"a PluginSpec, not {type(spec).__name__}")
        return spec
    registry = read(GROUP, PluginSpec)
    for spec in registry.specs.values():
        if name in (spec.name, *spec.former_names):
            return spec
    for fault in registry.faults:
        if fault.offer.name == name:
            raise InvalidInput("plugins", name, f"a plugin that can be read: {fault.problem}")
    names = sorted(registry.specs)
    nearest = nearest_name(name, names, _TYPING_ERROR)
    perhaps = f", perhaps {nearest}" if nearest else f": {', '.join(names) or 'there is none'}"
    raise InvalidInput("plugins", name, f"an installed plugin{perhaps}")


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


def find_anew(name: str) -> PluginSpec:
    """As `find`, with the modules that declare and implement the plugin imported anew.

    So a package that was upgraded takes effect; what these modules import stays as it is.

    Raises:
        InvalidInput: as `find` and `plugin_class`; the modules of before are in place then.
    """
    refresh()
    before = find(name)
    targets = [offer.target for offer in offers(GROUP) if offer.name == before.name]
    modules = {path.partition(":")[0] for path in (*targets, before.plugin)}
    removed = {module: sys.modules.pop(module) for module in modules if module in sys.modules}
    refresh()
    try:
        spec = find(name)
        plugin_class(spec)
    except InvalidInput:
        sys.modules.update(removed)
        refresh()
        raise
    return spec


def _versioned(package: str) -> str:
    return f"{package} {metadata.version(package)}" if package else ""
