"""What was sensed last that plugins may want to work on."""

from __future__ import annotations

from sage_common.core.state.fields import Transient
from sage_common.core.state.stateful import Stateful
from sage_common.ros.conversions.stamps import stamp_ns
from sage_msgs.msg import Attention, FusedSalience
from sage_orchestrator.core.plugin import Region
from sage_orchestrator.core.scheduling.trigger import Trigger
from sage_orchestrator.nodes.messages import attention_trigger, percept_triggers, region_of

MODALITIES_KEPT = 16


class TriggerBuffer(Stateful):
    """The newest fused salience, and the newest attention of each modality, of 16 at most."""

    _salience: Transient[FusedSalience | None] = None
    _attention: Transient[dict[str, Attention]]

    def __init__(self) -> None:
        self._attention = {}

    def on_salience(self, message: FusedSalience) -> None:
        """Note what matters now; an invalid message: nothing is known."""
        self._salience = message if message.valid else None

    def on_attention(self, message: Attention) -> None:
        """Note a region; attention wanders between two cycles, so each modality's counts.

        Names come from messages: beyond 16 the one that was attended longest ago makes room.
        """
        if not message.valid:
            return
        self._attention[message.modality] = message
        if len(self._attention) > MODALITIES_KEPT:
            others = [name for name in self._attention if name != message.modality]
            del self._attention[min(others, key=self._attended_ns)]

    def _attended_ns(self, modality: str) -> int:
        return stamp_ns(self._attention[modality].header.stamp)

    def newest(self) -> list[Trigger]:
        """All triggers."""
        triggers = [attention_trigger(message) for message in self._attention.values()]
        return triggers if self._salience is None else triggers + percept_triggers(self._salience)

    def region(self, modality: str) -> Region | None:
        """The region of a modality that is attended; None if there is none in an image."""
        attended = self._attention.get(modality)
        return None if attended is None else region_of(attended)

    def clear(self) -> None:
        """Forget everything."""
        self._salience = None
        self._attention.clear()
