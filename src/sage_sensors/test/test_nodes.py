"""Each node on the lock-step host: topics, stamps, fields, sync, faults."""

from __future__ import annotations

import array
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from audio_common_msgs.msg import AudioDataStamped
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Imu
from std_msgs.msg import Header

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.ros.audio import array_to_audio, audio_to_array
from sage_common.ros.images import array_to_image, compressed_to_rgb, image_to_array
from sage_common.ros.lockstep import LockstepHost
from sage_common.ros.stamps import stamp_ns, to_stamp
from sage_sensors.core.samples import SourceError
from sage_sensors.core.synthetic_scene import SyntheticScene
from sage_sensors.nodes.camera_node import CameraNode
from sage_sensors.nodes.imu_node import ImuNode
from sage_sensors.nodes.microphone_node import MicrophoneNode
from sage_sensors.nodes.recording_node import RecordingNode
from sage_sensors.nodes.text_node import TextNode

PICTURES = ("camera/image_raw", "camera/compressed")
LAP_NS = 1_600_000_000
DELAY_NS = 500_000_000


@pytest.fixture
def make_host(tmp_path: Path) -> Iterator[Callable[..., LockstepHost]]:
    hosts: list[LockstepHost] = []

    def make(**settings: Any) -> LockstepHost:
        hosts.append(LockstepHost(home=tmp_path, **settings))
        return hosts[-1]

    yield make
    for host in hosts:
        host.close()


@pytest.fixture
def host(make_host: Callable[..., LockstepHost]) -> LockstepHost:
    return make_host(watched=PICTURES)


def offsets(messages: list[Any], start_ns: int) -> list[int]:
    return [stamp_ns(message.header.stamp) - start_ns for message in messages]


def texts(host: LockstepHost, level: str) -> str:
    return "\n".join(line.text for line in host.logs if line.level == level)


def publish_foreign(host: LockstepHost, topic: str, type_name: str, message: Any) -> None:
    now_ns = host.clock.now_ns()
    host.publish_serialized(now_ns, topic, type_name, serialize_message(message))


# -- recording -------------------------------------------------------------------------------


def recording(media: Path, imu_csv: Path, text_track: Path, **more: Any) -> dict[str, Any]:
    paths = {"media": str(media), "imu_csv": str(imu_csv), "text_track": str(text_track)}
    return {**paths, **more}


def test_a_recording_plays_all_streams_in_step_and_loops_without_a_gap(
    host: LockstepHost, media: Path, imu_csv: Path, text_track: Path
) -> None:
    start_ns = host.clock.now_ns() + DELAY_NS
    host.add(RecordingNode, parameters=recording(media, imu_csv, text_track))
    host.run_for((DELAY_NS + 2 * LAP_NS) / NS_PER_S - 0.001)
    frame_ns, laps = NS_PER_S // 25, (0, LAP_NS)
    info = offsets(host.messages("camera/info", name="front"), start_ns)
    assert info == [n * frame_ns for n in range(80)]
    imu = offsets(host.messages("imu/data", name="body"), start_ns)
    assert imu == [n * 20_000_000 for n in range(160)]
    sound = offsets(host.messages("microphone/audio", name="front"), start_ns)
    chunks = sum(offset < LAP_NS for offset in sound)
    assert chunks in (15, 16)
    expected = [lap + (n + 1) * 100_000_000 - 62_500 for lap in laps for n in range(chunks)]
    assert sound == [offset for offset in expected if offset < 2 * LAP_NS - 1_000_000]
    text = host.messages("text")
    assert offsets(text, start_ns) == [
        lap + end for lap in laps for end in (400_000_000, 1_200_000_000)
    ]
    assert [message.text for message in text] == ["first words", "second words"] * 2
    assert {message.language for message in text} == {"en"}


def test_messages_are_published_within_a_tick_of_their_stamps(
    host: LockstepHost, media: Path, imu_csv: Path, text_track: Path
) -> None:
    host.add(RecordingNode, parameters=recording(media, imu_csv, text_track))
    host.run_for(2.0)
    late = [
        output.time_ns - stamp_ns(output.message().header.stamp)
        for output in host.outputs
        if output.topic.endswith(("camera_info", "imu/body/data", "audio"))
    ]
    assert len(late) > 100
    assert min(late) >= 0 and max(late) < 2_000_000


def test_frames_and_sound_carry_their_content_and_frames_of_reference(
    host: LockstepHost, media: Path, imu_csv: Path, text_track: Path
) -> None:
    host.add(RecordingNode, parameters=recording(media, imu_csv, text_track))
    host.run_for(1.5)
    raw = host.messages("camera/image_raw", name="front")
    small = host.messages("camera/compressed", name="front")
    info = host.messages("camera/info", name="front")
    assert len(raw) == len(small) == len(info) > 20
    assert raw[10].header == small[10].header == info[10].header
    assert raw[10].header.frame_id == "camera_front_optical_frame"
    assert (info[0].width, info[0].height, info[0].k[0]) == (64, 48, 0.0)
    pixels = image_to_array(raw[10])
    assert pixels.shape == (48, 64, 3) and pixels.mean() == pytest.approx(50, abs=6)
    assert compressed_to_rgb(small[10]).mean() == pytest.approx(pixels.mean(), abs=3)
    audio = host.messages("microphone/audio", name="front")
    assert audio[0].header.frame_id == "microphone_front"
    assert audio_to_array(audio[5]).std() == pytest.approx(0.5 / np.sqrt(2), rel=0.1)
    description = host.messages("microphone/info", name="front")
    assert [(i.sample_rate, i.channels, i.sample_format) for i in description] == [
        (16000, 1, "F32LE")
    ]


def test_imu_messages_state_what_is_known(
    host: LockstepHost, media: Path, imu_csv: Path, text_track: Path
) -> None:
    host.add(RecordingNode, parameters=recording(media, imu_csv, text_track))
    host.run_for(6.0)
    messages = host.messages("imu/data", name="body")
    first, last = messages[0], messages[-1]
    assert first.header.frame_id == "imu_link"
    rates = first.angular_velocity
    assert (rates.x, rates.y, rates.z) == pytest.approx((-0.3, 0.1, -0.2))
    assert first.linear_acceleration.z == pytest.approx(9.8)
    assert first.orientation_covariance[0] == -1.0
    assert not np.any(first.angular_velocity_covariance)
    assert last.orientation_covariance[0] > 0.0
    turn = last.orientation
    assert np.linalg.norm([turn.w, turn.x, turn.y, turn.z]) == pytest.approx(1.0, abs=1e-3)


def test_pictures_are_published_only_while_somebody_subscribes(
    make_host: Callable[..., LockstepHost], media: Path
) -> None:
    host = make_host()
    host.add(RecordingNode, parameters={"media": str(media)})
    host.run_for(1.5)
    assert len(host.messages("camera/info", name="front")) == 26
    assert host.messages("camera/image_raw", name="front") == []
    assert host.messages("camera/compressed", name="front") == []


def test_without_loop_it_plays_once_and_says_that_it_has_ended(
    host: LockstepHost, media: Path
) -> None:
    host.add(RecordingNode, parameters={"media": str(media), "loop": False})
    host.run_for(5.0)
    assert len(host.messages("camera/info", name="front")) == 40
    assert "the recording has ended" in texts(host, "info")


def test_twice_the_rate_plays_in_half_the_time(host: LockstepHost, media: Path) -> None:
    start_ns = host.clock.now_ns() + DELAY_NS
    host.add(RecordingNode, parameters={"media": str(media), "rate": 2.0, "loop": False})
    host.run_for(2.0)
    info = offsets(host.messages("camera/info", name="front"), start_ns)
    assert info == [n * NS_PER_S // 50 for n in range(40)]


def test_absent_streams_are_said_to_be_absent(host: LockstepHost, media: Path) -> None:
    host.add(RecordingNode, parameters={"media": str(media)})
    host.run_for(2.0)
    assert "imu absent, text absent" in texts(host, "warning")
    assert host.messages("imu/data", name="body") == []
    status = [o for o in host.outputs if o.topic == "/diagnostics"][-1].message().status[0]
    values = {item.key: item.value for item in status.values}
    assert values["camera backend"] == "file:small.mp4"
    assert values["imu backend"] == "absent"
    assert float(values["camera rate_hz"]) == pytest.approx(25.0)


def test_files_that_cannot_be_played_keep_the_node_inactive(
    host: LockstepHost, tmp_path: Path, media: Path
) -> None:
    with pytest.raises(SourceError, match=r"none\.mp4"):
        host.add(RecordingNode, parameters={"media": str(tmp_path / "none.mp4")})
    broken = tmp_path / "broken.csv"
    broken.write_text("t_s\n0\n1\n")
    with pytest.raises(InvalidInput, match="header"):
        host.add(RecordingNode, parameters={"media": str(media), "imu_csv": str(broken)})
    with pytest.raises(InvalidInput, match="media"):
        host.add(RecordingNode, parameters={"imu_csv": str(broken)})


def test_two_runs_are_identical(
    make_host: Callable[..., LockstepHost], media: Path, imu_csv: Path, text_track: Path
) -> None:
    digests = []
    for _ in range(2):
        host = make_host(watched=PICTURES)
        host.add(RecordingNode, parameters=recording(media, imu_csv, text_track))
        host.run_for(4.0)
        digests.append(host.digest())
    assert digests[0] == digests[1]


def test_playing_again_after_a_pause_starts_from_the_beginning(
    host: LockstepHost, media: Path, imu_csv: Path, text_track: Path
) -> None:
    node = host.add(RecordingNode, parameters=recording(media, imu_csv, text_track))
    host.run_for(1.0)
    node.deactivate()
    before = len(host.messages("camera/info", name="front"))
    host.run_for(3.0)
    assert len(host.messages("camera/info", name="front")) == before
    start_ns = host.clock.now_ns() + DELAY_NS
    node.activate()
    host.run_for(1.0)
    again = host.messages("camera/info", name="front")[before:]
    assert offsets(again, start_ns)[:3] == [0, 40_000_000, 80_000_000]


def test_the_recorded_walk_plays_every_frame(recorded_data: Path, host: LockstepHost) -> None:
    host.add(RecordingNode, parameters={"data_dir": str(recorded_data), "width_px": 106})
    host.run_for(0.5 + 10.51)
    assert len(host.messages("camera/info", name="front")) == 315
    assert len(host.messages("microphone/audio", name="front")) == 105
    assert len(host.messages("text")) == 6
    assert texts(host, "warning") == ""


# -- camera ----------------------------------------------------------------------------------


def test_a_synthetic_camera_shows_the_scene_at_exact_times(host: LockstepHost) -> None:
    start_ns = host.clock.now_ns()
    parameters = {"backend": "synthetic", "name": "left", "width_px": 64, "height_px": 48}
    host.add(CameraNode, parameters={**parameters, "seed": 3})
    host.run_for(1.02)
    raw = host.messages("camera/image_raw", name="left")
    assert offsets(raw, start_ns) == [round(n * NS_PER_S / 30) for n in range(31)]
    expected = SyntheticScene(64, 48, 30.0, 3).render(offsets(raw, start_ns)[17])
    np.testing.assert_array_equal(image_to_array(raw[17]), expected)
    assert raw[0].header.frame_id == "camera_left_optical_frame"
    assert texts(host, "warning") == ""


def test_a_video_file_plays_as_a_camera(host: LockstepHost, media: Path) -> None:
    host.add(CameraNode, parameters={"backend": "file", "path": str(media), "loop": False})
    host.run_for(3.0)
    assert len(host.messages("camera/image_raw", name="front")) == 40


@pytest.mark.parametrize("compressed", [False, True])
def test_images_of_another_node_pass_with_their_stamp_and_frame(
    host: LockstepHost, compressed: bool
) -> None:
    topic = "/robot/image/compressed" if compressed else "/robot/image"
    host.add(CameraNode, parameters={"backend": "topic", "topic": topic})
    header = Header(stamp=to_stamp(host.clock.now_ns() - 5_000_000), frame_id="eye")
    pixels = np.full((8, 10, 3), 77, np.uint8)
    if compressed:
        data = array.array("B", cv2.imencode(".png", pixels)[1].tobytes())
        good: Any = CompressedImage(header=header, format="png", data=data)
        bad: Any = CompressedImage(header=header, format="png", data=array.array("B", b"junk"))
        type_name = "sensor_msgs/msg/CompressedImage"
    else:
        good = array_to_image(pixels, "bgr8", header)
        bad = array_to_image(pixels, "bgr8", header)
        bad.encoding = "nonsense"
        type_name = "sensor_msgs/msg/Image"
    publish_foreign(host, topic, type_name, bad)
    publish_foreign(host, topic, type_name, good)
    host.run_for(0.1)
    raw = host.messages("camera/image_raw", name="front")
    assert len(raw) == 1
    assert raw[0].header == header and raw[0].encoding == "rgb8"
    assert (image_to_array(raw[0]) == 77).all()
    assert "dropped a message" in texts(host, "warning")


def test_wrong_camera_parameters_are_refused(host: LockstepHost) -> None:
    with pytest.raises(InvalidInput, match="backend"):
        host.add(CameraNode, parameters={"backend": "no such"})
    with pytest.raises(InvalidInput, match="topic"):
        host.add(CameraNode, parameters={"backend": "topic"})
    with pytest.raises(InvalidInput, match="path"):
        host.add(CameraNode, parameters={"backend": "file"})


# -- microphone ------------------------------------------------------------------------------


def test_a_sound_file_and_a_synthetic_sound_play_as_microphones(
    host: LockstepHost, media: Path
) -> None:
    start_ns = host.clock.now_ns()
    host.add(MicrophoneNode, parameters={"backend": "file", "path": str(media)})
    host.add(MicrophoneNode, "other", parameters={"backend": "synthetic", "name": "rear"})
    host.run_for(1.0)
    for name in ("front", "rear"):
        audio = host.messages("microphone/audio", name=name)
        assert offsets(audio, start_ns)[:9] == [(n + 1) * 10**8 - 62_500 for n in range(9)]
        assert len(audio_to_array(audio[0])) == 1600


def test_audio_of_another_node_is_converted_to_16_khz_mono_chunks(host: LockstepHost) -> None:
    parameters = {"backend": "topic", "topic": "/robot/audio", "topic_sample_rate_hz": 48000}
    host.add(
        MicrophoneNode,
        parameters={**parameters, "topic_sample_format": "S16LE", "topic_channels": 2},
    )
    times = np.arange(48000) / 48000
    tone = np.repeat((8000 * np.sin(2 * np.pi * 440 * times)).astype("<i2"), 2)
    start_ns = host.clock.now_ns()
    for number in range(20):
        host.run_until(start_ns + (number + 1) * 50_000_000)
        message = AudioDataStamped(header=Header(stamp=to_stamp(host.clock.now_ns())))
        block = tone[number * 4800 : (number + 1) * 4800]
        message.audio.data = array.array("B", block.tobytes())
        publish_foreign(host, "/robot/audio", "audio_common_msgs/msg/AudioDataStamped", message)
    host.run_for(0.1)
    audio = host.messages("microphone/audio", name="front")
    assert len(audio) in (9, 10)
    middle = audio_to_array(audio[4])
    assert len(middle) == 1600
    assert np.abs(np.fft.rfft(middle)).argmax() * 10 == 440


def test_damaged_audio_is_dropped_and_the_rest_goes_on(host: LockstepHost) -> None:
    host.add(MicrophoneNode, parameters={"backend": "topic", "topic": "/robot/audio"})
    header = Header(stamp=to_stamp(host.clock.now_ns()))
    bad = AudioDataStamped(header=header)
    bad.audio.data = array.array("B", b"abc")
    good = array_to_audio(np.zeros(1600, np.float32), header)
    for message in (bad, array_to_audio(np.full(1600, np.nan, np.float32), header), good):
        publish_foreign(host, "/robot/audio", "audio_common_msgs/msg/AudioDataStamped", message)
    host.run_for(0.1)
    assert len(host.messages("microphone/audio", name="front")) == 1
    assert "audio.data" in texts(host, "warning")


# -- imu -------------------------------------------------------------------------------------


def test_a_csv_file_and_a_synthetic_walk_play_as_imus(host: LockstepHost, imu_csv: Path) -> None:
    start_ns = host.clock.now_ns()
    host.add(ImuNode, parameters={"backend": "file", "path": str(imu_csv)})
    noise = {"gyro_std_rad_s": 0.1, "accel_std_m_s2": 0.2}
    host.add(ImuNode, "other", parameters={"backend": "synthetic", "name": "hand", **noise})
    host.run_for(1.005)
    assert len(host.messages("imu/data", name="body")) == 51
    walk = host.messages("imu/data", name="hand")
    assert offsets(walk, start_ns) == [n * 10_000_000 for n in range(101)]
    assert walk[0].angular_velocity_covariance[4] == pytest.approx(0.01)
    assert walk[0].linear_acceleration_covariance[8] == pytest.approx(0.04)


def test_another_nodes_imu_passes_with_its_covariances_and_gains_an_orientation(
    host: LockstepHost,
) -> None:
    host.add(ImuNode, parameters={"backend": "topic", "topic": "/robot/imu"})
    start_ns = host.clock.now_ns()
    for number in range(500):
        host.run_until(start_ns + number * 10_000_000)
        message = Imu(header=Header(stamp=to_stamp(host.clock.now_ns()), frame_id="chip"))
        message.linear_acceleration.z = 9.81
        message.angular_velocity_covariance = np.full(9, 0.5)
        message.orientation_covariance[0] = -1.0
        publish_foreign(host, "/robot/imu", "sensor_msgs/msg/Imu", message)
    host.run_for(0.1)
    passed = host.messages("imu/data", name="body")
    assert len(passed) == 500
    assert passed[0].orientation_covariance[0] == -1.0
    assert passed[-1].orientation_covariance[0] > 0.0
    assert passed[-1].orientation.w == pytest.approx(1.0, abs=1e-3)
    assert passed[-1].angular_velocity_covariance[3] == 0.5
    assert passed[-1].header.frame_id == "chip"


# -- text ------------------------------------------------------------------------------------


def test_a_text_track_is_spoken_at_the_ends_of_its_captions(
    host: LockstepHost, text_track: Path
) -> None:
    start_ns = host.clock.now_ns()
    parameters = {"backend": "file", "path": str(text_track), "speaker": "narrator"}
    host.add(TextNode, parameters=parameters)
    host.run_for(3.0)
    said = host.messages("text")
    assert offsets(said, start_ns) == [400_000_000, 1_200_000_000]
    assert {(m.speaker, m.confidence) for m in said} == {("narrator", 1.0)}


def test_typed_lines_are_spoken_and_their_end_is_not_an_error(
    host: LockstepHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"what did you see?\n\nand hear?\n")
    os.close(write_end)
    saved = os.dup(0)
    os.dup2(read_end, 0)
    try:
        host.add(TextNode, parameters={"language": "en"})
        host.run_for(2.0)
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(read_end)
    assert [m.text for m in host.messages("text")] == ["what did you see?", "and hear?"]
    assert "standard input has ended" in texts(host, "info")
    assert texts(host, "error") == ""


# -- health ----------------------------------------------------------------------------------


def health(host: LockstepHost) -> tuple[int, str]:
    """Level and message of the newest diagnostics."""
    status = [o for o in host.outputs if o.topic == "/diagnostics"][-1].message().status[0]
    return status.level[0], status.message


def test_a_file_that_vanishes_while_it_plays_is_reported(host: LockstepHost, media: Path) -> None:
    host.add(RecordingNode, parameters={"media": str(media)})
    media.unlink()
    host.run_for(5.0)
    level, message = health(host)
    assert level == 2 and "small.mp4" in message
    assert len(host.messages("camera/info", name="front")) == 40


def test_a_foreign_topic_that_falls_silent_is_stale(host: LockstepHost) -> None:
    parameters = {"backend": "topic", "topic": "/robot/image", "rate_hz": 10.0}
    host.add(CameraNode, parameters=parameters)
    start_ns = host.clock.now_ns()
    for number in range(40):
        host.run_until(start_ns + number * 100_000_000)
        header = Header(stamp=to_stamp(host.clock.now_ns()))
        picture = array_to_image(np.full((16, 16, 3), number, np.uint8), "rgb8", header)
        publish_foreign(host, "/robot/image", "sensor_msgs/msg/Image", picture)
    host.run_for(0.1)
    assert health(host)[0] == 0
    host.run_for(3.0)
    level, message = health(host)
    assert level == 1 and "stale" in message


def test_diagnostics_tell_playing_from_synthetic(host: LockstepHost, media: Path) -> None:
    host.add(RecordingNode, parameters={"media": str(media)})
    host.run_for(3.0)
    assert health(host) == (0, "playing")
