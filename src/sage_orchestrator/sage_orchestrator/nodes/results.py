"""What the graph hears of a run that ended."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sage_common.core.diagnosis import stages
from sage_common.ros.node import SageNode
from sage_orchestrator.core.running.result import RunResult
from sage_orchestrator.core.running.run import Run
from sage_orchestrator.nodes.capabilities import Capabilities
from sage_orchestrator.nodes.messages import refinement
from sage_orchestrator.nodes.recognition import Recognition


class Results:
    """Publishes what runs found; to be made when `node` is configured.

    Args:
        node: the orchestrator's.
        capabilities: whose facts are shown beside each result.
        modalities: whose percepts plugins may work on.
    """

    def __init__(
        self, node: SageNode, capabilities: Capabilities, modalities: tuple[str, ...]
    ) -> None:
        self._node = node
        self._capabilities = capabilities
        self._refinement = node.publisher("refinement")
        self._recognition = Recognition(node, modalities)
        self._troubles: Mapping[str, str] = {}

    def publish(self, run: Run, result: RunResult) -> None:
        """A run ended; called mostly on the plugin's worker."""
        node, name = self._node, run.name
        node.diagnose(**{f"{name} last": result.reason}, **self._capabilities.facts())
        if run.history.energies or result.state.failed:  # else there was nothing to work on
            self._refinement.publish(refinement(run, result))
            self._measure(run)
        self._recognition.publish(run.task, result.recognised)
        self._recognition.utter(name, run.task, result.words)
        if result.state.failed:
            node.log.warning(f"{name}: {result.reason}", throttle_s=1.0, key=name)
        elif result.telemetry:
            node.diagnose(**{f"{name} telemetry": json.dumps(dict(result.telemetry))})

    def _measure(self, run: Run) -> None:
        """What it took, and of a run of the plugin's own how old its percept is by now."""
        node, modality = self._node, run.task.modality
        node.timing(stages.refine(run.name, modality)).add(run.spent_ns)
        if run.limit_ns is None:
            node.timing(stages.to_refinement(modality)).add(node.age_ns(run.task.stamp_ns))

    def health(self, troubles: Mapping[str, str], left_out: Mapping[str, str]) -> tuple[str, str]:
        """Level and words of the node's health; what is new is logged, too, for it may be short.

        Args:
            troubles: what is wrong with plugins, by name.
            left_out: why others are not loaded, by name.
        """
        for name in troubles.keys() - self._troubles.keys():
            self._node.log.warning(f"{name}: {troubles[name]}")
        self._troubles = troubles
        wrong = [f"plugin {name}: {words}" for name, words in troubles.items()]
        wrong += [f"plugin {name} is left out: {why}" for name, why in left_out.items()]
        return ("warn", "; ".join(wrong)) if wrong else ("ok", "running")
