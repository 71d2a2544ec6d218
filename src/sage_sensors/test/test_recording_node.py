"""A recording on the lock-step host: all its streams in step, their fields, and faults."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from node_traffic import health, offsets, texts

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.audio import audio_to_array
from sage_common.ros.conversions.images import compressed_to_rgb, image_to_array
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.lockstep.host import LockstepHost
from sage_sensors.core.samples import SourceError
from sage_sensors.nodes.recording_node import RecordingNode

LAP_NS = 1_600_000_000
DELAY_NS = 500_000_000


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
    host = make_host(watched=())
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
        host = make_host()
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


def test_a_file_that_vanishes_while_it_plays_is_reported(host: LockstepHost, media: Path) -> None:
    host.add(RecordingNode, parameters={"media": str(media)})
    media.unlink()
    host.run_for(5.0)
    level, message = health(host)
    assert level == 2 and "small.mp4" in message
    assert len(host.messages("camera/info", name="front")) == 40


def test_diagnostics_tell_playing_from_synthetic(host: LockstepHost, media: Path) -> None:
    host.add(RecordingNode, parameters={"media": str(media)})
    host.run_for(3.0)
    assert health(host) == (0, "playing")
