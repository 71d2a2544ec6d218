"""Header stamps in serialized messages, moved without deserializing."""

from __future__ import annotations

import functools
import struct

from sage_common.core.clock import NS_PER_S
from sage_common.ros.conversions.definitions import typestore

# CDR: 4 bytes of encapsulation, the second of which tells the byte order; then the first field.
_ENCAPSULATION = 4
_STAMP = {0: struct.Struct(">iI"), 1: struct.Struct("<iI")}


@functools.cache
def has_header(type_name: str) -> bool:
    """True if messages of this type start with a std_msgs/Header."""
    if type_name not in typestore().types:
        return False
    fields = typestore().get_msgdef(type_name).fields
    return bool(fields) and fields[0][1][1] == "std_msgs/msg/Header"


def with_header_stamp(data: bytes, stamp_ns: int) -> bytes:
    """The same message with another stamp, at least 0 and before the year 2038."""
    seconds, nanoseconds = divmod(min(max(stamp_ns, 0), (2**31 - 1) * NS_PER_S), NS_PER_S)
    copy = bytearray(data)
    _STAMP[data[1] & 1].pack_into(copy, _ENCAPSULATION, seconds, nanoseconds)
    return bytes(copy)
