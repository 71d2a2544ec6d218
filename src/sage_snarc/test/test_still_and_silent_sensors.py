"""What dead, frozen and unchanging sensors give, from their own messages to salience and health.

Every row of the table in docs/salience.md names one of these tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from std_msgs.msg import Header

from sage_common.ros.conversions.audio import array_to_audio
from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.lockstep.host import LockstepHost
from sage_encoders.nodes.audio_encoder_node import AudioEncoderNode
from sage_encoders.nodes.vision_encoder_node import VisionEncoderNode
from sage_msgs.msg import Puzzle, Salience
from sage_snarc.nodes.fusion_node import FusionNode
from sage_snarc.nodes.scorer_node import ScorerNode

Health = Callable[[LockstepHost, str], tuple[str, str]]
Picture = NDArray[np.uint8]

ROOT = Path(__file__).resolve().parents[3]
MODELS = {"models_dir": str(ROOT / "models"), "provider": "cpu"}
STEP_S = 0.05
BLOCK = 1600
SAME = r"the same puzzle for \d\.\d s: frozen or covered sensor, or constant scene"
SILENT = r"no input for \d\.\d s"


class Robot:
    """A camera (20 pictures/s) and a microphone (10 blocks/s) with their encoders, and fusion."""

    def __init__(self, host: LockstepHost) -> None:
        self.host = host
        self.random = np.random.default_rng(0)
        coarse = self.random.integers(0, 256, (12, 16, 3), np.uint8)
        self.scene: Picture = np.kron(coarse, np.ones((10, 10, 1), np.uint8))
        host.add(FusionNode)
        for name in ("vision", "audio"):
            host.add(ScorerNode, f"{name}_scorer", {"modality": name})
        host.add(VisionEncoderNode, parameters=MODELS)
        host.add(AudioEncoderNode, parameters=MODELS)

    def moving(self) -> Picture:
        """The next picture of a camera that pans, with noise."""
        self.scene = np.roll(self.scene, 3, axis=1)
        return self.noisy(self.scene)

    def noisy(self, picture: Picture) -> Picture:
        """The picture with the noise of a sensor, 2 of 255."""
        noise = self.random.normal(0.0, 2.0, picture.shape)
        return np.clip(picture + noise, 0, 255).astype(np.uint8)

    def hum(self) -> NDArray[np.float32]:
        """The next 100 ms of a room."""
        return self.random.normal(0.0, 0.01, BLOCK).astype(np.float32)

    def run(
        self,
        duration_s: float,
        see: Callable[[], Picture] | None = None,
        hear: Callable[[], NDArray[np.float32]] | None = None,
    ) -> None:
        """Let time pass; what there is to see and to hear is asked for at every step."""
        for step in range(round(duration_s / STEP_S)):
            self.host.run_for(STEP_S)
            header = Header(stamp=to_stamp(self.host.clock.now_ns()))
            if see is not None:
                image = array_to_image(see(), "rgb8", header)
                self.host.publish("camera/image_raw", image, name="front")
            if hear is not None and step % 2:
                self.host.publish("microphone/audio", array_to_audio(hear(), header), name="front")
            self.host.run_for(0.0)

    def salience(self, modality: str, last_s: float) -> list[Salience]:
        """What was said of a modality within the last seconds."""
        begin = to_stamp(self.host.clock.now_ns() - round(last_s * 1e9) + 1)
        sent = self.host.messages("salience", modality=modality)
        return [s for s in sent if (s.header.stamp.sec, s.header.stamp.nanosec)
                >= (begin.sec, begin.nanosec)]  # fmt: skip


@pytest.fixture
def robot(host: LockstepHost) -> Robot:
    return Robot(host)


def assert_calm(said: list[Salience], count: int) -> None:
    """Valid salience below 0.1 for every sample."""
    assert len(said) == count
    assert all(item.valid for item in said)
    assert max(item.total for item in said) < 0.1


def assert_absent(said: list[Salience]) -> None:
    """Nothing but invalid salience of 0, said again and again."""
    assert len(said) >= 4
    assert not any(item.valid for item in said)
    assert {item.total for item in said} == {0.0}
    assert all(item.invalid_reason.startswith("no input for ") for item in said)


def assert_warns(said: tuple[str, str], pattern: str) -> None:
    level, text = said
    assert level == "warn"
    assert re.fullmatch(pattern, text), text


def test_a_constant_scene_seen_with_noise(robot: Robot, health: Health) -> None:
    robot.run(3.0, see=robot.moving)
    still = robot.scene
    robot.run(6.0, see=lambda: robot.noisy(still))
    assert_calm(robot.salience("vision", 5.0), 100)
    assert health(robot.host, "vision_scorer") == ("ok", "running")


def test_a_frozen_camera_warns_and_recovers(robot: Robot, health: Health) -> None:
    robot.run(3.0, see=robot.moving)
    frozen = robot.moving()
    robot.run(1.9, see=lambda: frozen)
    assert health(robot.host, "vision_scorer") == ("ok", "running")
    robot.run(4.0, see=lambda: frozen)
    assert_calm(robot.salience("vision", 4.9), 98)
    assert_warns(health(robot.host, "vision_scorer"), SAME)
    robot.run(1.1, see=robot.moving)
    assert health(robot.host, "vision_scorer") == ("ok", "running")


def test_a_camera_whose_stamps_are_frozen_too(robot: Robot, health: Health) -> None:
    robot.run(3.0, see=robot.moving)
    last = robot.host.clock.now_ns()
    for _ in range(80):
        robot.host.run_for(STEP_S)
        image = array_to_image(robot.scene, "rgb8", Header(stamp=to_stamp(last)))
        robot.host.publish("camera/image_raw", image, name="front")
    robot.host.run_for(0.0)
    newest = robot.host.messages("salience", modality="vision")[-1]
    assert (newest.valid, newest.total) == (False, 0.0)
    assert newest.invalid_reason == "input is 4.0 s old"
    assert_warns(health(robot.host, "vision_scorer"), r"input is \d\.\d s old")


def test_a_camera_that_dies_falls_out_and_comes_back(robot: Robot, health: Health) -> None:
    robot.run(3.0, see=robot.moving, hear=robot.hum)
    robot.run(5.0, hear=robot.hum)
    assert_absent(robot.salience("vision", 2.5))
    assert_warns(health(robot.host, "vision_scorer"), SILENT)
    fused = robot.host.messages("fused_salience")[-1]
    assert fused.valid
    assert [item.modality for item in fused.modalities] == ["audio"]
    robot.run(3.5, see=robot.moving, hear=robot.hum)
    assert all(item.valid for item in robot.salience("vision", 1.0))
    assert health(robot.host, "vision_scorer") == ("ok", "running")
    fused = robot.host.messages("fused_salience")[-1]
    assert [item.modality for item in fused.modalities] == ["audio", "vision"]


@pytest.mark.parametrize("noise", [False, True])
def test_a_black_camera(robot: Robot, health: Health, noise: bool) -> None:
    robot.run(3.0, see=robot.moving)
    black = np.zeros((120, 160, 3), np.uint8)
    robot.run(5.0, see=lambda: robot.noisy(black) if noise else black)
    assert_calm(robot.salience("vision", 4.0), 80)
    assert_warns(health(robot.host, "vision_scorer"), SAME)


def test_a_microphone_that_is_disconnected(robot: Robot, health: Health) -> None:
    robot.run(4.0, see=robot.moving, hear=robot.hum)
    robot.run(5.0, see=robot.moving)
    assert_absent(robot.salience("audio", 2.5))
    assert_warns(health(robot.host, "audio_scorer"), SILENT)
    robot.run(3.0, see=robot.moving, hear=robot.hum)
    assert all(item.valid for item in robot.salience("audio", 1.0))
    assert health(robot.host, "audio_scorer") == ("ok", "running")


def test_a_microphone_of_digital_silence(robot: Robot, health: Health) -> None:
    robot.run(4.0, hear=robot.hum)
    robot.run(7.0, hear=lambda: np.zeros(BLOCK, np.float32))
    # The last of the room leaves the encoder's window after 1.1 s.
    assert_calm(robot.salience("audio", 4.9), 49)
    assert_warns(health(robot.host, "audio_scorer"), SAME)
    robot.run(2.0, hear=robot.hum)
    assert health(robot.host, "audio_scorer") == ("ok", "running")


def test_sensors_that_were_never_there(robot: Robot, health: Health) -> None:
    robot.run(4.0)
    for modality in ("vision", "audio"):
        assert robot.host.messages("salience", modality=modality) == []
        assert health(robot.host, f"{modality}_scorer") == ("warn", "no puzzle yet")
    assert robot.host.messages("fused_salience") == []
    assert health(robot.host, "fusion") == ("warn", "no salience yet")


def test_every_sensor_gone(robot: Robot, health: Health) -> None:
    robot.run(3.0, see=robot.moving, hear=robot.hum)
    robot.run(5.0)
    fused = robot.host.messages("fused_salience")[-1]
    assert (fused.valid, fused.total, list(fused.modalities)) == (False, 0.0, [])
    assert_warns(health(robot.host, "fusion"), r"no valid salience for \d\.\d s")


@pytest.mark.parametrize(
    ("parameters", "warns"),
    [
        ({}, True),
        ({"frozen_after_s": 0.0}, False),
        ({"frozen_after_s": 5.0}, False),
        ({"modality": "language"}, False),
        ({"modality": "language", "frozen_after_s": 2.0}, True),
    ],
)
def test_who_warns_of_the_same_puzzle(
    host: LockstepHost, health: Health, parameters: dict[str, object], warns: bool
) -> None:
    host.add(ScorerNode, parameters=parameters)
    modality = str(parameters.get("modality", "vision"))
    puzzle = Puzzle(modality=modality, source="x", encoder_id="e", valid=True)
    puzzle.codes = np.arange(900, dtype=np.uint8) % 10
    puzzle.embedding = [0.6, 0.8]
    for _ in range(80):
        host.run_for(STEP_S)
        puzzle.header.stamp = to_stamp(host.clock.now_ns())
        host.publish("puzzle", puzzle, modality=modality)
    host.run_for(0.0)
    assert health(host, "scorer")[0] == ("warn" if warns else "ok")


def test_the_page_names_these_tests_and_no_others() -> None:
    table = [line for line in (ROOT / "docs" / "salience.md").read_text().splitlines()
             if line.startswith("| ") and "`test_" in line]  # fmt: skip
    named = {name for line in table for name in re.findall(r"`(test_\w+)`", line)}
    here = set(re.findall(r"^def (test_\w+)\(robot", Path(__file__).read_text(), re.MULTILINE))
    assert named == here
