"""Plugins as messages."""

from __future__ import annotations

from sage_msgs.msg import PluginInfo
from sage_orchestrator.core.plugin.catalogue import InstalledPlugin
from sage_orchestrator.core.scheduling.report import PluginStatus


def plugin_info(
    name: str, known: InstalledPlugin | None, status: PluginStatus | None
) -> PluginInfo:
    """What is known of a plugin that is installed, loaded, or both."""
    info = PluginInfo(name=name)
    if known is not None:
        info.package, info.problem = known.package, known.problem
        if known.spec is not None:
            info.meaning, info.host = known.spec.meaning, known.spec.host
            info.needs = list(known.spec.needs)
    if status is not None:
        info.loaded, info.host = True, status.host
        info.state, info.reason = int(status.state), status.reason
        info.trust, info.trust_reason = status.trust, status.trust_reason
    return info
