"""Messages that the memory node hears, made by hand for its tests."""

from __future__ import annotations

import array

import numpy as np
from audio_common_msgs.msg import AudioDataStamped
from geometry_msgs.msg import PoseWithCovarianceStamped
from sensor_msgs.msg import Image, Imu
from std_msgs.msg import Header

from sage_common.core.parameters import NodeParameters
from sage_common.ros.conversions.audio import array_to_audio
from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.node import SageNode
from sage_msgs.msg import FusedSalience, Puzzle, Salience, Utterance

S = 1_000_000_000
MEANINGS = {"a dog barks": (1.0, 0.0, 0.0), "dog": (0.9, 0.1, 0.0), "a car": (0.0, 1.0, 0.0)}


def header(stamp_ns: int) -> Header:
    return Header(stamp=to_stamp(stamp_ns), frame_id="sensor")


def meaning(text: str) -> np.ndarray:
    """A stand-in for a sentence embedding: near words, near vectors."""
    vector = np.asarray(MEANINGS.get(text, (0.0, 0.0, 1.0)), np.float32)
    return vector / np.linalg.norm(vector)


def puzzle(stamp_ns: int, modality: str = "vision", text: str = "") -> Puzzle:
    rng = np.random.default_rng(stamp_ns % 2**32)
    vector = meaning(text) if text else rng.normal(size=16).astype(np.float32)
    message = Puzzle(header=header(stamp_ns), modality=modality, source="front", text=text)
    message.codes = rng.integers(0, 10, 900, dtype=np.uint8)
    message.embedding = array.array("f", (vector / np.linalg.norm(vector)).tolist())
    message.encoder_id = "minilm-1" if text else f"{modality}-1"
    message.valid = True
    return message


def alarms_per_hour(total: float) -> float:
    """How often a total comes while nothing happens, as totals go here: 60 an hour from 0.3 on."""
    return 18.0 / max(total, 0.001)


def fused(stamp_ns: int, total: float, modality: str = "vision") -> FusedSalience:
    own = Salience(header=header(stamp_ns), modality=modality, source="front", valid=True)
    own.surprise, own.novelty, own.arousal, own.reward, own.conflict = 0.1, 0.2, 0.3, 0.5, 0.4
    own.total, own.alarms_per_hour = total, alarms_per_hour(total)
    message = FusedSalience(header=header(stamp_ns), trigger_modality=modality, valid=True)
    message.total, message.alarms_per_hour = total, own.alarms_per_hour
    message.dominant_modality = modality
    message.modalities = [own]
    message.weights = array.array("f", [1.0])
    message.reason = f"{modality}: novelty 0.20"
    return message


def utterance(stamp_ns: int, text: str, speaker: str = "") -> Utterance:
    return Utterance(header=header(stamp_ns), text=text, speaker=speaker, confidence=1.0)


def pose(stamp_ns: int, x: float, sigma_m: float = 0.1) -> PoseWithCovarianceStamped:
    message = PoseWithCovarianceStamped(header=Header(stamp=to_stamp(stamp_ns), frame_id="map"))
    message.pose.pose.position.x = x
    message.pose.pose.orientation.w = 1.0
    message.pose.covariance[0] = message.pose.covariance[7] = sigma_m**2
    return message


def image(stamp_ns: int, red: int = 200) -> Image:
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:, :, 0] = red
    return array_to_image(pixels, "rgb8", header(stamp_ns))


def audio(stamp_ns: int, level: float, samples: int = 1600) -> AudioDataStamped:
    return array_to_audio(np.full(samples, level, np.float32), header(stamp_ns))


def imu(stamp_ns: int) -> Imu:
    message = Imu(header=header(stamp_ns))
    message.orientation_covariance[0] = -1.0
    message.linear_acceleration.z = 9.81
    return message


class EmbedNode(SageNode):
    """Serves language/embed with the stand-in embedding."""

    default_name = "language_encoder"
    parameters_type = NodeParameters

    def on_configure(self) -> None:
        self.service("language/embed", self._embed)

    def _embed(self, request, response):
        response.success = True
        response.embedding = array.array("f", meaning(request.text).tolist())
        response.encoder_id = "minilm-1"
        return response
