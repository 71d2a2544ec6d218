"""What is said and what is heard is found by words afterwards."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from orchestrator_graph import started
from speech_sounds import recorded, sentence
from std_msgs.msg import Header
from test_listen import PIECE_NS, heard_salience, pieces_of, silence

from sage_common.ros.conversions.audio import array_to_audio
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.lockstep.host import LockstepHost
from sage_encoders.nodes.audio_encoder_node import AudioEncoderNode
from sage_encoders.nodes.language_encoder_node import LanguageEncoderNode
from sage_memory.nodes.memory_node import MemoryNode
from sage_msgs.srv import Recall

MODELS = {"models_dir": str(Path(sys.prefix, "share", "sage_encoders", "models"))}
DOG = "001_dog_bark/4-182395-A.flac"


def heard(tmp_path: Path, plugin: str, samples: np.ndarray, peak_s: float) -> LockstepHost:
    """A graph after it has heard a sound in which one moment is worth keeping."""
    host = started(tmp_path, [f"sage_plugins.specs:{plugin}"], memory=False, **MODELS)
    for node in (AudioEncoderNode, LanguageEncoderNode):
        host.add(node, parameters=MODELS)
    host.add(MemoryNode)
    pieces = pieces_of(samples, host.clock.now_ns())
    for number, piece in enumerate(pieces):
        header = Header(stamp=to_stamp(piece.end_ns))
        host.publish("microphone/audio", array_to_audio(piece.samples, header), name="front")
        scored = heard_salience(piece.end_ns)
        if number == round(peak_s * 1_000_000_000 / PIECE_NS):
            scored.total = scored.modalities[0].total = 0.9
            scored.alarms_per_hour = scored.modalities[0].alarms_per_hour = 1.0
        elif plugin == "HEAR":
            scored.modalities[0].alarms_per_hour = 3000.0
        host.publish("fused_salience", scored)
    host.run_for(len(pieces) / 10 + 4.0)
    return host


@pytest.mark.parametrize("peak_s", [2.0, 8.0], ids=["as the voice begins", "after it"])
def test_what_was_said_finds_the_moment(tmp_path: Path, peak_s: float) -> None:
    speech = np.concatenate([silence(1.0), sentence()[:80_000], silence(6.0)])
    host = heard(tmp_path, "LISTEN", speech, peak_s)
    (said,) = host.messages("text")
    answer = host.call("memory/recall", Recall.Request(text="what was said about printing?"))
    assert answer.success, answer.message
    assert [(e.modality, e.text) for e in answer.experiences] == [("audio", said.text)]
    after_ns = stamp_ns(answer.experiences[0].end) - stamp_ns(said.header.stamp)
    assert 0 <= after_ns < 3_000_000_000
    host.close()


def test_what_was_heard_finds_the_moment(tmp_path: Path) -> None:
    host = heard(tmp_path, "HEAR", np.concatenate([recorded_dog(), silence(6.0)]), 2.3)
    answer = host.call("memory/recall", Recall.Request(text="a dog barking"))
    assert answer.success, answer.message
    assert [e.modality for e in answer.experiences] == ["audio"]
    assert answer.reasons[0].startswith("heard: dog barking 0.")
    host.close()


def recorded_dog() -> np.ndarray:
    """Five seconds that nothing was trained on."""
    return recorded("esc10_folds1to4_16k_flac.zip", DOG)
