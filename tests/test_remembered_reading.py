"""What is read in a picture is found by words afterwards."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from orchestrator_graph import MS, attention, header, puzzle, salience, started

from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.lockstep.host import LockstepHost
from sage_encoders.nodes.language_encoder_node import LanguageEncoderNode
from sage_memory.nodes.memory_node import MemoryNode
from sage_msgs.srv import Recall

INSTALLED = str(Path(sys.prefix, "share", "sage_encoders", "models"))
PEAK = 30
"""The frame that matters, 3 s after the first."""


def walk_past_a_sign(host: LockstepHost) -> None:
    """Eight seconds in which a small sign is attended, and one moment is worth keeping."""
    image = np.full((480, 640, 3), 225, np.uint8)
    cv2.putText(image, "EXIT 12", (310, 240), cv2.FONT_HERSHEY_DUPLEX, 0.5, (20, 20, 60), 1)
    begin_ns = host.clock.now_ns()
    for frame in range(80):
        at_ns = begin_ns + frame * 100 * MS + 5 * MS
        host.publish("camera/image_raw", array_to_image(image, "rgb8", header(at_ns)), name="front")
        host.publish("attention", attention(at_ns))
        seen = puzzle(at_ns)
        seen.codes = np.zeros(900, np.uint8)
        host.publish("puzzle", seen, modality="vision")
        scored = salience(at_ns, 0.9 if frame == PEAK else 0.2)
        scored.alarms_per_hour = 1.0 if frame == PEAK else 30_000.0
        scored.modalities[0].alarms_per_hour = scored.alarms_per_hour
        host.publish("fused_salience", scored)
    host.run_for(12.0)


def test_what_was_read_finds_the_picture(tmp_path: Path) -> None:
    models = {"models_dir": INSTALLED}
    host = started(tmp_path, ["sage_plugins.specs:READ"], memory=False, **models)
    host.add(LanguageEncoderNode, parameters=models)
    host.add(MemoryNode)
    walk_past_a_sign(host)
    assert [m.source for m in host.messages("puzzle", modality="language")] == ["read"]
    answer = host.call("memory/recall", Recall.Request(text="which way is the exit?"))
    assert answer.success, answer.message
    assert [(e.modality, e.text) for e in answer.experiences] == [("vision", "EXIT 12")]
    assert answer.reasons[0].startswith('words around it: "EXIT 12"; similarity 0.')
    host.close()
