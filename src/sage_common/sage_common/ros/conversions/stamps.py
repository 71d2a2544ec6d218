"""ROS stamps as integer nanoseconds and back."""

from __future__ import annotations

import copy
from typing import Any

from builtin_interfaces.msg import Time

from sage_common.core.clock import NS_PER_S
from sage_msgs.msg import Outcome

JUDGED_NS = NS_PER_S
"""How long before its stamp an outcome judges that says nothing of what it judges."""


def stamp_ns(stamp: Time) -> int:
    """Nanoseconds of a ROS stamp."""
    return int(stamp.sec) * NS_PER_S + int(stamp.nanosec)


def to_stamp(nanoseconds: int) -> Time:
    """ROS stamp of non-negative nanoseconds."""
    seconds, remainder = divmod(nanoseconds, NS_PER_S)
    return Time(sec=seconds, nanosec=remainder)


def stamped_now(message: Any, now_ns: int) -> Any:
    """The message; a copy with the stamp `now_ns` if its header's own is 0.

    An outcome that names nothing else to judge is given the second up to its stamp.
    """
    if not stamp_ns(message.header.stamp):
        header = copy.copy(message.header)
        header.stamp = to_stamp(now_ns)
        message = _with(message, header=header)
    if isinstance(message, Outcome) and _names_nothing(message):
        end = message.header.stamp
        message = _with(message, start=to_stamp(max(stamp_ns(end) - JUDGED_NS, 0)), end=end)
    return message


def _names_nothing(outcome: Outcome) -> bool:
    named = outcome.experience_id or outcome.plugin
    return not (named or stamp_ns(outcome.start) or stamp_ns(outcome.end))


def _with(message: Any, **fields: Any) -> Any:
    changed = copy.copy(message)  # other nodes of this process may have the same one
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed
