"""Salience as rviz markers."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from sage_msgs.msg import FusedSalience, MetabolicState
from sage_snarc.core.overlay import colours

BAR_WIDTH_M = 0.2
SPACING_M = 0.4
TEXT_HEIGHT_M = 0.12
LEAST_HEIGHT_M = 0.01
LIFETIME_S = 2
STATE_HEIGHT_M = 1.6
STATES = ("WAKE", "FOCUS", "REST", "DREAM", "CRISIS")
"""Words for the constants of `MetabolicState`."""


def salience_bars(
    fused: FusedSalience, frame_id: str, state: MetabolicState | None = None
) -> MarkerArray:
    """One bar and one label for the fused salience and for each live modality.

    Bars stand along x, 1 m high at salience 1; those of modalities that fell out disappear. Above
    the first stands the metabolic state, and why it was entered, if it is known.
    """
    header = Header(stamp=fused.header.stamp, frame_id=frame_id)
    rows = [("fused", fused.total, fused.reason)]
    rows += [(item.modality, item.total, item.reason) for item in fused.modalities]
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for index, (name, total, reason) in enumerate(rows):
        markers.append(_bar(header, index, total))
        markers.append(_label(header, index, total, f"{name} {total:.2f}\n{reason}"))
    if state is not None:
        words = f"{STATES[state.state]}\n{state.reason}"
        markers.append(_text(header, "state", 0, STATE_HEIGHT_M, words))
    return MarkerArray(markers=markers)


def _bar(header: Header, index: int, total: float) -> Marker:
    height = max(total, LEAST_HEIGHT_M)
    marker = _marker(header, "bars", index, Marker.CUBE, height / 2.0)
    marker.scale.x = marker.scale.y = BAR_WIDTH_M
    marker.scale.z = height
    red, green, blue = (float(part) / 255.0 for part in colours(np.float32(total)))
    marker.color = ColorRGBA(r=red, g=green, b=blue, a=1.0)
    return marker


def _label(header: Header, index: int, total: float, text: str) -> Marker:
    return _text(header, "labels", index, total + TEXT_HEIGHT_M * 1.5, text)


def _text(header: Header, namespace: str, index: int, height: float, text: str) -> Marker:
    marker = _marker(header, namespace, index, Marker.TEXT_VIEW_FACING, height)
    marker.scale.z = TEXT_HEIGHT_M
    marker.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
    marker.text = text
    return marker


def _marker(header: Header, namespace: str, index: int, kind: int, height: float) -> Marker:
    marker = Marker(header=header, ns=namespace, id=index, type=kind, action=Marker.ADD)
    marker.pose.position = Point(x=index * SPACING_M, y=0.0, z=height)
    marker.pose.orientation.w = 1.0
    marker.lifetime.sec = LIFETIME_S
    return marker
