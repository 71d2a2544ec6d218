"""Inbound messages are checked here, once, before any callback sees them."""

from sage_common.ros.checks.messages import check_message, check_message_once
from sage_common.ros.checks.stamps import MAX_AGE_S, RECORDED, check_stamp, check_stamp_ns

__all__ = [
    "MAX_AGE_S",
    "RECORDED",
    "check_message",
    "check_message_once",
    "check_stamp",
    "check_stamp_ns",
]
