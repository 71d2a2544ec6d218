"""Blocks of any size and rate become whole 100 ms chunks with exact stamps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sage_common.core.errors import CannotContinue
from sage_common.core.state.packing import pack
from sage_sensors.backends.resampling import Rechunker
from sage_sensors.core.samples import SAMPLE_NS

START = 10**18


@settings(max_examples=40, deadline=None)
@given(sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=30))
def test_nothing_is_lost_or_moved_whatever_the_blocks(sizes: list[int]) -> None:
    sound = np.arange(sum(sizes), dtype=np.float32)
    rechunker = Rechunker(16000)
    chunks = []
    done = 0
    for size in sizes:
        block = sound[done : done + size]
        done += size
        chunks += rechunker.push(START + (done - 1) * SAMPLE_NS, block)
    assert len(chunks) == len(sound) // 1600
    for number, chunk in enumerate(chunks):
        np.testing.assert_array_equal(
            chunk.value.samples, sound[number * 1600 : (number + 1) * 1600]
        )
        assert chunk.time_ns == START + ((number + 1) * 1600 - 1) * SAMPLE_NS


def test_other_rates_are_converted() -> None:
    rechunker = Rechunker(48000)
    times = np.arange(48000) / 48000
    tone = np.sin(2 * np.pi * 440 * times).astype(np.float32)
    chunks = []
    for number in range(10):
        last_ns = START + (number + 1) * 100_000_000
        chunks += rechunker.push(last_ns, tone[number * 4800 : (number + 1) * 4800])
    assert len(chunks) == 9 or len(chunks) == 10
    assert np.abs(np.fft.rfft(chunks[5].value.samples)).argmax() * 10 == 440
    assert chunks[5].time_ns == pytest.approx(START + 6 * 100_000_000, abs=100_000_000)


def test_sound_from_before_a_gap_is_not_joined_to_what_follows() -> None:
    rechunker = Rechunker(16000)
    assert rechunker.push(START, np.full(1000, 1.0, np.float32)) == []
    later = START + 5_000_000_000
    chunks = rechunker.push(later, np.full(1600, 2.0, np.float32))
    assert len(chunks) == 1
    assert chunks[0].time_ns == later
    assert (chunks[0].value.samples == 2.0).all()


def test_sound_that_waits_for_its_chunk_is_written_down():
    sound = np.sin(np.arange(16000) / 9.0).astype(np.float32)
    blocks = [(int((i + 1) * 70e6), sound[i * 1120 : (i + 1) * 1120]) for i in range(12)]
    whole, first, second = Rechunker(16000), Rechunker(16000), Rechunker(16000)
    expected = [chunk for block in blocks for chunk in whole.push(*block)]
    found = [chunk for block in blocks[:5] for chunk in first.push(*block)]
    second.restore(first.state())
    found += [chunk for block in blocks[5:] for chunk in second.push(*block)]
    assert [chunk.time_ns for chunk in found] == [chunk.time_ns for chunk in expected]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.value.samples, other.value.samples)


def test_what_a_resampler_holds_cannot_be_written_down():
    rechunker = Rechunker(44100)
    rechunker.push(100_000_000, np.zeros(4410, np.float32))
    with pytest.raises(CannotContinue, match="44100 Hz"):
        pack(rechunker)
