"""What was sensed last that plugins may want to work on."""

from __future__ import annotations

from sage_common.core.sections import Arrays, nest, section_of
from sage_common.ros.conversions.packing import packed_messages, unpacked_messages
from sage_common.ros.conversions.stamps import stamp_ns
from sage_msgs.msg import Attention, FusedSalience
from sage_orchestrator.core.plugin import Region
from sage_orchestrator.core.scheduling.trigger import Trigger
from sage_orchestrator.nodes.messages import attention_trigger, percept_triggers, region_of

MODALITIES_KEPT = 16


class TriggerBuffer:
    """The newest fused salience, and the newest attention of each modality, of 16 at most."""

    def __init__(self) -> None:
        self._salience: FusedSalience | None = None
        self._attention: dict[str, Attention] = {}

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

    def state(self) -> Arrays:
        """What was noted."""
        salience = packed_messages({"newest": self._salience})
        attention = packed_messages(self._attention)
        return {**nest("salience", salience), **nest("attention", attention)}

    def restore(self, state: Arrays) -> None:
        """Continue from `state()`."""
        salience = unpacked_messages(section_of(state, "salience"), FusedSalience)
        self._salience = salience.get("newest")
        self._attention = unpacked_messages(section_of(state, "attention"), Attention)
