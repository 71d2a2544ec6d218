"""The capabilities that the node offers to plugins, each from a provider of the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sage_common.core.puzzle import Percept
from sage_common.core.shared_work.thread_work import THREAD_WORK
from sage_common.ros.conversions.percepts import percept_of
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.latest import LatestMessages
from sage_common.ros.node import SageNode
from sage_orchestrator.backends.chat_server import OpenAIServer, read_token
from sage_orchestrator.backends.model_sessions import sessions_of
from sage_orchestrator.core.generation.language_model import LanguageModel
from sage_orchestrator.core.hosting.process_plugin import ProcessHost
from sage_orchestrator.core.plugin import HeardUtterance, TextEmbedding
from sage_orchestrator.nodes.camera_view import NEAR_NS, CameraView
from sage_orchestrator.nodes.clients.language_client import LanguageClient
from sage_orchestrator.nodes.clients.memory_client import MemoryClient
from sage_orchestrator.nodes.microphone_sound import MicrophoneSound
from sage_orchestrator.params import LOAD_TIMEOUT_S, OrchestratorParameters

KEPT_PUZZLES = 4
KEPT_UTTERANCES = 16
SESSIONS = "sage_orchestrator.backends.model_sessions:sessions_of"
"""What opens models in a plugin's own process."""


class Capabilities:
    """What plugins may use of the graph; to be made when `node` is configured."""

    def __init__(self, node: SageNode, parameters: OrchestratorParameters) -> None:
        self._puzzles = {
            m: node.keep_latest("puzzle", KEPT_PUZZLES, modality=m) for m in parameters.modalities
        }
        self._utterances = node.keep_latest("text", KEPT_UTTERANCES)
        name = parameters.microphone
        self._microphone = MicrophoneSound(node, name) if name else None
        self._camera = CameraView.of(node, parameters.camera) if parameters.camera else None
        stopwatch = node.stopwatch_ns if node.time_is_measured else None
        self._memory = MemoryClient(node.client("memory/recall"), stopwatch)
        self._language = LanguageClient(node.client("language/embed"))
        self._models_dir = parameters.models_dir
        # In lock-step nothing outside is asked: two runs would differ.
        self._model = language_model(parameters) if node.time_is_measured else None
        self._load_timeout_s = LOAD_TIMEOUT_S if node.time_is_measured else None

    def offered(self) -> dict[str, Callable[..., Any]]:
        """All capabilities by name."""
        return {
            "percepts": self.percept,
            "recall": self._memory.recall,
            "embed_text": self.embed_text,
            "utterances": self.utterances,
            "model_session": sessions_of(self._models_dir),
            **({} if self._model is None else {"generate": self._model.generate}),
            **({} if self._microphone is None else {"sounds": self._microphone.sounds}),
            **({} if self._camera is None else self._camera.offered()),
        }

    def process_host(self) -> ProcessHost:
        """What plugins in processes of their own are given."""
        made_there = {"model_session": (SESSIONS, (self._models_dir,))}
        return ProcessHost(made_there, self._load_timeout_s)

    def close(self) -> None:
        """Leave the mailboxes."""
        if self._camera is not None:
            self._camera.close()

    def facts(self) -> dict[str, object]:
        """For /diagnostics."""
        return {} if self._camera is None else self._camera.facts()

    def percept(self, modality: str, stamp_ns: int) -> Percept | None:
        """See `capabilities.Percepts`."""
        message = _near(self._puzzles.get(modality), stamp_ns)
        return percept_of(message) if message is not None and message.valid else None

    def utterances(self, start_ns: int, end_ns: int) -> Sequence[HeardUtterance]:
        """See `capabilities.Utterances`."""
        return [
            HeardUtterance(stamp_ns(m.header.stamp), m.text, m.speaker, float(m.confidence))
            for m in self._utterances.between(start_ns, end_ns)
        ]

    def embed_text(self, text: str) -> TextEmbedding:
        """See `capabilities.EmbedText`."""
        return self._language.embed(text)


def language_model(parameters: OrchestratorParameters) -> LanguageModel | None:
    """The one that the parameters name; None: they name none.

    Raises:
        InvalidInput: its URL or the file of its token cannot be used.
    """
    if not parameters.model_url:
        return None
    token = read_token(parameters.model_token_file)
    server = OpenAIServer(parameters.model_url, parameters.model_name, token)
    return LanguageModel(server, THREAD_WORK.receive)


def _near(kept: LatestMessages | None, wanted_ns: int) -> Any | None:
    """The kept message nearest to a time, if it is near enough."""
    message = None if kept is None else kept.nearest(wanted_ns)
    if message is None or abs(stamp_ns(message.header.stamp) - wanted_ns) > NEAR_NS:
        return None
    return message
