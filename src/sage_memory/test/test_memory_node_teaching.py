"""Words are taught through the memory node, and name what it keeps from then on."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import node_inputs as inputs
import numpy as np
import pytest

from sage_common.ros.conversions.images import image_to_array
from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_encoders.core.card import ModelError
from sage_memory import Memory
from sage_memory.backends import teaching
from sage_memory.backends.picture_looks import PictureLooks
from sage_memory.core.identifiers import id_text
from sage_memory.core.recall.query import Query
from sage_memory.core.store.taught_naming import TaughtNaming
from sage_memory.nodes.memory_node import MemoryNode
from sage_msgs.srv import Forget, TeachWord

T0 = DEFAULT_START_NS
S = 1_000_000_000
FRAME = S // 30
PEAK = [0.2] * 6 + [0.9] + [0.2] * 8
TOP = 6
"""Frame of the peak that is kept."""


def start(home: Path) -> LockstepHost:
    host = LockstepHost(home=home)
    host.add(MemoryNode, parameters={"device_id": "robot"})
    return host


def keep(host: LockstepHost, first_ns: int, modality: str = "vision") -> None:
    """A salient moment; a sound goes on after it."""
    for index, total in enumerate(PEAK):
        stamp = first_ns + index * FRAME
        host.publish("camera/image_raw", inputs.image(stamp), name="front")
        host.publish("puzzle", inputs.puzzle(stamp, modality), modality=modality)
        host.publish("fused_salience", inputs.fused(stamp, total, modality))
    host.run_until(first_ns + 2 * S)


def teach(host: LockstepHost, word: str, **fields) -> TeachWord.Response:
    return host.call("memory/teach", TeachWord.Request(word=word, **fields))


def kept(home: Path) -> list[tuple[bytes, set[str]]]:
    """Moments, the first one first, and the words that were taught and found in them."""
    with Memory.open(home, read_only=True) as memory:
        ids = [answer.experience.id for answer in memory.recall(Query(newest_first=True))][::-1]
        return [
            (key, {one.vocabulary[0] for one in memory.labels(key) if len(one.vocabulary) == 1})
            for key in ids
        ]


def picture_example(of: str = "") -> dict[str, object]:
    """What is sent of the picture that the camera shows."""
    with closing(PictureLooks()) as looks:
        features, by = looks.features_of(image_to_array(inputs.image(T0))), looks.model_id
    return {
        "kind": "picture", "features_by": by, "features": features.tolist(), "experience_ids": [of]
    }  # fmt: skip


def test_a_picture_teaches_a_word(tmp_path: Path) -> None:
    host = start(tmp_path)
    keep(host, T0)
    ((first, found),) = kept(tmp_path)
    assert found == set()
    done = teach(host, "My cup", **picture_example(id_text(first)))
    assert done.success, done.message
    assert (done.examples, done.looked_at, done.found) == (1, 1, 1)
    keep(host, T0 + 100 * S)
    assert [found for _, found in kept(tmp_path)] == [{"my cup"}, {"my cup"}]
    assert teach(host, "my cup", forget=True).message == "my cup is forgotten"
    keep(host, T0 + 200 * S)
    assert [found for _, found in kept(tmp_path)] == [set()] * 3
    assert "a word that was taught" in teach(host, "my cup", forget=True).message
    assert teach(host, "my cup", **picture_example(id_text(first))).found == 3
    host.call("memory/forget", Forget.Request(ids=[id_text(first)], reason="asked to"))
    keep(host, T0 + 300 * S)
    assert [found for _, found in kept(tmp_path)] == [set()] * 3, "its one example is gone"
    host.close()


def test_a_sound_teaches_a_word(tmp_path: Path) -> None:
    host = start(tmp_path)
    heard = inputs.puzzle(T0 + TOP * FRAME, "audio")
    fields = {"kind": "sound", "features_by": heard.encoder_id, "experience_ids": [""]}
    done = teach(host, "bell", features=list(heard.embedding), **fields)
    assert done.success and done.looked_at == 0, done.message
    keep(host, T0, "audio")
    keep(host, T0 + 100 * S, "audio")
    assert [found for _, found in kept(tmp_path)] == [{"bell"}, set()]
    host.close()


def test_a_word_that_cannot_be_looked_for_is_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged() -> PictureLooks:
        raise ModelError("picture_classifier: damaged")

    host = start(tmp_path)
    keep(host, T0)
    example = picture_example()
    with monkeypatch.context() as patched:
        patched.setattr(teaching, "PictureLooks", damaged)
        done = teach(host, "my cup", **example)
    assert not done.success and "damaged" in done.message
    with Memory.open(tmp_path, read_only=True) as memory:
        assert memory.taught_words() == []
    with monkeypatch.context() as patched:
        patched.setattr(TaughtNaming, "newest", lambda *_: damaged())
        done = teach(host, "my cup", **example)
    assert done.success and done.message.endswith("is not searched: picture_classifier: damaged")
    with Memory.open(tmp_path, read_only=True) as memory:
        assert len(memory.taught_words()) == 1
    host.close()


@pytest.mark.parametrize(
    ("word", "fields", "expected"),
    [
        ("", {}, "word = ''"),
        ("bell", {"kind": "smell"}, "kind = 'smell'"),
        ("bell", {"features_by": ""}, "features_by = ''"),
        ("bell", {"experience_ids": []}, "len(features)"),
        ("bell", {"experience_ids": ["", "", ""]}, "len(features)"),
        ("bell", {"experience_ids": ["no id"]}, "experience_ids"),
        ("bell", {"features": [0.0, 0.0]}, "|features|"),
        ("bell", {"features": [np.nan, 1.0]}, "features"),
    ],
)
def test_a_wrong_lesson_is_refused(tmp_path: Path, word: str, fields: dict, expected: str) -> None:
    host = start(tmp_path)
    right = {"kind": "sound", "features_by": "audio-1", "features": [1.0, 0.0]}
    done = teach(host, word, **{**right, "experience_ids": [""], **fields})
    assert not done.success and expected in done.message
    host.close()
