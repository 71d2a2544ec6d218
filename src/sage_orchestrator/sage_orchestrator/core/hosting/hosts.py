"""Making a plugin ready for where it runs: a thread of this process, or a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.hosting.process_plugin import ProcessHost, ProcessPlugin
from sage_orchestrator.core.hosting.process_tree import is_supported
from sage_orchestrator.core.plugin.setup import PluginSetup, check_needs, set_up
from sage_orchestrator.core.plugin.spec import PluginParameters, PluginSpec

CROSSING = frozenset(
    {"embed_text", "frames", "percepts", "periphery", "recall", "sounds", "tiles", "utterances"}
)
"""Capabilities that a process asks the orchestrator's for: what they take and give can be sent."""


def set_up_on_host(
    spec: PluginSpec,
    parameters: PluginParameters,
    offered: Mapping[str, Callable[..., Any]],
    host: ProcessHost,
) -> PluginSetup:
    """A plugin with the capabilities that it needs, on the host that it is to have.

    Args:
        spec: what is declared of it.
        parameters: their values; `host` of them stands for that of the spec, unless it is empty.
        offered: capabilities that there are, by name.
        host: for those that have a process of their own.

    Raises:
        InvalidInput: as `set_up`; or it is to have a process of its own, and needs or has what
            cannot be sent there, or the kernel lacks what that needs.
    """
    if (parameters.host or spec.host) == "thread":
        return set_up(spec, parameters, offered)
    check_needs(spec, offered)
    _check_crosses(spec, parameters, host)
    granted = {need: offered[need] for need in spec.needs}
    return PluginSetup(
        spec, parameters, lambda: ProcessPlugin(spec, parameters, granted, host), "process"
    )


def _check_crosses(spec: PluginSpec, parameters: PluginParameters, host: ProcessHost) -> None:
    field = f"host of plugin {spec.name}"
    if not is_supported():
        expected = "thread: this kernel does not say who started a process (CONFIG_PROC_CHILDREN)"
        raise InvalidInput(field, "process", expected)
    for need in spec.needs:
        if need not in CROSSING and need not in host.made_there:
            expected = f"thread: {need} cannot be used from another process"
            raise InvalidInput(field, "process", expected)
    kind = type(parameters)
    if "." in kind.__qualname__:
        expected = f"thread: {kind.__qualname__} cannot be imported by name in another process"
        raise InvalidInput(field, "process", expected)
