from pathlib import Path

import numpy as np
import pytest
from encoder_inputs import tone

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.audio import AudioEncoder

BLOCK_NS = 100_000_000
START_NS = 10**18


def listen(model: OnnxModel, samples: np.ndarray, block: int = 1600) -> list[Percept]:
    encoder = AudioEncoder(model, "front")
    percepts = []
    for at in range(0, len(samples) - block + 1, block):
        stamp_ns = START_NS + (at + block) * 1_000_000_000 // 16000
        percept = encoder.push(samples[at : at + block], stamp_ns)
        if percept is not None:
            percepts.append(percept)
    assert encoder.gaps == 0
    return percepts


def test_a_percept_every_100_ms_once_the_window_is_full(audio_model: OnnxModel) -> None:
    percepts = listen(audio_model, tone(440, 3.0, 0.3))
    stamps = [percept.stamp_ns for percept in percepts]
    assert set(np.diff(stamps)) == {BLOCK_NS}
    assert stamps[-1] == START_NS + 3_000_000_000
    assert stamps[0] <= START_NS + 1_100_000_000
    for percept in percepts:
        assert percept.codes.shape == (30, 30) and int(percept.codes.max()) <= 9
        assert percept.embedding.shape == (64,)
        assert np.linalg.norm(percept.embedding) == pytest.approx(1.0, abs=1e-4)
        assert percept.modality == "audio" and percept.source == "front"


@pytest.mark.parametrize("block", [160, 333, 4000])
def test_other_block_sizes(audio_model: OnnxModel, block: int) -> None:
    percepts = listen(audio_model, tone(440, 3.0, 0.3), block)
    assert 3.0 * 16000 / max(block, 1600) * 0.55 < len(percepts) <= 21


def test_two_runs_agree_to_the_bit(models: Path) -> None:
    samples = np.random.default_rng(3).normal(0, 0.1, 32000).astype(np.float32)
    runs = [listen(OnnxModel(models / "audio_encoder.onnx"), samples) for _ in range(2)]
    for left, right in zip(*runs, strict=True):
        assert np.array_equal(left.codes, right.codes)
        assert np.array_equal(left.embedding, right.embedding)


def test_louder_sound_has_higher_codes(audio_model: OnnxModel) -> None:
    noise = np.random.default_rng(0).normal(0, 1.0, 24000).astype(np.float32)
    means = [
        listen(audio_model, (noise * 10 ** (decibels / 20)).astype(np.float32))[-1].codes.mean()
        for decibels in (-80, -60, -40, -20, -10)
    ]
    assert means == sorted(means) and means[-1] > means[0] + 4


def test_rows_are_bands_from_below(audio_model: OnnxModel) -> None:
    for hertz, rows in ((100, slice(0, 6)), (6000, slice(22, 30))):
        codes = listen(audio_model, tone(hertz, 2.0, 0.3))[-1].codes.astype(float)
        assert rows.start <= codes.mean(axis=1).argmax() < rows.stop


def test_last_column_is_the_newest(audio_model: OnnxModel) -> None:
    samples = np.concatenate((np.zeros(24000, np.float32), tone(1000, 0.3, 0.5)))
    columns = listen(audio_model, samples)[-1].codes.astype(float).max(axis=0)
    assert columns[-4:].min() > columns[:15].max()


def test_codes_are_ordered_by_decoded_energy(models: Path) -> None:
    decoder = OnnxModel(models / "audio_decoder.onnx")
    grids = np.repeat(np.arange(10, dtype=np.uint8), 900).reshape(10, 30, 30)
    energy = decoder.run(codes=grids)["log_mel"].mean(axis=(1, 2))
    assert (np.diff(energy) > 0).all()
    assert energy.tolist() == pytest.approx(decoder.card.body["code_values"], abs=0.005)


def test_embedding_separates_sounds(audio_model: OnnxModel) -> None:
    rng = np.random.default_rng(0)
    hiss = rng.normal(0, 0.1, 48000).astype(np.float32)
    hum = tone(120, 3.0, 0.3) + tone(240, 3.0, 0.1)
    first = [listen(audio_model, sound)[0].embedding for sound in (hiss, hum)]
    last = [listen(audio_model, sound)[-1].embedding for sound in (hiss, hum)]
    assert first[0] @ last[0] > 0.8 and first[1] @ last[1] > 0.8
    assert first[0] @ first[1] < 0.5


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_short_gaps_are_held_through(audio_model: OnnxModel, blocks: int) -> None:
    encoder = AudioEncoder(audio_model, "front")
    block = tone(440, 0.1, 0.3)
    stamps = [START_NS + i * BLOCK_NS for i in range(30)]
    before = [encoder.push(block, stamp) for stamp in stamps[:15]][-1]
    after = [encoder.push(block, stamp) for stamp in stamps[15 + blocks :]]
    assert all(percept is not None for percept in after), "no puzzle is lost but the gap's own"
    assert (encoder.gaps, encoder.bridged) == (0, 1)
    assert encoder.bridged_ns == blocks * BLOCK_NS
    # A steady tone stays what it was; silence in the gap would not.
    assert before is not None and after[0] is not None
    assert np.mean(np.abs(before.codes.astype(int) - after[0].codes)) < 0.25
    assert before.embedding @ after[0].embedding > 0.95


def test_silence_in_place_of_a_lost_block_would_look_like_an_event(
    audio_model: OnnxModel,
) -> None:
    tones = [tone(440, 0.1, 0.3)] * 15
    held, silent = AudioEncoder(audio_model, "front"), AudioEncoder(audio_model, "front")
    for i, block in enumerate(tones):
        steady = held.push(block, START_NS + i * BLOCK_NS)
        silent.push(block, START_NS + i * BLOCK_NS)
    silent.push(np.zeros(1600, np.float32), START_NS + 15 * BLOCK_NS)
    heard = silent.push(tones[0], START_NS + 16 * BLOCK_NS)
    kept = held.push(tones[0], START_NS + 16 * BLOCK_NS)
    assert steady is not None and heard is not None and kept is not None
    assert kept.embedding @ steady.embedding > heard.embedding @ steady.embedding


@pytest.mark.parametrize("jump", [5, -3])
def test_a_long_gap_and_a_step_back_start_the_window_anew(
    audio_model: OnnxModel, jump: int
) -> None:
    encoder = AudioEncoder(audio_model, "front")
    block = tone(440, 0.1, 0.3)
    stamps = [START_NS + i * BLOCK_NS for i in range(15)]
    results = [encoder.push(block, stamp) for stamp in stamps]
    assert results[-1] is not None
    late = stamps[-1] + jump * BLOCK_NS
    after = [encoder.push(block, late + i * BLOCK_NS) for i in range(15)]
    assert (encoder.gaps, encoder.bridged) == (1, 0)
    assert all(result is None for result in after[:9]) and after[-1] is not None


def test_sound_over_full_scale_is_taken_as_it_is(audio_model: OnnxModel) -> None:
    quiet = listen(audio_model, tone(440, 2.0, 1.0))[-1]
    loud = listen(audio_model, tone(440, 2.0, 4.0))[-1]
    assert loud.codes.mean() > quiet.codes.mean()


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0, np.float32),
        np.zeros((2, 1600), np.float32),
        np.full(1600, np.nan, np.float32),
        np.full(1600, -np.inf, np.float32),
        np.full(1600, 32767.0, np.float32),
        np.full(1600, 1e30, np.float32),
        np.zeros(1600, np.int16),
        np.zeros(200_000, np.float32),
    ],
)
def test_refuses_bad_sound(audio_model: OnnxModel, samples: np.ndarray) -> None:
    encoder = AudioEncoder(audio_model, "front")
    with pytest.raises(InvalidInput, match="samples"):
        encoder.push(samples, START_NS)
