"""The QoS profiles; there are no others in SAGE."""

from __future__ import annotations

from collections.abc import Sequence

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy


def qos_profile(
    depth: int, reliability: ReliabilityPolicy, durability: DurabilityPolicy
) -> QoSProfile:
    """A profile that keeps the last `depth` messages."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=reliability,
        durability=durability,
    )


PROFILES = {
    "sensor": qos_profile(5, ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.VOLATILE),
    "standard": qos_profile(10, ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE),
    "latched": qos_profile(1, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL),
    "static": qos_profile(100, ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL),
    # A handle is small, but who loses one loses a tensor that still lies in its mailbox: as many as
    # a reader keeps pictures, half of the mailbox's slots (sage_common.ros.tensors.output).
    "bulk": qos_profile(12, ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE),
}

"""What a subscription asks for."""

# REP-2003: who makes sensor data offers reliable, so that every subscriber is served, and who takes
# it asks for best effort. A slow reliable reader holds nothing up: bench/sensor_qos.py.
OFFERED = {
    **PROFILES,
    "sensor": qos_profile(5, ReliabilityPolicy.RELIABLE, DurabilityPolicy.VOLATILE),
}
"""What a publisher offers."""


def weakest(offers: Sequence[QoSProfile]) -> str:
    """The profile to subscribe with so that every one of these offers serves it."""
    if any(offer.reliability != ReliabilityPolicy.RELIABLE for offer in offers):
        return "sensor"
    if offers and all(o.durability == DurabilityPolicy.TRANSIENT_LOCAL for o in offers):
        return "static"
    return "standard"


def is_kept(qos: str) -> bool:
    """True if a subscriber that comes later gets what was published before."""
    return PROFILES[qos].durability == DurabilityPolicy.TRANSIENT_LOCAL
