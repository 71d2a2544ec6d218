"""When a message was taken: not from the future, and not stale."""

from __future__ import annotations

from typing import Any

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.stamps import stamp_ns

MAX_AHEAD_S = 1.0
MAX_AGE_S = 10.0
RECORDED_AGE_S = 60.0
RECORDED = (
    "if it is played from a bag, use `ros2 bag play --clock` with use_sim_time:=true "
    "(replay.launch.py), or `sage replay BAG`"
)


def check_stamp(message: Any, now_ns: int) -> None:
    """Check that header.stamp is well formed, not from the future and not stale.

    Raises:
        InvalidInput: more than 1 s ahead of `now_ns`, or more than 10 s behind.
    """
    stamp = message.header.stamp
    if stamp.nanosec >= NS_PER_S:
        raise InvalidInput("header.stamp.nanosec", stamp.nanosec, f"below {NS_PER_S}")
    check_stamp_ns(stamp_ns(stamp), now_ns)


def check_stamp_ns(stamp: int, now_ns: int) -> None:
    """As `check_stamp`, for nanoseconds. Before the clock runs (0) nothing can be said.

    Raises:
        InvalidInput: more than 1 s ahead of `now_ns`, or more than 10 s behind.
    """
    if now_ns == 0:
        return
    if stamp == 0:
        raise InvalidInput("header.stamp", 0, "the time of capture")
    age_s = (now_ns - stamp) / NS_PER_S
    if age_s < -MAX_AHEAD_S:
        raise InvalidInput("header.stamp", f"{-age_s:.3f} s ahead", f"at most {MAX_AHEAD_S} s")
    if age_s > MAX_AGE_S:
        raise InvalidInput(
            "header.stamp", f"{age_s:.3f} s old", f"at most {MAX_AGE_S} s{_hint(age_s)}"
        )


def _hint(age_s: float) -> str:
    """What a message that is older than any delay makes likely."""
    return "" if age_s < RECORDED_AGE_S else f"; {RECORDED}"
