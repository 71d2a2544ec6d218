"""Every input type of the registry: good ones pass, bad ones name the field."""

from __future__ import annotations

import array
import math

import pytest
from good_messages import GOOD, PNG, WRONG, header

from sage_common.core.errors import InvalidInput
from sage_common.core.topics import TOPICS, topic
from sage_common.ros.checks import check_message, check_stamp, check_stamp_ns
from sage_common.ros.interfaces import interface
from sage_msgs.msg import Attention, Puzzle

NOW_NS = 1_700_000_000_000_000_000
S = 1_000_000_000
STAMPED = sorted(key for key, spec in TOPICS.items() if spec.stamp_checked)


def test_there_is_a_good_message_for_every_topic():
    assert GOOD.keys() == TOPICS.keys()


@pytest.mark.parametrize("key", sorted(GOOD))
def test_a_good_message_passes(key):
    message = GOOD[key](header(NOW_NS))
    assert isinstance(message, interface(topic(key).type))
    if topic(key).stamp_checked:
        check_stamp(message, NOW_NS)
    check_message(topic(key).type, message)


@pytest.mark.parametrize(
    ("key", "field", "change"), WRONG, ids=[f"{key}-{field}" for key, field, _ in WRONG]
)
def test_a_bad_message_names_the_field(key, field, change):
    message = GOOD[key](header(NOW_NS))
    if (key, field) == ("imu/data", "orientation"):
        message.orientation.w = 2.0
    change(message)
    with pytest.raises(InvalidInput) as caught:
        check_message(topic(key).type, message)
    assert caught.value.field == field
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("key", STAMPED)
@pytest.mark.parametrize(
    ("offset_s", "said"), [(1.01, "ahead"), (3600.0, "ahead"), (-10.01, "old")]
)
def test_a_wrong_stamp_is_named(key, offset_s, said):
    message = GOOD[key](header(NOW_NS + round(offset_s * S)))
    with pytest.raises(InvalidInput, match=f"header.stamp = .* s {said}"):
        check_stamp(message, NOW_NS)


@pytest.mark.parametrize("key", STAMPED)
def test_an_absent_stamp_is_stale_and_a_malformed_one_is_named(key):
    message = GOOD[key](header(0))
    with pytest.raises(InvalidInput, match=r"header\.stamp"):
        check_stamp(message, NOW_NS)
    message.header.stamp.nanosec = 1_000_000_000
    with pytest.raises(InvalidInput, match=r"header\.stamp\.nanosec"):
        check_stamp(message, NOW_NS)


@pytest.mark.parametrize("offset_ns", [S, -10 * S, 0])
def test_the_bounds_of_a_stamp_are_inclusive(offset_ns):
    check_stamp_ns(NOW_NS + offset_ns, NOW_NS)


def test_before_simulated_time_begins_no_stamp_is_wrong():
    check_stamp_ns(NOW_NS, 0)


def test_what_is_marked_invalid_needs_no_content():
    check_message("sage_msgs/msg/Puzzle", Puzzle(modality="vision", valid=False))
    check_message("sage_msgs/msg/Attention", Attention(valid=False))


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("key", ["salience", "fused_salience", "attention"])
def test_a_rate_of_false_alarms_is_a_number_above_0(key, rate):
    message = GOOD[key](header(NOW_NS))
    message.alarms_per_hour = rate
    with pytest.raises(InvalidInput, match="alarms_per_hour"):
        check_message(topic(key).type, message)


def test_a_png_passes_and_an_unknown_type_passes():
    message = GOOD["camera/compressed"](header(NOW_NS))
    message.data = array.array("B", PNG)
    check_message("sensor_msgs/msg/CompressedImage", message)
    check_message("example_msgs/msg/Unknown", object())
