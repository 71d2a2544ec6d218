"""Clock, ring buffer, health, throttle, home folder, registry."""

from __future__ import annotations

import importlib
import os
import pwd
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sage_common.core.clock import ManualClock, SystemClock
from sage_common.core.errors import InvalidInput, words_of
from sage_common.core.health import InputHealth
from sage_common.core.home import make_private, sage_home
from sage_common.core.latched import LatchedMessages
from sage_common.core.ring import RingBuffer
from sage_common.core.state.file import save
from sage_common.core.throttle import Throttle
from sage_common.core.topics import (
    ACTIONS,
    SERVICES,
    TOPICS,
    action_spec,
    filled_topic,
    foreign_topic,
    service_spec,
    topic,
    topic_name,
)

S = 1_000_000_000


def test_a_manual_clock_moves_only_forward():
    clock = ManualClock(5)
    clock.advance_to(7)
    clock.advance_to(7)
    assert clock.now_ns() == 7
    with pytest.raises(ValueError, match="now_ns = 6: expected at least 7"):
        clock.advance_to(6)


def test_the_system_clock_is_the_time_since_the_epoch():
    first, second = SystemClock().now_ns(), SystemClock().now_ns()
    assert 1_600_000_000 * S < first <= second


@given(
    capacity=st.integers(1, 9),
    blocks=st.lists(st.lists(st.integers(-99, 99), max_size=25), max_size=12),
    count=st.integers(0, 12),
)
def test_a_ring_is_the_end_of_a_list(capacity, blocks, count):
    ring = RingBuffer(capacity, (2,), np.int32)
    written: list[list[int]] = []
    for block in blocks:
        rows = np.array([[x, -x] for x in block], np.int32).reshape(-1, 2)
        ring.extend(rows)
        written += rows.tolist()
        assert len(ring) == min(len(written), capacity)
        assert ring.written == len(written)
        assert ring.latest().tolist() == written[-capacity:]
        kept = written[-capacity:]
        assert ring.latest(count).tolist() == (kept[-count:] if count else [])


def test_what_a_ring_gives_is_a_copy():
    ring = RingBuffer(3)
    ring.extend(np.arange(3, dtype=np.float32))
    ring.latest()[:] = 7
    ring.latest(2)[:] = 7
    assert ring.latest().tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="capacity = 0"):
        RingBuffer(0)


def test_health_of_a_regular_input():
    health = InputHealth("/x", rate_hz=10.0, max_age_s=0.5)
    assert not health.alive(0) and health.age_s(0) == float("inf") and health.rate_ok
    for number in range(5):
        health.accept(number * S // 10)
    assert health.alive(4 * S // 10 + S // 2) and not health.alive(4 * S // 10 + S // 2 + 1)
    assert health.measured_rate_hz == pytest.approx(10.0) and health.rate_ok
    for number in range(1, 60):
        health.accept(number * S)
    assert health.measured_rate_hz == pytest.approx(1.0, rel=0.05) and not health.rate_ok
    health.reject("data = 0: expected 1", 59 * S)
    assert not health.valid(60 * S) and health.rejected == 1 and health.received == 64
    assert health.last_fault == "data = 0: expected 1"
    health.accept(60 * S)
    assert health.valid(60 * S)
    health.reject("data = 0: expected 1", 61 * S)
    assert not health.valid(71 * S) and health.valid(71 * S + 1), "no good one may come for hours"
    assert not health.alive(0), "its clock was set back"
    health.took(5)
    health.took(3)
    assert (health.busy_ns, health.slowest_ns) == (8, 5)


def test_an_input_of_events_is_always_alive_and_has_no_rate():
    health = InputHealth("/text")
    assert health.alive(10**18) and health.rate_ok and health.measured_rate_hz == 0.0


def test_throttle_lets_one_a_period_through_for_each_key():
    throttle = Throttle()
    assert [throttle.due(t * S // 2, 1.0, "a") for t in range(5)] == [True, False] * 2 + [True]
    assert throttle.due(0, 1.0, "b")
    assert throttle.due(0, 0.0, "a") and throttle.due(0, 0.0, "a")


@pytest.mark.parametrize(
    ("given_parameter", "environment", "expected"),
    [
        ("/a/b", {"SAGE_HOME": "/c"}, "/a/b"),
        ("", {"SAGE_HOME": "/c", "XDG_DATA_HOME": "/d", "HOME": "/e"}, "/c"),
        ("", {"XDG_DATA_HOME": "/d", "HOME": "/e"}, "/d/sage"),
        ("", {"HOME": "/e"}, "/e/.local/share/sage"),
        ("", {}, pwd.getpwuid(os.getuid()).pw_dir + "/.local/share/sage"),
    ],
)
def test_the_home_folder(given_parameter, environment, expected):
    assert sage_home(given_parameter, environment) == Path(expected)


def test_a_file_is_no_home_folder(tmp_path):
    there = tmp_path / "file"
    there.touch()
    for parameter, environment, field in [
        (str(there), {}, "home"),
        ("", {"SAGE_HOME": str(there)}, "SAGE_HOME"),
    ]:
        with pytest.raises(InvalidInput, match=f"{field} = .*/file': expected a folder"):
            sage_home(parameter, environment)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_folder_that_is_made_is_for_its_owner_alone(tmp_path, umask):
    there = tmp_path / "there"
    there.mkdir()
    there.chmod(0o755)
    before = os.umask(umask)
    try:
        make_private(there / "home" / "log")
        make_private(there / "home" / "log")
        make_private(there)
        save(there / "saved" / "state" / "a.state", {}, {})
    finally:
        os.umask(before)
    for made in ("home", "home/log", "saved", "saved/state"):
        assert stat.S_IMODE((there / made).stat().st_mode) == 0o700, made
    assert stat.S_IMODE(there.stat().st_mode) == 0o755, "what is there keeps its mode"
    (there / "file").touch()
    with pytest.raises(OSError, match="file"):
        make_private(there / "file" / "log")


def test_the_registry_is_consistent():
    assert set(TOPICS) == {spec.key for spec in TOPICS.values()}
    for spec in TOPICS.values():
        assert spec.qos in ("sensor", "standard", "latched", "static", "bulk"), spec.key
        package, kind, name = spec.type.split("/")
        found = getattr(importlib.import_module(f"{package}.{kind}"), name)
        if spec.stamp_checked:
            assert "header" in found.get_fields_and_field_types(), spec.key
        assert spec.doc and " -> " in spec.flow
    for spec in (*SERVICES.values(), *ACTIONS.values()):
        package, kind, name = spec.type.split("/")
        found = getattr(importlib.import_module(f"{package}.{kind}"), name)
        answer = found.Response if kind == "srv" else found.Result
        if package != "sage_msgs":
            continue  # an interface of ROS 2's own
        fields = answer.get_fields_and_field_types().keys()
        assert "message" in fields and {"success", "found"} & fields, spec.key
    assert len({spec.name for spec in TOPICS.values()}) == len(TOPICS)


def test_names_and_unknown_keys():
    assert topic_name("puzzle", modality="vision") == "vision/puzzle"
    with pytest.raises(KeyError):
        topic_name("puzzle")
    with pytest.raises(KeyError, match="unknown topic key; the nearest known is salience"):
        topic("salienc")
    with pytest.raises(KeyError, match="unknown service key; the nearest known is memory/recall"):
        service_spec("memory/recal")
    with pytest.raises(KeyError, match=r"unknown action key; .* orchestrator/refine"):
        action_spec("refine")


def test_a_modality_that_comes_by_events_has_no_age():
    vision = filled_topic("puzzle", modality="vision")
    assert (vision.rate_hz, vision.max_age_s) == (30.0, 1.0)
    words = filled_topic("salience", modality="language")
    assert (words.rate_hz, words.max_age_s) == (0.0, 0.0)
    named = filled_topic("classes", modality="vision")
    assert (named.rate_hz, named.max_age_s) == (0.0, 0.0), "not every picture is recognised"
    body = filled_topic("imu/data", name="body")
    assert (body.rate_hz, body.max_age_s) == (100.0, 0.5)


def test_a_filled_topic_has_its_name_and_the_rate_of_its_modality():
    vision = filled_topic("puzzle", modality="vision")
    assert (vision.key, vision.name) == ("puzzle", "vision/puzzle")
    assert (vision.rate_hz, vision.max_age_s) == (30.0, 1.0)
    assert filled_topic("salience", modality="language").max_age_s == 0.0
    with pytest.raises(KeyError):
        filled_topic("puzzle")


def test_a_foreign_topic_keeps_its_own_name_and_has_no_rate():
    spec = foreign_topic("/tf", "tf2_msgs/msg/TFMessage", stamp_checked=False)
    assert (spec.name, spec.type, spec.qos) == ("/tf", "tf2_msgs/msg/TFMessage", "sensor")
    assert (spec.rate_hz, spec.max_age_s, spec.stamp_checked) == (0.0, 0.0, False)


def test_each_publisher_keeps_as_many_latched_messages_as_its_depth():
    latched: LatchedMessages[str, int] = LatchedMessages()
    for publisher, message in (("one", 1), ("two", 2), ("one", 3), ("two", 4), ("one", 5)):
        latched.keep("/tf_static", publisher, message, 2 if publisher == "one" else 1)
    assert latched.of_topic("/tf_static") == [3, 4, 5]
    assert latched.of_topic("/map") == []
    again: LatchedMessages[str, int] = LatchedMessages()
    again.restore(latched.state())
    again.forget("/tf_static", "one")
    assert again.of_topic("/tf_static") == [4]


def test_an_invalid_input_names_field_value_and_expectation():
    error = InvalidInput("width", "x" * 200, "1 to 9 pixels")
    assert error.field == "width" and error.expected == "1 to 9 pixels"
    assert str(error).startswith("width = 'xxx") and str(error).endswith(
        "...: expected 1 to 9 pixels"
    )
    assert len(str(error)) < 120


@pytest.mark.parametrize("said", ["\ud800" * 1024, "x" * 1025, "\0" * 1024, "\0" * 3_000_000])
def test_what_an_error_says_is_escaped_and_then_cut(said):
    words = words_of(ValueError(said))
    assert len(words) == 1024 and words.endswith(" ...")
    assert words.encode() and "\0" not in words


def test_what_fits_into_the_words_of_an_error_stays():
    assert words_of(ValueError("x" * 1024)) == "x" * 1024
    assert words_of(ValueError("a\ud800b\0")) == "a\\ud800b\\x00"


def test_the_words_of_an_error_are_one_line_that_steers_no_terminal():
    said = "I am \x1b[31mbad\r\n  and\x07 \x9b2J w\u00f6rse\u202e"
    words = words_of(ValueError(said))
    assert words == "I am \\x1b[31mbad and\\x07 \\x9b2J w\u00f6rse\\u202e"
