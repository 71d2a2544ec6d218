"""A day that is made from clips: its messages, what is counted of it, and what it is held to."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Imu

from sage.cli import main
from sage.soak.day.clip import Clip, ClipMessage
from sage.soak.day.replay import DayLook
from sage.soak.day.scenes import day_of
from sage.soak.day.tally import ALARM_PER_HOUR, DayTally
from sage.soak.day.verdict import verdict_of_day
from sage.soak.sample import Sample
from sage_common.core.clock import NS_PER_S

HOUR_NS = 3600 * NS_PER_S


def clip(name: str) -> Clip:
    """Ten seconds with a message in each."""
    data = bytes(serialize_message(Imu()))
    messages = (
        ClipMessage(i * NS_PER_S, f"/{name}", "sensor_msgs/msg/Imu", data) for i in range(10)
    )
    return Clip(name, 10 * NS_PER_S, tuple(messages))


def test_a_clip_is_repeated_with_the_stamps_of_its_time() -> None:
    begin_ns = 1_700_000_000 * NS_PER_S
    played = list(clip("walk").played(begin_ns, begin_ns + 25 * NS_PER_S))
    assert [m.offset_ns for m in played] == [begin_ns + i * NS_PER_S for i in range(25)]
    last = deserialize_message(played[-1].data, Imu)
    assert last.header.stamp == Time(sec=1_700_000_024)


def test_half_of_each_hour_is_quiet_and_a_seed_decides_the_rest() -> None:
    lively, quiet = [clip("walk"), clip("kitchen")], clip("quiet")
    end_ns = 2 * HOUR_NS + HOUR_NS // 4
    day = list(day_of(lively, quiet, 0, end_ns))
    stamps = [message.offset_ns for message in day]
    assert stamps == sorted(stamps) and stamps[-1] < end_ns
    assert {message.topic for message in day} == {"/walk", "/kitchen", "/quiet"}
    for message in day:
        is_quiet = message.offset_ns % HOUR_NS >= HOUR_NS // 2
        assert (message.topic == "/quiet") == is_quiet
    assert list(day_of(lively, quiet, 0, end_ns)) == day
    assert list(day_of(lively, quiet, 0, end_ns, seed=1)) != day


def test_alarms_that_follow_each_other_are_one_and_states_count_when_entered() -> None:
    tally = DayTally()
    for second, rate in [(0, 5.0), (1, 5.0), (2, 5.0), (10, ALARM_PER_HOUR + 1.0), (20, 5.0)]:
        tally.moment(second * NS_PER_S, rate, "lively" if second < 15 else "quiet")
    assert tally.alarms == {"lively": 1, "quiet": 1} and tally.moments == 5
    for state in ("WAKE", "WAKE", "DREAM", "WAKE"):
        tally.state(state)
    assert tally.entered == {"WAKE": 2, "DREAM": 1}


def looks(until_h: float = 24.0) -> list[DayLook]:
    """A day in which nothing changes: 90 alarms in an hour of which half is lively."""
    return [
        DayLook(
            time_s=600.0 * index,
            sample=Sample(10.0 * index, 240.0, 330.0, 5, 13),
            frames=1800 * index,
            store_mb=30.0,
            payload_mb=18.0,
            kept=5 * index,
            alarms={"lively": 15 * index, "quiet": index},
            entered={"DREAM": index // 18},
            cpu_ms_per_frame=16.0,
        )
        for index in range(1, int(6 * until_h) + 1)
    ]


def test_a_day_in_which_nothing_changes_has_no_failure() -> None:
    found = verdict_of_day(looks(), 7200.0, 20.0)
    assert found.failures == () and found.unclear == ()
    figures = {check.what: check.value for check in found.checks}
    assert figures["alarms where it is lively, second half"] == pytest.approx(180.0)
    assert figures["alarms where it is quiet, first half"] == pytest.approx(12.0)
    assert figures["slept"] == 8


@pytest.mark.parametrize(
    ("changed", "failure"),
    [
        (
            lambda look: {"sample": look.sample._replace(anonymous_mb=200 + look.time_s / 1800.0)},
            "anonymous memory growth 2 MB/h",
        ),
        (lambda look: {"cpu_ms_per_frame": 10.0 + look.time_s / 3600.0}, "last third over first"),
        (lambda look: {"payload_mb": 25.0}, "payloads 25 MB: expected at most 19.1"),
        (lambda look: {"entered": {"WAKE": 1}}, "slept 0 times: expected at least 1"),
        (
            lambda look: {"alarms": {"quiet": round(look.time_s / 100.0)}},
            "alarms where it is quiet, first half 72 1/h: expected at most 60",
        ),
    ],
)
def test_what_changes_over_a_day_is_named(changed, failure: str) -> None:
    found = verdict_of_day([replace(look, **changed(look)) for look in looks()], 7200.0, 20.0)
    assert any(words.startswith(f"lock-step: {failure}") for words in found.failures)


def test_of_a_short_day_no_sleep_is_expected_and_of_a_very_short_one_nothing_is_judged() -> None:
    short = [replace(look, entered={}) for look in looks(1.5)]
    assert verdict_of_day(short, 600.0, 20.0).failures == ()
    (failure,) = verdict_of_day(short[:2], 600.0, 20.0).failures
    assert failure == "2 looks after the warm-up of 600 s: expected at least 3"


def test_attaching_and_a_day_in_lockstep_are_two_things(tmp_path: Path, capsys) -> None:
    assert main(["soak", "--attach", "--lockstep", "--home", str(tmp_path)]) == 2
    assert "attach = 'with --lockstep': expected one of the two" in capsys.readouterr().err


def test_the_whole_graph_lives_through_ten_seconds(tmp_path: Path, capsys) -> None:
    home = str(tmp_path)
    words = ["soak", "--lockstep", "--duration", "10", "--warm-up", "2", "--json", "--home", home]
    assert main(words) in (0, 1)  # in ten seconds buffers fill
    found = json.loads(capsys.readouterr().out)
    assert found["seen_s"] == 10.0 and 28 <= found["ends"][-1]["frames"] <= 33
    assert found["figures"]["lock-step"]["time for a frame, last third"]["value"] > 0.0
    assert found["ends"][-1]["entered"]["WAKE"] >= 1
    assert all("growth" in failure or "over first" in failure for failure in found["failures"])
    assert len(Path(found["samples"]).read_text().splitlines()) == 31
