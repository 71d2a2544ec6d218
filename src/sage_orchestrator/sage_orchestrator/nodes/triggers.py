"""What was sensed last that plugins may want to work on."""

from __future__ import annotations

from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_msgs.msg import Attention, FusedSalience
from sage_orchestrator.core.plugin import Region
from sage_orchestrator.core.scheduling.trigger import Trigger
from sage_orchestrator.nodes.messages import attention_trigger, percept_triggers

MODALITIES_KEPT = 16


class TriggerBuffer(Stateful):
    """What the newest fused salience, and the newest attention of each modality, of 16 at most,
    ask for. Of messages no words are kept, which may be private."""

    _perceived: State[list[Trigger]]
    _attended: State[dict[str, Trigger]]

    def __init__(self) -> None:
        self._perceived, self._attended = [], {}

    def on_salience(self, message: FusedSalience) -> None:
        """Note what matters now; an invalid message: nothing is known."""
        self._perceived = percept_triggers(message) if message.valid else []

    def on_attention(self, message: Attention) -> None:
        """Note a region; attention wanders between two cycles, so each modality's counts.

        Names come from messages: beyond 16 the one that was attended longest ago makes room.
        """
        if not message.valid:
            return
        attended = self._attended
        attended[message.modality] = attention_trigger(message)
        if len(attended) > MODALITIES_KEPT:
            others = [name for name in attended if name != message.modality]
            del attended[min(others, key=lambda name: attended[name].stamp_ns)]

    def newest(self) -> list[Trigger]:
        """All triggers."""
        return [*self._attended.values(), *self._perceived]

    def region(self, modality: str) -> Region | None:
        """The region of a modality that is attended; None if there is none in an image."""
        attended = self._attended.get(modality)
        return None if attended is None else attended.region

    def clear(self) -> None:
        """Forget everything."""
        self._perceived, self._attended = [], {}
