"""The nodes on the lock-step host."""

import array
from pathlib import Path

import numpy as np
import pytest
from encoder_inputs import header, imu, joints, scene, tone, utterance
from sensor_msgs.msg import Image

from sage_common.ros.conversions.audio import array_to_audio, audio_info
from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.lockstep.host import LockstepHost
from sage_encoders.core.body_layout import TORSO, decode_body
from sage_encoders.core.card import ModelError
from sage_encoders.nodes.audio_encoder_node import AudioEncoderNode
from sage_encoders.nodes.language_encoder_node import LanguageEncoderNode
from sage_encoders.nodes.proprioception_encoder_node import ProprioceptionEncoderNode
from sage_encoders.nodes.vision_encoder_node import VisionEncoderNode
from sage_msgs.srv import Embed

S = 1_000_000_000


def warnings(host: LockstepHost) -> list[str]:
    return [line.text for line in host.logs if line.level == "warning"]


def check(messages: list, modality: str, source: str, width: int) -> None:
    for message in messages:
        assert message.valid and message.modality == modality and message.source == source
        assert len(message.codes) == 900 and int(np.max(message.codes)) <= 9
        assert len(message.embedding) == width
        assert np.linalg.norm(message.embedding) == pytest.approx(1.0, abs=1e-4)
        assert "@" in message.encoder_id and message.encode_ms >= 0.0


def test_vision_keeps_stamp_and_frame(host: LockstepHost) -> None:
    host.add(VisionEncoderNode, parameters={"camera": "left"})
    now_ns = host.clock.now_ns()
    stamps = [now_ns + index * 33_333_333 for index in range(5)]
    for index, stamp_ns in enumerate(stamps):
        message = array_to_image(scene(index, 240, 424), "rgb8", header(stamp_ns, "left_optical"))
        host.publish("camera/image_raw", message, name="left")
    host.run_until(now_ns + S)
    puzzles = host.messages("puzzle", modality="vision")
    check(puzzles, "vision", "left", 128)
    assert [p.header.stamp.sec * S + p.header.stamp.nanosec for p in puzzles] == stamps
    assert {p.header.frame_id for p in puzzles} == {"left_optical"}
    assert len({bytes(p.codes) for p in puzzles}) == 5


def test_vision_drops_what_is_no_picture_and_goes_on(host: LockstepHost) -> None:
    host.add(VisionEncoderNode)
    now_ns = host.clock.now_ns()
    good = array_to_image(scene(0), "rgb8", header(now_ns, "front"))
    depth = array_to_image(np.ones((20, 20), np.float32), "32FC1", header(now_ns, "front"))
    short = array_to_image(scene(0), "rgb8", header(now_ns, "front"))
    short.data = array.array("B", bytes(10))
    odd = array_to_image(scene(0), "rgb8", header(now_ns, "front"))
    odd.encoding = "purple"
    empty = Image(header=header(now_ns, "front"))
    for message in (depth, short, odd, empty, good):
        host.publish("camera/image_raw", message, name="front")
    host.run_until(now_ns + S)
    assert len(host.messages("puzzle", modality="vision")) == 1
    assert any("encoding" in text for text in warnings(host))


def test_brightness_raises_codes_of_bgr_and_grey_alike(host: LockstepHost) -> None:
    host.add(VisionEncoderNode)
    now_ns = host.clock.now_ns()
    for index, (level, encoding) in enumerate([(20, "bgr8"), (230, "bgr8"), (20, "mono8")]):
        shape = (60, 80) if encoding == "mono8" else (60, 80, 3)
        stamp = header(now_ns + index, "front")
        message = array_to_image(np.full(shape, level, np.uint8), encoding, stamp)
        host.publish("camera/image_raw", message, name="front")
    host.run_until(now_ns + S)
    dark, bright, grey = host.messages("puzzle", modality="vision")
    assert np.mean(bright.codes) > np.mean(dark.codes) + 4
    assert np.array_equal(dark.codes, grey.codes)


def test_audio_ten_puzzles_a_second(host: LockstepHost) -> None:
    host.add(AudioEncoderNode)
    start_ns = host.clock.now_ns()
    samples = tone(440, 3.0, 0.3)
    for index in range(30):
        stamp = header(start_ns + (index + 1) * S // 10, "microphone_front")
        block = samples[index * 1600 : (index + 1) * 1600]
        host.publish("microphone/audio", array_to_audio(block, stamp), name="front")
    host.run_until(start_ns + 3 * S)
    puzzles = host.messages("puzzle", modality="audio")
    check(puzzles, "audio", "front", 64)
    assert len(puzzles) == 20
    assert puzzles[-1].header.stamp.sec * S + puzzles[-1].header.stamp.nanosec == start_ns + 3 * S
    assert puzzles[-1].header.frame_id == "microphone_front"


def test_audio_refuses_another_rate_and_broken_samples(host: LockstepHost) -> None:
    host.add(AudioEncoderNode)
    now_ns = host.clock.now_ns()
    broken = array_to_audio(np.full(1600, np.nan, np.float32), header(now_ns, "m"))
    host.publish("microphone/audio", broken, name="front")
    host.run_for(2.0)
    assert any("NaN" in text for text in warnings(host))
    host.publish("microphone/info", audio_info(44100), name="front")
    host.run_for(0.1)
    good = array_to_audio(np.zeros(1600, np.float32), header(host.clock.now_ns(), "m"))
    host.publish("microphone/audio", good, name="front")
    host.run_for(0.1)
    assert any("sample_rate = 44100" in text for text in warnings(host))
    assert not host.messages("puzzle", modality="audio")


def test_language_percepts_and_service(host: LockstepHost) -> None:
    host.add(LanguageEncoderNode)
    now_ns = host.clock.now_ns()
    host.publish("text", utterance(now_ns, "there is a bicycle", "anna"))
    host.publish("text", utterance(now_ns + 1, "mind the step"))
    host.run_until(now_ns + S)
    anna, anyone = host.messages("puzzle", modality="language")
    check([anna], "language", "anna", 384)
    check([anyone], "language", "text", 384)
    assert anna.text == "there is a bicycle" and anyone.text == "mind the step"
    answer = host.call("language/embed", Embed.Request(text="a bike"))
    assert answer.success and answer.encoder_id == anna.encoder_id
    assert np.dot(answer.embedding, anna.embedding) > np.dot(answer.embedding, anyone.embedding)
    refused = host.call("language/embed", Embed.Request(text="  "))
    assert not refused.success and "text" in refused.message and len(refused.embedding) == 0


def test_several_texts_are_embedded_at_once_and_a_wrong_one_is_refused_alone(
    host: LockstepHost,
) -> None:
    host.add(LanguageEncoderNode)
    texts = ["a bike", " ", "mind the step", "\x00"]
    answer = host.call("language/embed", Embed.Request(texts=texts))
    assert answer.success and [bool(words) for words in answer.refused] == [
        False,
        True,
        False,
        True,
    ]
    assert "text = ' '" in answer.refused[1]
    found = np.array(answer.embedding).reshape(len(texts), -1)
    for place in (0, 2):
        alone = host.call("language/embed", Embed.Request(text=texts[place]))
        np.testing.assert_allclose(found[place], alone.embedding, atol=1e-6)
        assert alone.encoder_id == answer.encoder_id
    assert not found[1].any() and not found[3].any()
    too_many = host.call("language/embed", Embed.Request(texts=["a"] * 65))
    assert not too_many.success and "texts = '65 texts': expected at most 64" in too_many.message


def test_what_a_plugin_read_says_that_it_was_read(host: LockstepHost) -> None:
    host.add(LanguageEncoderNode)
    now_ns = host.clock.now_ns()
    for place, frame in enumerate(("read", "elsewhere", "read", "listen")):
        message = utterance(now_ns + place, "EXIT 12", "anna" if place == 2 else "")
        message.header.frame_id = frame
        host.publish("text", message)
    host.run_until(now_ns + S)
    sources = [message.source for message in host.messages("puzzle", modality="language")]
    assert sources == ["read", "text", "anna", "listen"]


def test_language_drops_empty_text(host: LockstepHost) -> None:
    host.add(LanguageEncoderNode)
    host.publish("text", utterance(host.clock.now_ns(), "  "))
    host.run_for(0.5)
    assert not host.messages("puzzle", modality="language")
    assert any("text" in text for text in warnings(host))


def test_proprioception_at_twenty_a_second_from_imu_and_joints(host: LockstepHost) -> None:
    host.add(ProprioceptionEncoderNode)
    start_ns = host.clock.now_ns()
    for index in range(200):
        host.publish("imu/data", imu(start_ns + index * S // 100, 0.5), name="body")
    for index in range(20):
        host.publish("joint_states", joints(start_ns + index * S // 10, left_knee=0.4, neck=-0.2))
    host.run_until(start_ns + 3 * S)
    puzzles = host.messages("puzzle", modality="proprioception")
    check(puzzles, "proprioception", "body", len(puzzles[0].embedding))
    assert 39 <= len(puzzles) <= 41, "and none once the samples end"
    newest = puzzles[-1]
    assert newest.header.frame_id == "imu_body"
    newest_ns = newest.header.stamp.sec * S + newest.header.stamp.nanosec
    assert newest_ns == start_ns + 199 * S // 100
    now = decode_body(np.asarray(newest.codes, np.uint8).reshape(30, 30))[1]
    assert now[TORSO, 5] == pytest.approx(0.5, abs=0.15)
    assert now[3, 0] == pytest.approx(0.4, abs=0.08)


def test_proprioception_drops_bad_samples(host: LockstepHost) -> None:
    host.add(ProprioceptionEncoderNode)
    now_ns = host.clock.now_ns()
    host.publish("imu/data", imu(now_ns, float("nan")), name="body")
    host.run_for(0.2)
    assert not host.messages("puzzle", modality="proprioception")
    assert any("angular_velocity" in text for text in warnings(host))
    host.publish("imu/data", imu(host.clock.now_ns()), name="body")
    host.run_for(0.2)
    assert len(host.messages("puzzle", modality="proprioception")) == 1


@pytest.mark.parametrize("node_type", [VisionEncoderNode, AudioEncoderNode, LanguageEncoderNode])
def test_without_its_model_a_node_says_so_and_stays_inactive(
    node_type: type, host: LockstepHost, tmp_path: Path
) -> None:
    node = host.add(node_type, parameters={"models_dir": str(tmp_path)}, activate=False)
    with pytest.raises(ModelError, match=str(tmp_path)):
        node.activate()
    assert not node.active


def test_a_node_can_be_deactivated_and_activated_again(host: LockstepHost) -> None:
    node = host.add(VisionEncoderNode)
    for expected in (1, 1, 2):
        if expected == 1 and host.messages("puzzle", modality="vision"):
            node.deactivate()
        elif expected == 2:
            node.activate()
        stamp = header(host.clock.now_ns(), "front")
        host.publish("camera/image_raw", array_to_image(scene(0), "rgb8", stamp), name="front")
        host.run_for(0.1)
        assert len(host.messages("puzzle", modality="vision")) == expected


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    digests = []
    for run in range(2):
        host = LockstepHost(home=tmp_path / str(run))
        for node_type in (VisionEncoderNode, AudioEncoderNode, ProprioceptionEncoderNode):
            host.add(node_type)
        start_ns = host.clock.now_ns()
        noise = np.random.default_rng(0).normal(0, 0.1, 32000).astype(np.float32)
        for index in range(20):
            stamp = header(start_ns + (index + 1) * S // 10, "x")
            picture = array_to_image(scene(index % 3), "rgb8", stamp)
            host.publish("camera/image_raw", picture, name="front")
            block = noise[index * 1600 : (index + 1) * 1600]
            host.publish("microphone/audio", array_to_audio(block, stamp), name="front")
            host.publish("imu/data", imu(start_ns + (index + 1) * S // 10), name="body")
        host.run_until(start_ns + 3 * S)
        digests.append(host.digest())
        host.close()
    assert digests[0] == digests[1]
