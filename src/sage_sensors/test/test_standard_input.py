"""Typed lines, split anywhere, of any bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from sage_common.core.clock import ManualClock
from sage_common.core.errors import InvalidInput
from sage_sensors.backends.standard_input import MAX_LINE_BYTES, StandardInput


@pytest.fixture
def pipe() -> Iterator[tuple[StandardInput, int]]:
    read_end, write_end = os.pipe()
    source = StandardInput(ManualClock(7), "me", "en", read_end)
    source.open()
    yield source, write_end
    os.close(read_end)


def test_each_line_is_an_utterance_and_empty_ones_are_left_out(
    pipe: tuple[StandardInput, int],
) -> None:
    source, write_end = pipe
    os.write(write_end, "hello\n\n  häl".encode())
    first = source.read()
    assert first is not None
    assert (first.time_ns, first.value.text, first.value.speaker) == (7, "hello", "me")
    assert source.read() is None
    assert source.read() is None
    os.write(write_end, b"lo \nlast")
    os.close(write_end)
    texts = [sample.value.text for sample in (source.read(), source.read()) if sample]
    assert texts == ["hällo", "last"]
    with pytest.raises(EOFError):
        source.read()


def test_bytes_that_are_no_utf8_are_replaced(pipe: tuple[StandardInput, int]) -> None:
    source, write_end = pipe
    os.write(write_end, b"a\xffb\n")
    os.close(write_end)
    sample = source.read()
    assert sample is not None and sample.value.text == "a\ufffdb"


def test_too_long_lines_are_refused_and_memory_stays_bounded(
    pipe: tuple[StandardInput, int],
) -> None:
    source, write_end = pipe
    os.write(write_end, b"x" * 5000 + b"\nok\n")
    with pytest.raises(InvalidInput, match="5000 characters"):
        source.read()
    sample = source.read()
    assert sample is not None and sample.value.text == "ok"
    os.write(write_end, b"y" * (MAX_LINE_BYTES + 10))
    with pytest.raises(InvalidInput):
        source.read()
    os.close(write_end)
