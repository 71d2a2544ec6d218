"""The memory node on the lock-step host."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import cv2
import node_inputs as inputs
import numpy as np
import pytest
import soundfile
from mcap.reader import make_reader
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Temperature
from stored_rows import rows

from sage_common.core.errors import InvalidInput
from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_memory import Memory, Query, StoreLocked
from sage_memory.backends.payload_decoding import sound
from sage_memory.nodes.memory_node import MemoryNode
from sage_msgs.msg import ResourcePressure
from sage_msgs.srv import Checkpoint, Recall, StoreExperience

T0 = DEFAULT_START_NS
S = 1_000_000_000
FRAME = S // 30


def start(home: Path, **parameters) -> LockstepHost:
    host = LockstepHost(home=home)
    host.add(MemoryNode, parameters={"device_id": "robot", **parameters})
    return host


def see(host: LockstepHost, totals, first: int = 0, modality: str = "vision") -> None:
    """Frames with their puzzles and saliences, 30 a second."""
    for index, total in enumerate(totals, start=first):
        stamp = T0 + index * FRAME
        if modality == "vision":
            host.publish("camera/image_raw", inputs.image(stamp, red=index % 256), name="front")
        host.publish("puzzle", inputs.puzzle(stamp, modality), modality=modality)
        host.publish("fused_salience", inputs.fused(stamp, total, modality))
    host.run_until(T0 + (first + len(totals)) * FRAME)


def experiences(host: LockstepHost):
    return host.messages("experience")


def diagnostics(host: LockstepHost) -> dict[str, str]:
    arrays = [item.message() for item in host.outputs if item.topic == "/diagnostics"]
    (status,) = [s for s in arrays[-1].status if s.name.endswith("memory")]
    return {pair.key: pair.value for pair in status.values} | {"level": status.level}


PEAK = [0.2] * 6 + [0.9] + [0.2] * 8


def test_a_salient_moment_is_published_after_it_was_committed(tmp_path) -> None:
    host = start(tmp_path)
    committed = []

    def look(item) -> None:
        if item.topic.endswith("/experience"):
            committed.append(rows(tmp_path, "SELECT count(*) FROM vectors")[0][0])

    host.on_output = look
    see(host, PEAK)
    (kept,) = experiences(host)
    assert committed == [1]
    told = inputs.puzzle(T0 + 6 * FRAME)
    assert kept.header.stamp == told.header.stamp == kept.end
    assert (kept.modality, kept.source, kept.device_id) == ("vision", "front", "robot")
    np.testing.assert_array_equal(kept.codes, told.codes)
    np.testing.assert_allclose(kept.embedding, told.embedding, atol=1e-6)
    assert kept.total == pytest.approx(0.9)
    assert (kept.surprise, kept.conflict) == pytest.approx((0.1, 0.4))
    assert kept.reason == "vision: novelty 0.20"
    path = tmp_path / "payloads" / kept.payload_sha256[:2] / f"{kept.payload_sha256}.webp"
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (48, 64, 3)
    assert abs(int(picture[24, 32, 2]) - 6) < 12, "the frame of the peak, not a later one"
    host.close()


def test_a_dull_scene_leaves_nothing(tmp_path) -> None:
    host = start(tmp_path)
    see(host, [0.05] * 90)
    host.run_for(3.0)
    assert experiences(host) == []
    assert diagnostics(host)["experiences"] == "0"
    host.close()


def test_sound_and_motion_slices_go_with_their_moments(tmp_path) -> None:
    host = start(tmp_path)
    for i in range(30):
        level = i / 100
        host.publish("microphone/audio", inputs.audio(T0 + i * S // 10, level), name="front")
    for i in range(600):
        host.publish("imu/data", inputs.imu(T0 + i * S // 200), name="body")
    for i in range(20, 30):
        stamp, total = T0 + i * S // 10, 0.9 if i == 22 else 0.2
        for modality in ("audio", "proprioception"):
            host.publish("puzzle", inputs.puzzle(stamp, modality), modality=modality)
            host.publish("fused_salience", inputs.fused(stamp, total, modality))
    host.run_until(T0 + 3 * S)
    kept = {message.modality: message for message in experiences(host)}
    assert set(kept) == {"audio", "proprioception"}
    with Memory.open(tmp_path, read_only=True) as memory:
        answers = {a.experience.modality: a for a in memory.recall(Query())}
    samples, rate = soundfile.read(io.BytesIO(answers["audio"].payload_path.read_bytes()))
    assert (len(samples), rate) == (27200, 16000)
    assert samples[0] == pytest.approx(0.13, abs=1e-3)
    assert samples[-1] == pytest.approx(0.29, abs=1e-3), "it goes on"
    encoded, _ = sound(answers["audio"].payload_path.read_bytes())
    assert encoded[-1] == pytest.approx(0.22, abs=1e-3), "its encoder had heard so much"
    lines = answers["proprioception"].payload_path.read_text().splitlines()
    assert len(lines) == 201
    assert lines[-1].startswith(f"{T0 + 22 * S // 10},0,0,9.81,")
    assert answers["audio"].experience.start_ns == T0 + 12 * S // 10
    host.close()


def test_of_long_chunks_of_sound_what_the_encoder_heard_is_a_second(tmp_path) -> None:
    host = start(tmp_path)
    for i in range(6):
        host.publish("microphone/audio", inputs.audio(T0 + i * S, i / 10, 24_000), name="front")
    for i in range(40, 50):
        stamp = T0 + i * S // 10
        host.publish("puzzle", inputs.puzzle(stamp, "audio"), modality="audio")
        fused = inputs.fused(stamp, 0.9 if i == 43 else 0.2, "audio")
        host.publish("fused_salience", fused)
    host.run_until(T0 + 6 * S)
    (kept,) = experiences(host)
    path = tmp_path / "payloads" / kept.payload_sha256[:2] / f"{kept.payload_sha256}.flac"
    samples, rate_hz = soundfile.read(io.BytesIO(path.read_bytes()))
    assert (len(samples), rate_hz) == (16000 + 24000, 16000)
    assert samples[15999] == pytest.approx(0.4, abs=1e-3)
    assert samples[16000] == pytest.approx(0.5, abs=1e-3)
    host.close()


def recall(host: LockstepHost, **fields) -> Recall.Response:
    return host.call("memory/recall", Recall.Request(**fields))


def test_what_was_seen_while_words_were_said_is_recalled_by_text(tmp_path) -> None:
    host = start(tmp_path)
    host.add(inputs.EmbedNode)
    said = T0 + FRAME // 2
    host.publish("text", inputs.utterance(said, "a dog barks"))
    host.publish("puzzle", inputs.puzzle(said, "language", "a dog barks"), modality="language")
    host.publish("fused_salience", inputs.fused(said, 0.8, "language"))
    see(host, PEAK)
    host.run_for(3.0)
    see(host, PEAK, first=400)
    answer = recall(host, text="dog")
    assert answer.success, answer.message
    assert [e.modality for e in answer.experiences] == ["language", "vision"], "the later first"
    assert {e.text for e in answer.experiences} == {"a dog barks"}
    assert answer.reasons[1].startswith('words around it: "a dog barks"; similarity 0.99')
    assert Path(answer.payload_paths[1]).is_file()
    assert answer.payload_paths[0] == ""
    assert list(answer.scores) == sorted(answer.scores, reverse=True)
    assert len(answer.experiences[0].embedding) == 0
    everything = recall(host, min_salience=0.1, with_embedding=True)
    assert len(everything.experiences) == 3
    assert all(len(e.embedding) for e in everything.experiences)
    only = recall(host, text="dog", modality="language")
    assert [e.modality for e in only.experiences] == ["language"]
    late = recall(host, start=inputs.header(T0 + 10 * S).stamp)
    assert len(late.experiences) == 1 and late.experiences[0].text == ""
    like = recall(host, example_experience_id=late.experiences[0].id)
    assert [e.id for e in like.experiences if e.id == late.experiences[0].id] == []
    assert len(like.experiences) == 1
    host.close()


def test_recall_says_what_is_wrong(tmp_path) -> None:
    host = start(tmp_path)
    see(host, PEAK)
    without = recall(host, text="dog")
    assert not without.success and "language/embed: no node serves it" in without.message
    wrong = recall(host, limit=5000)
    assert not wrong.success and "limit = 5000: expected 1..1000" in wrong.message
    wrong = recall(host, example_experience_id="abc")
    assert not wrong.success and "example_experience_id" in wrong.message
    assert recall(host).success
    host.close()


def test_store_keeps_this_moment_whatever_its_salience(tmp_path) -> None:
    host = start(tmp_path)
    refused = host.call("memory/store", StoreExperience.Request(modality="vision"))
    assert not refused.success and "modality = 'vision'" in refused.message
    see(host, [0.05] * 5)
    kept = host.call("memory/store", StoreExperience.Request(text="a dog barks"))
    assert kept.success and "not to be found by these words" in kept.message
    host.add(inputs.EmbedNode)
    kept = host.call("memory/store", StoreExperience.Request(modality="vision", text="a car"))
    assert kept.success and kept.message == ""
    assert [message.id for message in experiences(host)][1:] == [kept.id]
    assert recall(host, text="a car").experiences[0].id == kept.id
    assert recall(host).experiences[0].payload_sha256 != ""
    host.close()


def test_checkpoint_writes_store_and_state(tmp_path) -> None:
    host = start(tmp_path)
    see(host, PEAK)
    done = host.call("memory/checkpoint", Checkpoint.Request())
    assert done.success, done.message
    assert [Path(path).is_file() for path in done.paths] == [True, True]
    host.close()


def test_interrupted_and_resumed_keeps_the_same_moments(tmp_path) -> None:
    rng = np.random.default_rng(2)
    totals = np.clip(rng.normal(0.5, 0.25, 240), 0, 1).tolist()

    def stamps(home: Path, cuts: list[int]) -> list[int]:
        found, first = [], 0
        for cut in [*cuts, len(totals)]:
            host = start(home, payloads=False)
            host.run_until(T0 + first * FRAME)
            see(host, totals[first:cut], first=first)
            found += [(m.end.sec, m.end.nanosec) for m in experiences(host)]
            host.close()
            first = cut
        return found

    whole = stamps(tmp_path / "whole", [])
    assert len(whole) >= 3
    assert stamps(tmp_path / "cut", [50, 51, 130]) == whole


def test_two_runs_give_identical_output(tmp_path) -> None:
    def digest(home: Path) -> str:
        host = start(home)
        rng = np.random.default_rng(4)
        see(host, rng.uniform(0.0, 1.0, 120).tolist())
        host.run_for(3.0)
        assert len(experiences(host)) >= 2
        host.close()
        kept = [item.data for item in host.outputs if item.topic.endswith("/experience")]
        return b"".join(kept).hex()

    assert digest(tmp_path / "a") == digest(tmp_path / "b")


def test_payloads_switched_off_ask_for_no_images(tmp_path) -> None:
    host = start(tmp_path, payloads=False)
    assert not [name for name in host._subscriptions if "image" in name or "imu" in name]
    see(host, PEAK)
    (kept,) = experiences(host)
    assert kept.payload_sha256 == ""
    host.close()


def test_under_pressure_payloads_leave_and_their_moments_stay(tmp_path) -> None:
    host = start(tmp_path, payload_cap_red=0.0)
    see(host, PEAK)
    (kept,) = experiences(host)
    path = tmp_path / "payloads" / kept.payload_sha256[:2] / f"{kept.payload_sha256}.webp"
    size = path.stat().st_size
    for level in (ResourcePressure.YELLOW, ResourcePressure.RED):
        assert path.exists()
        host.publish("pressure", ResourcePressure(header=kept.header, level=level))
        host.run_for(2.0)
    assert not path.exists()
    shown = diagnostics(host)
    assert shown["pressure"] == "red"
    assert shown["given back: payloads [MB]"] == f"{size / 2**20:.1f}"
    assert shown["payload_bytes"] == "0" and shown["experiences"] == "1"
    host.close()


def test_malformed_input_costs_the_payload_or_the_percept_only(tmp_path) -> None:
    host = start(tmp_path)
    for stray in range(8):
        host.publish("fused_salience", inputs.fused(T0 - 1 - stray, 0.9))
    bad = inputs.puzzle(T0 + 1)
    bad.embedding[0] = float("nan")
    host.publish("puzzle", bad, modality="vision")
    broken = inputs.image(T0 + 6 * FRAME)
    broken.encoding = "nonsense"
    for index, total in enumerate(PEAK):
        stamp = T0 + index * FRAME
        if index == 6:
            host.publish("camera/image_raw", broken, name="front")
        host.publish("puzzle", inputs.puzzle(stamp), modality="vision")
        host.publish("fused_salience", inputs.fused(stamp, total))
    host.run_for(2.0)
    (kept,) = experiences(host)
    assert kept.payload_sha256 == ""
    assert any("image_raw: dropped a message: encoding" in line.text for line in host.logs)
    values = diagnostics(host)
    assert values["unmatched_saliences"] == "1", "one of the strays made room for the first frame's"
    assert values["/sage/vision/puzzle rejected"] == "1"
    assert values["durability"] == "WAL, synchronous FULL"
    host.close()


def test_a_store_in_use_keeps_the_node_inactive(tmp_path) -> None:
    with Memory.open(tmp_path), pytest.raises(StoreLocked, match="in use by process"):
        start(tmp_path)


@pytest.mark.parametrize("instance", ["front vison", "rear_ vision"])
def test_a_stored_instance_of_what_no_package_declares_is_said_once(tmp_path, instance) -> None:
    with Memory.open(tmp_path, instances=(instance,)):
        pass
    host = start(tmp_path)
    host.run_for(3.0)
    assert len([line for line in host.logs if line.text.endswith(f"declares: {instance}")]) == 1
    host.close()


def test_the_message_of_an_own_sensor_is_kept_as_it_came(tmp_path) -> None:
    topic, type_name = "/thermometer", "sensor_msgs/msg/Temperature"
    own = {"own_sensors": [f"warmth {topic} {type_name}"], "modalities": ["warmth"]}
    host = start(tmp_path, **own)
    for index in range(5):
        stamp = T0 + index * S // 5
        reading = Temperature(header=inputs.header(stamp), temperature=20.0 + index)
        host.publish_serialized(stamp, topic, type_name, serialize_message(reading))
        host.publish("puzzle", inputs.puzzle(stamp, "warmth"), modality="warmth")
        host.publish("fused_salience", inputs.fused(stamp, 0.3, "warmth"))
    host.run_until(T0 + S)
    stored = host.call("memory/store", StoreExperience.Request(modality="warmth"))
    assert stored.success, stored.message
    answer = host.call("memory/recall", Recall.Request(modality="warmth"))
    kept = answer.experiences[0]
    assert kept.payload_media_type == "application/x-mcap"
    path = Path(answer.payload_paths[0])
    assert path.suffix == ".mcap"
    schema, channel, message = next(make_reader(path.open("rb")).iter_messages())
    assert (schema.name, channel.topic) == (type_name, topic)
    assert b"float64 temperature" in schema.data
    found = deserialize_message(message.data, Temperature)
    assert found.temperature == 24.0 and found.header.frame_id == "sensor"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == kept.payload_sha256


def test_an_own_sensor_that_is_described_wrongly_is_refused(tmp_path) -> None:
    for text in ("warmth /thermometer", "warmth /thermometer sensor_msgs/msg/Heat"):
        with pytest.raises(InvalidInput):
            start(tmp_path, own_sensors=[text])


def test_an_answer_leaves_puzzles_out_where_they_are_not_wanted(tmp_path) -> None:
    host = start(tmp_path)
    see(host, PEAK)
    sizes = {}
    for without in (False, True):
        request = Recall.Request(modality="vision", without_codes=without)
        answer = host.call("memory/recall", request)
        assert answer.success and len(answer.experiences[0].codes) == (0 if without else 900)
        sizes[without] = len(serialize_message(answer)) / len(answer.experiences)
    assert sizes[False] - sizes[True] == pytest.approx(900, abs=8)


def test_words_and_places_without_a_stamp_are_of_now(tmp_path) -> None:
    host = start(tmp_path)
    host.publish("text", inputs.utterance(0, "a dog barks"))
    host.publish("pose", inputs.pose(0, 3.5))
    see(host, PEAK)
    kept = host.call("memory/recall", Recall.Request(modality="vision")).experiences[0]
    assert kept.text == "a dog barks" and kept.has_place
    assert kept.place.pose.pose.position.x == 3.5
