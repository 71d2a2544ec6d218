"""The services that embed a picture or a sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from encoder_inputs import header, scene, tone
from sensor_msgs.msg import Image

from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.audio import array_to_audio
from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.lockstep.host import LockstepHost
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.core.sound_example import WINDOW, last_second, window_of
from sage_encoders.nodes.audio_encoder_node import AudioEncoderNode
from sage_encoders.nodes.language_encoder_node import LanguageEncoderNode
from sage_encoders.nodes.vision_encoder_node import VisionEncoderNode
from sage_msgs.srv import Embed, EmbedImage, EmbedSound

S = 1_000_000_000


def test_a_picture_has_the_embedding_of_the_same_frame(host: LockstepHost) -> None:
    host.add(VisionEncoderNode)
    now_ns = host.clock.now_ns()
    image = array_to_image(scene(3, 240, 424), "rgb8", header(now_ns, "front"))
    host.publish("camera/image_raw", image, name="front")
    host.run_until(now_ns + S)
    (puzzle,) = host.messages("puzzle", modality="vision")
    answer = host.call("vision/embed", EmbedImage.Request(image=image))
    assert answer.success, answer.message
    assert answer.encoder_id == puzzle.encoder_id
    np.testing.assert_array_equal(answer.embedding, puzzle.embedding)


@pytest.mark.parametrize("load", ["activate", "demand"])
def test_what_is_no_picture_is_refused_by_field(host: LockstepHost, load: str) -> None:
    before = REGISTRY.open_models
    host.add(VisionEncoderNode, parameters={"load": load})
    depth = array_to_image(np.ones((20, 20), np.float32), "32FC1", header(0, "front"))
    for image, field in ((Image(), "encoding"), (depth, "encoding = '32FC1'")):
        refused = host.call("vision/embed", EmbedImage.Request(image=image))
        assert not refused.success and field in refused.message, refused.message
        assert len(refused.embedding) == 0
    assert REGISTRY.open_models - before == (load == "activate"), (
        "nothing is loaded to be told what is wrong"
    )


def test_what_cannot_be_embedded_is_said_before_a_model_is_missed(
    host: LockstepHost, tmp_path: Path
) -> None:
    parameters = {"load": "demand", "models_dir": str(tmp_path / "none")}
    wrong = {
        "vision": (VisionEncoderNode, EmbedImage.Request(), "encoding"),
        "audio": (AudioEncoderNode, EmbedSound.Request(samples=[9.0], sample_rate=16000), "'9'"),
        "language": (LanguageEncoderNode, Embed.Request(text=" "), "text = ' '"),
    }
    for modality, (node_type, request, field) in wrong.items():
        host.add(node_type, parameters=parameters)
        refused = host.call(f"{modality}/embed", request)
        assert not refused.success and field in refused.message, refused.message


def test_a_model_on_demand_is_loaded_for_the_request(host: LockstepHost) -> None:
    host.add(VisionEncoderNode, parameters={"load": "demand", "idle_unload_s": 1.0})
    host.run_for(5.0)
    image = array_to_image(scene(3), "rgb8", header(0, "front"))
    assert host.call("vision/embed", EmbedImage.Request(image=image)).success


def test_a_model_that_is_missing_is_said(host: LockstepHost, tmp_path: Path) -> None:
    parameters = {"load": "demand", "models_dir": str(tmp_path / "none")}
    host.add(AudioEncoderNode, parameters=parameters)
    sound = EmbedSound.Request(samples=[0.1] * 100, sample_rate=16000)
    refused = host.call("audio/embed", sound)
    assert not refused.success
    assert refused.message.startswith("audio_encoder cannot load its model: ")
    assert "no such folder of models" in refused.message


@pytest.mark.parametrize("rate_hz", [16000, 44100, 48000])
def test_a_second_is_near_what_was_heard_live(host: LockstepHost, rate_hz: int) -> None:
    host.add(AudioEncoderNode)
    start_ns = host.clock.now_ns()
    samples = tone(440, 3.0, 0.3)
    for index in range(30):
        block = samples[index * 1600 : (index + 1) * 1600]
        stamp = header(start_ns + (index + 1) * S // 10, "m")
        host.publish("microphone/audio", array_to_audio(block, stamp), name="front")
    host.run_until(start_ns + 3 * S)
    live = host.messages("puzzle", modality="audio")[-1]
    times = np.arange(round(rate_hz * 1.0)) / rate_hz
    sound = (0.3 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)
    answer = host.call("audio/embed", EmbedSound.Request(samples=sound, sample_rate=rate_hz))
    assert answer.success, answer.message
    assert answer.encoder_id == live.encoder_id
    similarity = float(np.dot(answer.embedding, live.embedding))
    other = host.call(
        "audio/embed", EmbedSound.Request(samples=sound * 0.01 * times, sample_rate=rate_hz)
    )
    assert similarity > float(np.dot(other.embedding, live.embedding))
    assert similarity > 0.9


def test_what_is_no_sound_is_refused_by_field(host: LockstepHost) -> None:
    host.add(AudioEncoderNode)
    for samples, rate_hz, field in (
        ([], 16000, "samples = 'shape (0,)'"),
        ([float("nan")], 16000, "samples = 'NaN or infinite'"),
        ([100.0] * 10, 16000, "samples = '100'"),
        ([0.1], 0, "sample_rate = 0: expected 1000 to 384000 Hz"),
    ):
        refused = host.call("audio/embed", EmbedSound.Request(samples=samples, sample_rate=rate_hz))
        assert not refused.success and field in refused.message, refused.message


def test_resampling_keeps_the_tone_and_cuts_what_the_rate_cannot_hold() -> None:
    times = np.arange(48000) / 48000
    low, high = (np.sin(2 * np.pi * f * times).astype(np.float32) for f in (440, 12000))
    kept = last_second(low + high, 48000)
    expected = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert len(kept) == 16000
    assert np.abs(kept[100:-100] - expected[100:-100]).max() < 0.02
    assert len(last_second(np.zeros(200_000, np.float32), 16000)) == WINDOW
    with pytest.raises(InvalidInput, match="sample_rate = 500"):
        last_second(low, 500)


def test_a_short_sound_comes_after_silence() -> None:
    window = window_of(np.full(4000, 0.5, np.float32))
    assert window.shape == (60, 100)
    assert (window[:, :70] == -100.0).all()
    assert window_of(np.full(10, 0.5, np.float32)).shape == (60, 100)
    second = window_of(np.random.default_rng(0).normal(size=16000).astype(np.float32))
    np.testing.assert_array_equal(second[:, 0], second[:, 5])
    assert second.min() > -100.0
