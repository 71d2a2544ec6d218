"""The memory node with a key: nothing that it saw or heard is readable in its folder."""

from __future__ import annotations

from pathlib import Path

import node_inputs as inputs
import pytest

from sage_common.core.errors import InvalidInput
from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_memory import Memory, Query
from sage_memory.nodes.memory_node import MemoryNode

FRAME = 1_000_000_000 // 30
PEAK = [0.2] * 6 + [0.9] + [0.2] * 8


@pytest.fixture
def key_file(tmp_path, key) -> Path:
    path = tmp_path / "key"
    path.write_text(key.secret.hex())
    path.chmod(0o600)
    return path


def run(home: Path, **parameters) -> None:
    """See something, hear words, stop."""
    host = LockstepHost(home=home)
    host.add(MemoryNode, parameters={"device_id": "robot", **parameters})
    host.publish("text", inputs.utterance(DEFAULT_START_NS, "the red door"))
    for index, total in enumerate(PEAK):
        stamp = DEFAULT_START_NS + index * FRAME
        host.publish("camera/image_raw", inputs.image(stamp), name="front")
        host.publish("puzzle", inputs.puzzle(stamp), modality="vision")
        host.publish("fused_salience", inputs.fused(stamp, total))
    host.run_until(DEFAULT_START_NS + len(PEAK) * FRAME)
    host.close()


def readable(home: Path) -> set[str]:
    """Files in which the words, the source of the picture, or a picture can be read."""
    secrets = (b"red door", b"vision", b"WEBPVP8")
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 3
    return {f.name for f in files if any(secret in f.read_bytes() for secret in secrets)}


def test_nothing_readable_stays_in_the_folder(tmp_path, key, key_file) -> None:
    home = tmp_path / "home"
    run(home, encryption_key_file=str(key_file))
    assert readable(home) == set()
    with Memory.open(home, key=key, read_only=True) as memory:
        (answer,) = memory.recall(Query())
        assert "the red door" in answer.experience.text
    run(home, encryption_key_file=str(key_file))  # takes up its sealed state
    assert not list(home.rglob("*refused*"))


def test_without_a_key_it_is_readable(tmp_path) -> None:
    run(tmp_path)
    found = readable(tmp_path)
    assert {"memory.db", "memory.state"} <= found


def test_a_key_in_the_folder_of_the_store_stops_the_node(tmp_path, key_file) -> None:
    with pytest.raises(InvalidInput, match="outside the folder of the store"):
        run(tmp_path, encryption_key_file=str(key_file))
