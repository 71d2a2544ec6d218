"""Interfaces by name, stamps, and one byte form for each message."""

from __future__ import annotations

import pytest
from good_messages import GOOD, header
from hypothesis import given
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message

from sage_common.core.errors import InvalidInput
from sage_common.core.topics import TOPICS
from sage_common.ros.conversions.definitions import canonical, register_package, typestore
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.interfaces import interface
from sage_common.ros.latest import serialized_stamp_ns
from sage_msgs.msg import Attention

pytestmark = pytest.mark.distribution


@pytest.mark.parametrize("key", sorted(GOOD))
def test_the_canonical_form_reads_back_as_the_same_message(key):
    message = GOOD[key](header(1_700_000_000_123_456_789))
    type_name = TOPICS[key].type
    data = canonical(bytes(serialize_message(message)), type_name)
    assert deserialize_message(data, type(message)) == message
    assert canonical(data, type_name) == data


def test_padding_is_zero_whatever_it_was():
    message = Attention(header=header(5), modality="m", source="s", reason="r", valid=True)
    data = bytearray(serialize_message(message))
    clean = canonical(bytes(data), "sage_msgs/msg/Attention")
    padding = [i for i in range(4, len(data)) if _is_padding(data, i)]
    assert padding, "this message has none to test with"
    for index in padding:
        data[index] = 0xAB
    assert canonical(bytes(data), "sage_msgs/msg/Attention") == clean
    assert bytes(data) != clean


def _is_padding(data: bytearray, index: int) -> bool:
    """A byte that can be anything without changing the message."""
    original = deserialize_message(bytes(data), Attention)
    changed = bytearray(data)
    changed[index] ^= 0x55
    try:
        return bool(deserialize_message(bytes(changed), Attention) == original)
    except (UnicodeDecodeError, RuntimeError, SystemError):
        return False


def test_interfaces_by_name():
    assert interface("sage_msgs/msg/Attention") is Attention
    with pytest.raises(ValueError, match="interface = 'Attention'"):
        interface("Attention")
    with pytest.raises(ModuleNotFoundError):
        interface("no_such_msgs/msg/Thing")
    with pytest.raises(AttributeError):
        interface("sage_msgs/msg/NoSuchThing")
    with pytest.raises(LookupError):
        register_package(typestore(), "no_such_msgs")


@given(st.integers(0, 2**31 * 10**9 - 1))
def test_stamps_round_trip(nanoseconds):
    assert stamp_ns(to_stamp(nanoseconds)) == nanoseconds


@given(st.integers(0, 2**31 * 10**9 - 1))
def test_the_stamp_of_a_serialized_message(nanoseconds):
    data = bytes(serialize_message(GOOD["imu/data"](header(nanoseconds))))
    assert serialized_stamp_ns(data) == nanoseconds
    with pytest.raises(InvalidInput, match="message = '11 bytes'"):
        serialized_stamp_ns(data[:11])


def test_big_endian_stamps_are_read_as_such():
    data = b"\x00\x00\x00\x00" + b"\x00\x00\x00\x01" + b"\x00\x00\x00\x02"
    assert serialized_stamp_ns(data) == 10**9 + 2


@pytest.mark.parametrize("data", [b"", b"\x00\x02\x00\x00", b"\x00\x01\x00\x00\x00"])
def test_what_is_no_message_is_refused(data):
    with pytest.raises(InvalidInput, match="message = "):
        canonical(data, "sage_msgs/msg/Attention")
