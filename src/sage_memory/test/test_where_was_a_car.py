"""The recorded walk is asked for a car that nobody mentions: the answer is a picture with one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import av
import node_inputs as inputs
import numpy as np
import pytest

from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_encoders.core.recognition import detector
from sage_encoders.nodes.language_encoder_node import LanguageEncoderNode
from sage_memory import Memory
from sage_memory.nodes.memory_node import MemoryNode
from sage_msgs.srv import Recall

INSTALLED = Path(sys.prefix, "share", "sage_encoders", "models")
WALK = Path("video", "gopro_max_walk.mp4")
SECONDS = (1.0, 4.0, 7.0)
"""Of the walk, in which a moment is worth keeping: cars stand on the right in each of them."""
CARS = (0.6, 0.3, 1.0, 0.65)
"""Where in these pictures they are: left, upper, right and lower edge, in shares."""


def walk(data: Path) -> Iterator[tuple[float, np.ndarray]]:
    """Time in seconds and picture of each frame."""
    with av.open(str(data / WALK)) as video:
        yield from ((f.time, f.to_ndarray(format="rgb24")) for f in video.decode(video=0))


def play(host: LockstepHost, walk: Iterator[tuple[float, np.ndarray]]) -> None:
    for place, (second, pixels) in enumerate(walk):
        if place % 3 == 0:
            stamp_ns = DEFAULT_START_NS + round(second * 1e9)
            image = array_to_image(pixels, "rgb8", inputs.header(stamp_ns))
            counts = any(abs(second - chosen) < 0.05 for chosen in SECONDS)
            host.publish("camera/image_raw", image, name="front")
            host.publish("puzzle", inputs.puzzle(stamp_ns), modality="vision")
            host.publish("fused_salience", inputs.fused(stamp_ns, 0.9 if counts else 0.2))
            host.run_until(stamp_ns)
    host.run_for(5.0)


def test_where_did_i_see_a_car(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (INSTALLED / f"{detector.MODEL}.onnx").is_file():
        pytest.skip("the detector is not installed: make demo OPTIONS=1, where npm is there")
    monkeypatch.setenv("SAGE_MODELS", str(INSTALLED))
    host = LockstepHost(home=tmp_path)
    host.add(LanguageEncoderNode, parameters={"models_dir": str(INSTALLED)})
    host.add(MemoryNode, parameters={"device_id": "robot"})
    play(host, walk(data))
    answer = host.call("memory/recall", Recall.Request(text="where did I see a car?"))
    host.close()
    assert answer.success, answer.message
    assert len(answer.experiences) == len(SECONDS)
    assert all(reason.startswith("seen: car 0.") for reason in answer.reasons), answer.reasons
    with Memory.open(tmp_path, read_only=True) as memory:
        kept = [(found, memory.labels(found.id)) for found in answer.experiences]
    for found, seen in kept:
        second = stamp_ns(found.header.stamp) / 1e9 - DEFAULT_START_NS / 1e9
        assert min(abs(second - chosen) for chosen in SECONDS) < 0.1, "s"
        assert found.payload_media_type.startswith("image/")
        (objects,) = [one for one in seen if "car" in one.vocabulary]
        best = next(x for x in objects.labels if objects.vocabulary[x.number] == "car")
        assert best.box is not None
        across, down = best.box[0] + best.box[2] / 2, best.box[1] + best.box[3] / 2
        assert CARS[0] < across < CARS[2] and CARS[1] < down < CARS[3]
