"""Attention between core types and messages."""

from __future__ import annotations

from collections.abc import Sequence

from sensor_msgs.msg import RegionOfInterest

from sage_common.core.specs.places import Area, Places
from sage_encoders.core.framing import Framing
from sage_msgs.msg import Attention, AttentionRegion, FusedSalience, Salience
from sage_snarc.core.attention import Region

AGAIN = 0.5


def attention_message(
    fused: FusedSalience,
    seen: Salience,
    regions: Sequence[Region],
    places: Places,
    framing: Framing | None,
) -> Attention:
    """Where in the percept `seen` to attend to.

    Args:
        regions: best first, at least one.
        places: names of places in such a percept.
        framing: how the native picture became the percept; None: unknown, or not a picture.
    """
    named = [_region_message(region, places, framing) for region in regions]
    best = named[0]
    message = Attention(header=seen.header, modality=seen.modality, source=seen.source)
    for field in ("x_min", "y_min", "x_max", "y_max", "roi", "confidence"):
        setattr(message, field, getattr(best, field))
    message.salience = fused.total
    message.alarms_per_hour = fused.alarms_per_hour
    again = ", again" if best.inhibited > AGAIN else ""
    message.reason = f"{seen.reason}; strongest at {best.place}{again}"
    message.regions = named
    message.valid = True
    return message


def no_attention(fused: FusedSalience, seen: Salience | None) -> Attention:
    """There is nothing to attend to, and why; `seen`: where it was looked for."""
    nowhere = "no live modality has a grid" if seen is None else "nothing stands out anywhere"
    why = fused.invalid_reason or nowhere
    message = Attention(header=fused.header, reason=why, invalid_reason=why)
    if seen is not None:
        message.header, message.modality, message.source = seen.header, seen.modality, seen.source
    return message


def _region_message(region: Region, places: Places, framing: Framing | None) -> AttentionRegion:
    area = region.area
    message = AttentionRegion(x_min=area.x_min, y_min=area.y_min, x_max=area.x_max)
    message.y_max = area.y_max
    message.roi = _pixels(area, framing) if framing else RegionOfInterest()
    message.confidence = region.confidence
    message.inhibited = region.inhibited
    message.place = places.name(area)
    return message


def _pixels(area: Area, framing: Framing) -> RegionOfInterest:
    """An area of the encoder's square in pixels of the native picture."""
    left, top = framing.to_native(area.x_min, area.y_min)
    right, bottom = framing.to_native(area.x_max, area.y_max)
    roi = RegionOfInterest(x_offset=round(left), y_offset=round(top))
    roi.width = max(round(right) - roi.x_offset, 0)
    roi.height = max(round(bottom) - roi.y_offset, 0)
    return roi
