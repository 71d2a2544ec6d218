"""What a plugin is, for those who write one and for the orchestrator that runs it."""

from sage_orchestrator.core.plugin.capabilities import (
    ChatMessage,
    GeneratedText,
    HeardSound,
    HeardUtterance,
    Memory,
    ModelLease,
    Query,
    TextEmbedding,
)
from sage_orchestrator.core.plugin.context import PluginContext
from sage_orchestrator.core.plugin.halting import History
from sage_orchestrator.core.plugin.interface import Budget, NothingToDo, Plugin
from sage_orchestrator.core.plugin.spec import PluginParameters, PluginSpec, TriggerRule
from sage_orchestrator.core.plugin.task import Region, Task
from sage_orchestrator.core.plugin.vocabulary import Vocabulary

__all__ = [
    "Budget",
    "ChatMessage",
    "GeneratedText",
    "HeardSound",
    "HeardUtterance",
    "History",
    "Memory",
    "ModelLease",
    "NothingToDo",
    "Plugin",
    "PluginContext",
    "PluginParameters",
    "PluginSpec",
    "Query",
    "Region",
    "Task",
    "TextEmbedding",
    "TriggerRule",
    "Vocabulary",
]
