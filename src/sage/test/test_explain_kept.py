"""`sage explain` after the run: what the memory kept shows the sense that it names as the cause."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from audio_common_msgs.msg import AudioInfo
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Imu
from small_bag import IMU, MICROPHONE, MICROPHONE_INFO, START_NS, header

from sage.bags.metadata import QOS_BY_PROFILE
from sage.bags.reader import open_bag
from sage.bags.writer import BagWriter
from sage.cli import main
from sage.explain.explanation import of_experience
from sage.explain.format import lines
from sage_common.core.clock import NS_PER_S, local_time
from sage_common.ros.conversions.audio import array_to_audio
from sage_common.ros.conversions.stamps import stamp_ns
from sage_memory.core.experience import Experience
from sage_memory.core.recall.placement import Placed
from sage_msgs.msg import Experience as ExperienceMessage
from sage_msgs.msg import FusedSalience

SECONDS, BANG_S, KNOCK_S = 20, 12, 17
DIMENSIONS = ("surprise", "novelty", "arousal", "reward", "conflict")


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has ended: `home`, and `out`, which holds all that was published."""
    folder = tmp_path_factory.mktemp("ended")
    config = folder / "often.yaml"  # in 20 s nothing is known to be as rare as once a minute
    asked = "{ros__parameters: {false_alarms_per_hour: 3600.0}}"
    config.write_text("".join(f"{kind}: {asked}\n" for kind in ("scorer", "fusion", "memory")))
    words = ["--lockstep", "-o", str(folder / "out"), "--home", str(folder / "home")]
    bag = str(bang_and_knock(folder / "bag"))
    assert main(["replay", bag, *words, "--config", str(config)]) == 0
    return folder


def bang_and_knock(folder: Path) -> Path:
    """A quiet room and a body at rest; a bang after 12 s, a knock after 17 s."""
    rng = np.random.default_rng(3)
    with BagWriter(folder) as writer:
        writer.add_topic(
            MICROPHONE, "audio_common_msgs/msg/AudioDataStamped", QOS_BY_PROFILE["sensor"]
        )
        writer.add_topic(
            MICROPHONE_INFO, "audio_common_msgs/msg/AudioInfo", QOS_BY_PROFILE["latched"]
        )
        writer.add_topic(IMU, "sensor_msgs/msg/Imu", QOS_BY_PROFILE["sensor"])
        info = AudioInfo(channels=1, sample_rate=16000, sample_format="F32LE", coding_format="wave")
        writer.write(MICROPHONE_INFO, START_NS, serialize_message(info))
        for i in range(SECONDS * 100):
            time_ns = START_NS + i * NS_PER_S // 100
            body = Imu(header=header(time_ns))
            knock = 8.0 if 0 <= i - KNOCK_S * 100 < 8 else 0.1
            body.linear_acceleration.z = 9.81 + float(rng.standard_normal()) * knock
            body.angular_velocity.x = float(rng.standard_normal()) * 0.05
            writer.write(IMU, time_ns, serialize_message(body))
            if i % 10 == 0:
                loud = 0.6 if 0 <= i - BANG_S * 100 < 30 else 0.01
                sound = (rng.standard_normal(1600) * loud).astype(np.float32)
                heard = array_to_audio(sound, header(time_ns))
                writer.write(MICROPHONE, time_ns, serialize_message(heard))
    return folder


def explained(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["explain", *words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def named(found: dict[str, Any]) -> dict[str, Any]:
    """What is said of the sense that the reason names."""
    cause = found["reason"].partition(":")[0]
    assert found["dominant"] == cause
    (modal,) = (item for item in found["modalities"] if item["modality"] == cause)
    return dict(modal)


@pytest.mark.parametrize(("at_s", "cause"), [(BANG_S, "audio"), (KNOCK_S, "proprioception")])
def test_the_sense_that_spoke_is_the_one_that_is_shown(
    ended: Path, capsys: pytest.CaptureFixture[str], at_s: int, cause: str
) -> None:
    time = local_time(START_NS + at_s * NS_PER_S)
    found = explained(capsys, time, "--home", str(ended / "home"))
    assert found["reason"].startswith(f"{cause}: ")
    modal = named(found)
    assert modal["arousal"] > 0.5 and modal["reason"] == found["reason"]
    assert main(["explain", time, "--home", str(ended / "home")]) == 0
    said = capsys.readouterr().out.splitlines()
    (block,) = (line for line in said if line.startswith(cause))
    assert block.endswith("dominates")
    assert f"{modal['arousal']:.2f}" in said[said.index(block) + 3]


def test_of_every_kept_moment_the_sense_named_is_shown_as_it_was_then(
    ended: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = open_bag(ended / "out")
    fused: dict[tuple[int, str], FusedSalience] = {}
    for item in bag.messages(["/sage/salience"]):
        message = deserialize_message(item.data, FusedSalience)
        fused[stamp_ns(message.header.stamp), message.trigger_modality] = message
    others = 0
    for item in bag.messages(["/sage/experience"]):
        kept = deserialize_message(item.data, ExperienceMessage)
        found = explained(capsys, kept.id, "--home", str(ended / "home"))
        then = fused[stamp_ns(kept.header.stamp), kept.modality]
        assert found["dominant"] == then.dominant_modality
        seen = {item.modality: item for item in then.modalities}
        assert [item["modality"] for item in found["modalities"]] == sorted(seen)
        for modal in found["modalities"]:
            for name in DIMENSIONS:
                value = getattr(seen[modal["modality"]], name)
                assert modal[name] == pytest.approx(value, abs=1e-4), (modal["modality"], name)
            assert (modal["source"] != "") == (modal["modality"] == kept.modality)
        others += named(found)["modality"] != kept.modality
    assert others  # of a body that was kept because of a sound, or the other way round


def test_where_only_one_sense_was_kept_that_is_said() -> None:
    """Early versions kept of a moment only what the percept's own modality said."""
    kept = Experience(
        start_ns=START_NS, end_ns=START_NS + NS_PER_S, modality="proprioception", source="body",
        codes=np.zeros((30, 30), np.uint8), embedding=np.ones(4, np.float32), encoder_id="e",
        surprise=0.1, novelty=0.2, arousal=0.3, reward=0.5, conflict=0.0, total=0.9,
        reason="audio: novelty 0.97, nearest seen 41 s ago", id=bytes(16),
    )  # fmt: skip
    found = of_experience(Placed(kept, 0.5, START_NS, START_NS + NS_PER_S), None, ())
    assert (found.dominant, [item.modality for item in found.modalities]) == (
        "", ["proprioception"],
    )  # fmt: skip
    assert "note: of that moment only what proprioception said was kept" in lines(found)
    assert found.modalities[0].reason == ""
