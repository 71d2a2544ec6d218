"""What plugins may want to work on is bounded, whatever names messages bring."""

from __future__ import annotations

from sage_common.ros.conversions.stamps import to_stamp
from sage_msgs.msg import Attention
from sage_orchestrator.nodes.triggers import MODALITIES_KEPT, TriggerBuffer

S = 1_000_000_000


def attention(modality: str, stamp_ns: int, width: int = 8) -> Attention:
    message = Attention(modality=modality, valid=True, salience=0.5, alarms_per_hour=60.0)
    message.header.stamp = to_stamp(stamp_ns)
    message.roi.width = message.roi.height = width
    return message


def test_attention_of_ever_new_modalities_is_bounded() -> None:
    triggers = TriggerBuffer()
    for number in range(1000):
        triggers.on_attention(attention("vision", number * S))
        triggers.on_attention(attention(f"made up {number}", number * S))
    kept = {trigger.modality for trigger in triggers.newest()}
    assert len(kept) == MODALITIES_KEPT
    assert {"vision", "made up 999"} <= kept and "made up 0" not in kept
    again = TriggerBuffer()
    again.restore(triggers.state())
    assert {trigger.modality for trigger in again.newest()} == kept


def test_the_newest_of_each_modality_counts_and_an_invalid_one_changes_nothing() -> None:
    triggers = TriggerBuffer()
    triggers.on_attention(attention("vision", S))
    triggers.on_attention(attention("audio", 2 * S, width=0))
    triggers.on_attention(attention("vision", 3 * S, width=16))
    triggers.on_attention(Attention(modality="vision", valid=False))
    assert [(trigger.modality, trigger.stamp_ns) for trigger in triggers.newest()] == [
        ("vision", 3 * S),
        ("audio", 2 * S),
    ]
    region = triggers.region("vision")
    assert region is not None and region.width == 16
    assert triggers.region("audio") is None
