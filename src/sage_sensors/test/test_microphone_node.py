"""The microphone on the lock-step host: sound of a file, a synthesis and another node."""

from __future__ import annotations

import array
from pathlib import Path

import numpy as np
from audio_common_msgs.msg import AudioDataStamped
from node_traffic import offsets, publish_foreign, texts
from std_msgs.msg import Header

from sage_common.ros.conversions.audio import array_to_audio, audio_to_array
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.lockstep.host import LockstepHost
from sage_sensors.nodes.microphone_node import MicrophoneNode


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
