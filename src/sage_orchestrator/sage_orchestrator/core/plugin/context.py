"""The world as one plugin sees it: the capabilities that it named, and no others."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.plugin.capabilities import (
    EmbedText,
    Frames,
    Generate,
    ModelSessions,
    Percepts,
    PeripheryViews,
    Recall,
    Sounds,
    Tiles,
    Utterances,
)


class CapabilityNotDeclared(RuntimeError):
    """A plugin used a capability that its spec does not name."""


class PluginContext:
    """The capabilities of one plugin, each an attribute; called from its worker only.

    Args:
        plugin: its name.
        granted: functions by the name of the capability.
    """

    percepts: Percepts
    frames: Frames
    periphery: PeripheryViews
    tiles: Tiles
    recall: Recall
    embed_text: EmbedText
    utterances: Utterances
    sounds: Sounds
    model_session: ModelSessions
    generate: Generate

    def __init__(self, plugin: str, granted: Mapping[str, Callable[..., Any]]) -> None:
        self._plugin = plugin
        vars(self).update(granted)

    def __getattr__(self, name: str) -> Any:
        """Called for what was not granted.

        Raises:
            CapabilityNotDeclared: it is a capability, but the plugin's spec does not name it.
            AttributeError: it is none.
        """
        if name in CAPABILITIES:
            raise CapabilityNotDeclared(
                f"{self._plugin} uses {name}: name it in `needs` of its PluginSpec"
            )
        raise AttributeError(f"PluginContext has no attribute {name}")


CAPABILITIES: Mapping[str, type] = typing.get_type_hints(PluginContext)
"""Every capability by name; the first line of its class says how it is called."""


def grant(
    plugin: str, needs: Sequence[str], offered: Mapping[str, Callable[..., Any]]
) -> PluginContext:
    """The context of a plugin.

    Args:
        plugin: its name.
        needs: capabilities that its spec names.
        offered: what there is to be had, by name.

    Raises:
        InvalidInput: it needs one that is unknown, or that is not offered.
    """
    for name in needs:
        if name not in CAPABILITIES:
            expected = f"one of {', '.join(CAPABILITIES)}"
            raise InvalidInput(f"needs of plugin {plugin}", name, expected)
        if name not in offered:
            expected = f"one that is available here: {', '.join(offered) or 'none is'}"
            raise InvalidInput(f"needs of plugin {plugin}", name, expected)
    return PluginContext(plugin, {name: offered[name] for name in needs})
