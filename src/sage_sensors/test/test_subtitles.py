"""SRT files, whole and broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sage_common.core.clock import NS_PER_MS
from sage_common.core.errors import InvalidInput
from sage_sensors.core.samples import SourceError
from sage_sensors.core.subtitles import Caption, TextTrack, parse_srt

GOOD = (
    "1\n00:00:01,000 --> 00:00:02,500\nHello there,\nyou.\n\n"
    "2\n00:01:00,000 --> 01:00:00,001\nBye\n"
)


def test_times_and_joined_lines() -> None:
    first, second = parse_srt(GOOD)
    assert first == Caption(1000 * NS_PER_MS, 2500 * NS_PER_MS, "Hello there, you.")
    assert second == Caption(60_000 * NS_PER_MS, 3_600_001 * NS_PER_MS, "Bye")


@pytest.mark.parametrize(
    "variant",
    [
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace(",000", ".000").replace(",500", ".500").replace(",001", ".001"),
        "\n\n" + GOOD.replace("1\n00", "00", 1),
        GOOD.replace("Hello there,", "<i>{\\an8}Hello</i>  there,"),
        GOOD.replace("00:00:02,500", "00:00:02,500  X1:1 X2:2"),
    ],
)
def test_common_variants_read_the_same(variant: str) -> None:
    assert parse_srt(variant) == parse_srt(GOOD)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "text track"),
        ("   \n\n", "text track"),
        ("1\nhello\n", "line 2"),
        ("1\n00:00:01,000 -> 00:00:02,000\nx\n", "line 2"),
        ("1\n00:00:61,000 --> 00:00:62,000\nx\n", "line 2"),
        ("1\n00:00:02,000 --> 00:00:01,000\nx\n", "line 2"),
        ("1\n00:00:01,000 --> 00:00:02,000\n\n", "line 3"),
        ("1\n00:00:01,000 --> 00:00:02,000\n<i></i>\n", "line 3"),
        (GOOD + "\n\n3\nnot a time\nx\n", "line 12"),
        ("1\n00:00:01,000 --> 00:00:02,000\n" + "x" * 4097, "line 3"),
    ],
)
def test_malformed_files_name_the_line(text: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_srt(text)
    assert caught.value.field == field


def test_captions_are_ordered_by_their_ends() -> None:
    text = "00:00:05,000 --> 00:00:06,000\nlater\n\n00:00:00,000 --> 00:00:01,000\nsooner\n"
    assert [caption.text for caption in parse_srt(text)] == ["sooner", "later"]


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_as_invalid(text: str) -> None:
    try:
        captions = parse_srt(text)
    except InvalidInput:
        return
    assert captions and all(c.text and c.end_ns > c.start_ns for c in captions)


def test_track_speaks_at_the_end_of_each_caption(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text(GOOD, encoding="utf-8")
    track = TextTrack(path, "narrator", "en")
    items = list(track.items())
    assert [item.time_ns for item in items] == [c.end_ns for c in track.captions]
    assert items[0].value.speaker == "narrator" and items[0].value.language == "en"
    assert track.source == "file:a.srt"


def test_absent_and_binary_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"):
        TextTrack(tmp_path / "no.srt")
    (tmp_path / "b.srt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="UTF-8"):
        TextTrack(tmp_path / "b.srt")
