"""ROS stamps as integer nanoseconds and back."""

from __future__ import annotations

from builtin_interfaces.msg import Time

from sage_common.core.clock import NS_PER_S


def stamp_ns(stamp: Time) -> int:
    """Nanoseconds of a ROS stamp."""
    return int(stamp.sec) * NS_PER_S + int(stamp.nanosec)


def to_stamp(nanoseconds: int) -> Time:
    """ROS stamp of non-negative nanoseconds."""
    seconds, remainder = divmod(nanoseconds, NS_PER_S)
    return Time(sec=seconds, nanosec=remainder)
