"""List the refinement plugins with their trust and why; load, replace and unload them.

Without a running graph the installed ones are listed. What is loaded or unloaded here lasts until
the orchestrator's process ends; its parameter `plugins` names those that every start loads.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sage.commands.options import add_home_argument
from sage.graph.runtime_file import RunningGraph, running_graph
from sage_common.core.errors import InvalidInput
from sage_common.core.home import sage_home


class PluginRefused(RuntimeError):
    """The orchestrator did not do what it was asked for; the message says why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="what is installed and loaded, with trust and why")
    listing.set_defaults(act=_list)
    load = actions.add_parser(
        "load", aliases=["replace"],
        help="load installed plugins; one that is loaded is replaced by what is installed now",
    )  # fmt: skip
    unload = actions.add_parser("unload", help="unload plugins; their trust is kept")
    for action in (load, unload):
        action.set_defaults(act=_change)
        action.add_argument("plugins", metavar="NAME", nargs="+")
    for action in (listing, load, unload):
        action.add_argument("--json", action="store_true")
        add_home_argument(action)


def run(options: argparse.Namespace) -> int:
    return int(options.act(options))


def _list(options: argparse.Namespace) -> int:
    running = running_graph(sage_home(options.home))
    found = _installed() if running is None else _of_graph(running)
    if options.json:
        print(json.dumps({"running": running is not None, "plugins": found}))
        return 0
    if running is None:
        print("no graph runs; installed are:")
    for plugin in found:
        print("\n".join(_lines(plugin)))
    return 0


def _change(options: argparse.Namespace) -> int:
    """Load, replace or unload plugins of the running graph; what one refuses stops no other.

    Raises:
        PluginRefused: some were refused, once the others are done.
    """
    from sage_msgs.srv import LoadPlugin, UnloadPlugin

    running = running_graph(sage_home(options.home))
    if running is None:
        expected = (
            "a running graph; the parameter plugins of the orchestrator names those of a start"
        )
        raise InvalidInput("graph", "none runs", expected)
    unloads = options.action == "unload"
    key = "orchestrator/unload_plugin" if unloads else "orchestrator/load_plugin"
    refused = []
    for plugin in dict.fromkeys(options.plugins):
        request = (UnloadPlugin if unloads else LoadPlugin).Request(plugin=plugin)
        try:
            message = _answered(running, key, request).message
        except PluginRefused as error:
            refused.append(str(error))
            continue
        said = json.dumps({"plugin": plugin, "message": message}) if options.json else message
        print(said, flush=True)
    if refused:
        raise PluginRefused("; ".join(refused))
    return 0


def _installed() -> list[dict[str, Any]]:
    from sage_orchestrator.core.plugin.catalogue import installed

    return [
        {
            "name": plugin.name,
            "package": plugin.package,
            "problem": plugin.problem,
            "meaning": "" if plugin.spec is None else plugin.spec.meaning,
            "needs": [] if plugin.spec is None else list(plugin.spec.needs),
            "host": "" if plugin.spec is None else plugin.spec.host,
            "loaded": False,
        }
        for plugin in sorted(installed().values(), key=lambda plugin: plugin.name)
    ]


def _of_graph(running: RunningGraph) -> list[dict[str, Any]]:
    from sage_msgs.msg import PluginBudget
    from sage_msgs.srv import ListPlugins

    states = {
        getattr(PluginBudget, name): name.lower().replace("_", " ")
        for name in ("IDLE", "RUNNING", "DONE", "SPENT", "TIMED_OUT", "FAILED", "ISOLATED")
    }
    response = _answered(running, "orchestrator/list_plugins", ListPlugins.Request())
    return [
        {
            **{key: getattr(plugin, key) for key in plugin.get_fields_and_field_types()},
            "needs": list(plugin.needs),
            "trust": round(plugin.trust, 4),
            "state": states[plugin.state] if plugin.loaded else "",
        }
        for plugin in response.plugins
    ]


def _answered(running: RunningGraph, key: str, request: Any) -> Any:
    """The response of the orchestrator.

    Raises:
        PluginRefused: it says no, or is not active.
    """
    from sage.observe.graph_calls import call_service
    from sage_common.ros.answers import NOT_ACTIVE

    response = call_service(running, key, request)
    if response.success:
        return response
    waits = response.message.endswith(NOT_ACTIVE)
    hint = ": the graph is still starting, or `sage status` says what keeps it" if waits else ""
    raise PluginRefused(f"{response.message}{hint}")


def _lines(plugin: Mapping[str, Any]) -> Iterator[str]:
    name = plugin["name"]
    if plugin["problem"]:
        yield f"{name}: cannot be loaded: {plugin['problem']}"
        return
    own = ", in a process of its own" if plugin["host"] == "process" else ""
    if plugin["loaded"]:
        trust = f"trust {plugin['trust']:.2f} ({plugin['trust_reason']})"
        yield f"{name}: {plugin['state']}{own}, {trust}"
        if plugin["reason"]:
            yield f"    {plugin['reason']}"
    else:
        yield f"{name}: not loaded{own}"
    needs = ", ".join(plugin["needs"]) or "nothing"
    yield f"    {plugin['meaning'] or 'no meaning is declared'}; needs {needs}"
    yield f"    {plugin['package'] or 'not installed'}"
