"""ROS stamps as integer nanoseconds and back."""

from __future__ import annotations

import copy
from typing import Any

from builtin_interfaces.msg import Time

from sage_common.core.clock import NS_PER_S


def stamp_ns(stamp: Time) -> int:
    """Nanoseconds of a ROS stamp."""
    return int(stamp.sec) * NS_PER_S + int(stamp.nanosec)


def to_stamp(nanoseconds: int) -> Time:
    """ROS stamp of non-negative nanoseconds."""
    seconds, remainder = divmod(nanoseconds, NS_PER_S)
    return Time(sec=seconds, nanosec=remainder)


def stamped_now(message: Any, now_ns: int) -> Any:
    """The message; a copy with the stamp `now_ns` if its header's own is 0."""
    if stamp_ns(message.header.stamp):
        return message
    stamped = copy.copy(message)  # other nodes of this process may have the same one
    stamped.header = copy.copy(message.header)
    stamped.header.stamp = to_stamp(now_ns)
    return stamped
