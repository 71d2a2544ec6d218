"""What plugins may want to work on is bounded, whatever names messages bring."""

from __future__ import annotations

from sage_common.ros.conversions.stamps import to_stamp
from sage_msgs.msg import Attention
from sage_orchestrator.nodes.cues import MODALITIES_KEPT, Cues

S = 1_000_000_000


def attention(modality: str, stamp_ns: int, width: int = 8) -> Attention:
    message = Attention(modality=modality, valid=True, salience=0.5)
    message.header.stamp = to_stamp(stamp_ns)
    message.roi.width = message.roi.height = width
    return message


def test_attention_of_ever_new_modalities_is_bounded() -> None:
    cues = Cues()
    for number in range(1000):
        cues.on_attention(attention("vision", number * S))
        cues.on_attention(attention(f"made up {number}", number * S))
    kept = {cue.modality for cue in cues.newest()}
    assert len(kept) == MODALITIES_KEPT
    assert {"vision", "made up 999"} <= kept and "made up 0" not in kept
    again = Cues()
    again.restore(cues.state())
    assert {cue.modality for cue in again.newest()} == kept


def test_the_newest_of_each_modality_counts_and_an_invalid_one_changes_nothing() -> None:
    cues = Cues()
    cues.on_attention(attention("vision", S))
    cues.on_attention(attention("audio", 2 * S, width=0))
    cues.on_attention(attention("vision", 3 * S, width=16))
    cues.on_attention(Attention(modality="vision", valid=False))
    assert [(cue.modality, cue.stamp_ns) for cue in cues.newest()] == [
        ("vision", 3 * S),
        ("audio", 2 * S),
    ]
    region = cues.region("vision")
    assert region is not None and region.width == 16
    assert cues.region("audio") is None
