import numpy as np
import pytest
from encoder_inputs import tone
from hypothesis import given, settings
from hypothesis import strategies as st

from sage_encoders.core.log_mel import (
    BANDS,
    FLOOR_DB,
    FRAMES,
    HOP,
    N_FFT,
    LogMelStream,
    frames_db,
    mel_filters,
    normalise,
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=12), st.integers(0, 2**32 - 1))
def test_pieces_give_the_same_window_as_the_whole(sizes: list[int], seed: int) -> None:
    samples = np.random.default_rng(seed).normal(0, 0.1, sum(sizes)).astype(np.float32)
    stream = LogMelStream()
    made = sum(
        stream.push(piece) for piece in np.split(samples, np.cumsum(sizes)[:-1]) if len(piece)
    )
    if len(samples) < N_FFT:
        assert made == 0
        return
    whole = frames_db(samples)
    assert made == whole.shape[1]
    newest = min(made, FRAMES)
    np.testing.assert_allclose(stream.window()[:, -newest:], whole[:, -newest:], atol=1e-3)
    assert stream.full == (made >= FRAMES)


@pytest.fixture
def transformed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many frames each Fourier transform from now on gets."""
    counts: list[int] = []
    real = np.fft.rfft

    def counted(frames: np.ndarray, axis: int) -> np.ndarray:
        counts.append(len(frames))
        return real(frames, axis=axis)

    monkeypatch.setattr(np.fft, "rfft", counted)
    return counts


@pytest.mark.parametrize("hops", [1, 2, 10])
def test_a_hop_costs_a_hop(transformed: list[int], hops: int) -> None:
    stream = LogMelStream()
    stream.push(np.zeros(N_FFT + FRAMES * HOP, np.float32))
    transformed.clear()
    for _ in range(30):
        stream.push(np.zeros(hops * HOP, np.float32))
        stream.window()
    assert transformed == [hops] * 30


def test_no_frame_is_computed_twice(transformed: list[int]) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 40_000).astype(np.float32)
    stream = LogMelStream()
    for piece in np.split(samples, [100, 1000, 1001, 7000, 30_000]):
        stream.push(piece)
    assert sum(transformed) == 1 + (len(samples) - N_FFT) // HOP


@pytest.mark.parametrize("missing", [1, 160, 1600, 4321])
def test_a_bridge_keeps_the_window_full_and_in_time(missing: int) -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, 60_000).astype(np.float32)
    lost = slice(20_000, 20_000 + missing)
    whole = LogMelStream()
    whole.push(samples)
    stream = LogMelStream()
    stream.push(samples[: lost.start])
    last = stream.window()[:, -1]
    stream.bridge(missing)
    assert stream.full
    stream.push(samples[lost.stop : lost.stop + 5000])
    held = [np.array_equal(column, last) for column in stream.window().T]
    stream.push(samples[lost.stop + 5000 :])
    # Once what was held has left the window, nothing tells that it was there.
    np.testing.assert_allclose(stream.window(), whole.window(), atol=1e-3)
    # Held are the frames that touch what is missing, beside the one that they repeat.
    assert missing // HOP <= sum(held) - 1 <= -(-(N_FFT + missing) // HOP)


def test_a_bridge_twice_in_a_row_and_before_any_sound() -> None:
    stream = LogMelStream()
    stream.bridge(1000)
    assert not stream.full
    samples = np.random.default_rng(0).normal(0, 0.1, 60_000).astype(np.float32)
    whole = LogMelStream()
    whole.push(samples)
    stream = LogMelStream()
    stream.push(samples[:20_000])
    stream.bridge(1)
    stream.push(samples[20_001:20_003])
    stream.bridge(30)
    stream.push(samples[20_033:])
    np.testing.assert_allclose(stream.window(), whole.window(), atol=1e-3)


@pytest.mark.parametrize("hertz", [60, 150, 440, 1000, 3000, 7000])
def test_full_scale_tone_peaks_near_zero_decibels_in_its_band(hertz: float) -> None:
    mean = frames_db(tone(hertz, 1.0, 1.0)).mean(axis=1)
    assert -4 < mean.max() < 3
    peaks = mel_filters().argmax(axis=1) * (16000 / N_FFT)
    assert abs(mean.argmax() - np.argmin(abs(peaks - hertz))) <= 1


def test_row_zero_is_the_lowest_band() -> None:
    rows = [
        int(frames_db(tone(hertz, 0.5, 1.0)).mean(axis=1).argmax()) for hertz in (80, 800, 6000)
    ]
    assert rows == sorted(rows) and rows[0] < 3 and rows[-1] > 45


def test_every_band_hears_something() -> None:
    filters = mel_filters()
    assert filters.shape == (BANDS, N_FFT // 2 + 1)
    assert (filters.max(axis=1) > 0.3).all()


def test_silence_is_the_floor_and_normalises_low() -> None:
    window = frames_db(np.zeros(N_FFT + (FRAMES - 1) * HOP, np.float32))
    assert np.allclose(window, FLOOR_DB)
    assert np.allclose(normalise(window), -1.0)


@given(st.floats(-20, 20))
@settings(max_examples=20, deadline=None)
def test_normalisation_keeps_loudness(gain_db: float) -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.02, N_FFT + (FRAMES - 1) * HOP).astype(np.float32)
    loud = (noise * 10 ** (gain_db / 20)).astype(np.float32)
    change = normalise(frames_db(loud)) - normalise(frames_db(noise))
    np.testing.assert_allclose(change, gain_db / 35, atol=0.01)


def test_reset_forgets() -> None:
    stream = LogMelStream()
    stream.push(tone(440, 2.0, 1.0))
    assert stream.full
    stream.reset()
    assert not stream.full
    stream.push(np.zeros(1600, np.float32))
    assert not stream.full
