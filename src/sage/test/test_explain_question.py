"""Which moment `sage explain STAMP` asks about."""

from __future__ import annotations

from datetime import datetime

import pytest

from sage.explain.question import Question, parse_question
from sage_common.core.clock import NS_PER_S, ManualClock, local_time
from sage_common.core.errors import InvalidInput

NOW = ManualClock(1_000_000 * NS_PER_S)
ID = "0174876e-80c8-701e-b346-302cede9c513"


def test_no_stamp_asks_for_the_newest() -> None:
    assert parse_question("") == Question()


@pytest.mark.parametrize(
    ("text", "stamp_ns"),
    [
        ("1600000005", 1_600_000_005 * NS_PER_S),
        ("1600000005.123456789", 1_600_000_005_123_456_789),
        ("10s", 999_990 * NS_PER_S),
        ("2m", 999_880 * NS_PER_S),
        ("2020-09-13T12:26:45+00:00", 1_600_000_005 * NS_PER_S),
    ],
)
def test_times_ages_and_seconds(text: str, stamp_ns: int) -> None:
    assert parse_question(text, NOW) == Question(stamp_ns=stamp_ns)


def test_a_time_without_zone_is_local_and_is_written_the_same_way() -> None:
    text = "2026-01-02 03:04:05.678"
    stamp_ns = round(datetime.fromisoformat(text).timestamp() * NS_PER_S)
    assert parse_question(text) == Question(stamp_ns=stamp_ns)
    assert local_time(stamp_ns) == text
    assert local_time(stamp_ns, with_date=False) == "03:04:05.678"


def test_a_time_of_day_is_the_last_one() -> None:
    now_s = datetime(2026, 1, 2, 3, 4, 5).timestamp()
    clock = ManualClock(round(now_s * NS_PER_S))
    earlier = datetime(2026, 1, 2, 3, 4, 4, 678_000).timestamp()
    assert parse_question("03:04:04.678", clock).stamp_ns == round(earlier * NS_PER_S)
    yesterday = datetime(2026, 1, 1, 3, 4, 6).timestamp()
    assert parse_question("03:04:06", clock).stamp_ns == round(yesterday * NS_PER_S)


def test_ids_and_seconds_after_the_start_of_a_bag() -> None:
    assert parse_question(ID.upper()) == Question(experience_id=ID)
    assert parse_question("+12.3") == Question(after_start_ns=12_300_000_000)
    assert parse_question("+0") == Question(after_start_ns=0)


@pytest.mark.parametrize(
    "text",
    [
        "yesterday", "-5", "+", "+-3", "12:30", "25:00:00", "12:30:05.1", "10x", "nan", "0174876e",
        "1e9", "99999999999",
        "+99999999999", "1969-01-01T00:00:00+00:00", "2040-01-01", "20000d",
    ],
)  # fmt: skip
def test_another_text_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInput, match="STAMP"):
        parse_question(text, NOW)
