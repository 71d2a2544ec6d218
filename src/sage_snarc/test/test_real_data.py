"""Salience of real pictures and sounds, encoded by the trained encoders."""

from __future__ import annotations

import dataclasses
import io
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from sage_common.core.puzzle import Percept
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core.audio import AudioEncoder
from sage_encoders.core.vision import VisionEncoder
from sage_snarc.core.scorer import SalienceResult, Scorer

S = 10**9
RATE = 16_000
MODELS = Path(__file__).resolve().parents[3] / "models"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def vision() -> VisionEncoder:
    return VisionEncoder(OnnxModel(MODELS / "vision_encoder.onnx", provider="cpu"), resize)


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def sound(path: Path) -> np.ndarray:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(str(path)) as container:
        parts = [
            part.to_ndarray().ravel()
            for frame in container.decode(audio=0)
            for part in resampler.resample(frame)
        ]
    return np.concatenate(parts)


def seen(encoder: VisionEncoder, frames: list[np.ndarray]) -> list[Percept]:
    return [encoder.encode(f, index * S // 30, "front") for index, f in enumerate(frames)]


def heard(samples: np.ndarray) -> list[Percept]:
    model = OnnxModel(MODELS / "audio_encoder.onnx", provider="cpu")
    encoder = AudioEncoder(model, "front")
    block = RATE // 10
    percepts = [
        encoder.push(samples[start : start + block].astype(np.float32), (start + block) * S // RATE)
        for start in range(0, len(samples) - block + 1, block)
    ]
    return [item for item in percepts if item is not None]


def scored(percepts: list[Percept]) -> list[SalienceResult]:
    scorer = Scorer(percepts[0].modality)
    return [scorer.score(item) for item in percepts]


def totals(results: list[SalienceResult]) -> np.ndarray:
    return np.array([result.total for result in results])


def rarities(results: list[SalienceResult]) -> np.ndarray:
    """`-ln p`: mean 1 and deviation 1 where chances are as said."""
    return -np.log([result.p_value for result in results])


def looped(percepts: list[Percept], rate: int, length_s: float) -> list[Percept]:
    times = range(round(length_s * rate))
    return [dataclasses.replace(percepts[i % len(percepts)], stamp_ns=i * S // rate) for i in times]


@pytest.mark.parametrize("clip", ["gopro_max_walk.mp4", "kitchen_sound.mkv"])
def test_real_video_varies(data_folder: Path, vision: VisionEncoder, clip: str) -> None:
    percepts = seen(vision, pictures(data_folder / "video" / clip))
    results = scored(looped(percepts, 30, 20.0))
    assert rarities(results).std() > 0.5
    for name in ("surprise", "novelty", "arousal"):
        assert np.std([getattr(result, name) for result in results]) > 0.1, name


@pytest.mark.parametrize("clip", ["gopro_max_walk.mp4", "kitchen_sound.mkv"])
def test_real_sound_varies(data_folder: Path, clip: str) -> None:
    samples = sound(data_folder / "video" / clip)
    results = scored(heard(np.tile(samples, 2)[: 20 * RATE]))
    assert rarities(results).std() > 0.5


def test_a_frozen_and_a_noisy_camera_fall_silent(data_folder: Path, vision: VisionEncoder) -> None:
    """The walk, then its last frame 5 s frozen, then 5 s with sensor noise (sigma 5 of 255)."""
    frames = pictures(data_folder / "video" / "gopro_max_walk.mp4")
    generator = np.random.default_rng(0)
    last = frames[-1].astype(np.float64)
    noisy = [
        np.clip(last + generator.normal(0, 5, last.shape), 0, 255).astype(np.uint8)
        for _ in range(150)
    ]
    results = totals(scored(seen(vision, [*frames, *frames[-1:] * 150, *noisy])))
    frozen, noise = results[len(frames) : len(frames) + 150], results[-150:]
    assert frozen[30:].max() < 0.1
    assert np.mean(noise[30:] < 0.1) > 0.95


def test_silence_and_hiss_fall_silent() -> None:
    assert totals(scored(heard(np.zeros(10 * RATE))))[1:].max() < 0.1
    hiss = np.random.default_rng(1).normal(0, 0.01, 40 * RATE)
    assert np.mean(totals(scored(heard(hiss)))[50:] < 0.1) > 0.95


def test_labelled_sounds_in_real_noise_stand_out(data_folder: Path) -> None:
    """One-second sounds of ESC-10, fold 1, as loud as the street they are mixed into."""
    generator = np.random.default_rng(2)
    with zipfile.ZipFile(data_folder / "audio" / "noise_rir_16k_flac.zip") as archive:
        noise = soundfile.read(io.BytesIO(archive.read("noise/noise1.flac")))[0]
    mixed = np.tile(noise, 20)[: 120 * RATE]
    mixed = mixed / np.sqrt(np.mean(mixed**2)) * 0.02
    starts = np.arange(20.0, 115.0, 8.0)
    with zipfile.ZipFile(data_folder / "audio" / "esc10_folds1to4_16k_flac.zip") as archive:
        names = sorted(n for n in archive.namelist() if Path(n).name.startswith("1-"))
        for start in starts:
            name = names[int(generator.integers(len(names)))]
            clip = soundfile.read(io.BytesIO(archive.read(name)))[0][:RATE]
            level = np.sqrt(np.mean(clip**2)) + 1e-9
            mixed[int(start * RATE) : int(start * RATE) + RATE] += clip / level * 0.02
    percepts = heard(mixed)
    results = totals(scored(percepts))
    times = np.array([item.stamp_ns / S for item in percepts])
    event = np.zeros(len(times), bool)
    for start in starts:
        event |= (times > start + 0.2) & (times <= start + 2.0)
    judged = times > 15.0
    on, off = results[judged & event], results[judged & ~event]
    area = np.mean(on[:, None] > off[None]) + 0.5 * np.mean(on[:, None] == off[None])
    assert area > 0.7
    assert on.mean() > 2.0 * off.mean()
