"""Nothing of what is private is in the memory's home, in its messages or in its log."""

from __future__ import annotations

from pathlib import Path

import node_inputs as inputs
import pytest
from test_memory_node_context import diagnostics

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Label, Labels
from sage_common.ros.conversions.labels import classification, label_info
from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_memory import Memory
from sage_memory.core.ingest.privacy import WITHHELD
from sage_memory.core.recall.query import Query
from sage_memory.nodes.memory_node import MemoryNode
from sage_msgs.srv import NamePlace, StoreExperience

T0 = DEFAULT_START_NS
S = 1_000_000_000
FRAME = S // 30
PEAK = [0.2] * 6 + [0.9] + [0.2] * 8
SECRET = "the code is 4711"


def start(home: Path, **parameters) -> LockstepHost:
    host = LockstepHost(home=home)
    host.add(MemoryNode, parameters={"device_id": "robot", "name_pictures": False, **parameters})
    return host


def live(host: LockstepHost, first_ns: int, x: float) -> None:
    """A salient moment at a place, in which something is said."""
    host.publish("pose", inputs.pose(first_ns - FRAME, x))
    host.publish("text", inputs.utterance(first_ns, SECRET, "anna"))
    for index, total in enumerate(PEAK):
        stamp = first_ns + index * FRAME
        host.publish("camera/image_raw", inputs.image(stamp), name="front")
        host.publish("puzzle", inputs.puzzle(stamp), modality="vision")
        fused = inputs.fused(stamp, total)
        fused.reason += f'; "{SECRET}"'
        host.publish("fused_salience", fused)
    host.run_until(first_ns + len(PEAK) * FRAME)


def everything(home: Path) -> bytes:
    """All bytes of all files of a home."""
    return b"".join(path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file())


def name(host: LockstepHost, text: str, privacy: int = 0) -> NamePlace.Response:
    return host.call("memory/name_place", NamePlace.Request(name=text, privacy=privacy))


def test_a_private_place_keeps_nothing_verbatim_until_it_is_public(tmp_path: Path) -> None:
    host = start(tmp_path)
    host.publish("pose", inputs.pose(T0 + FRAME, 0.0))
    host.run_until(T0 + S)
    assert name(host, "bathroom", NamePlace.Request.MAKE_PRIVATE).is_private
    assert name(host, "bathroom", 7).message.startswith("privacy = 7")
    live(host, T0 + 2 * S, 1.0)
    inside = host.messages("experience")[0]
    assert (inside.encoder_id, inside.reason) == (WITHHELD, "private: bathroom")
    assert (inside.text, inside.entity, inside.payload_sha256) == ("", "", "")
    assert not any(inside.codes) and inside.has_place and inside.total > 0.8
    asked = StoreExperience.Request(modality="vision", text=SECRET)
    stored = host.call("memory/store", asked)
    assert stored.success and stored.message == "stored without the words, which are private"
    with Memory.open(tmp_path, read_only=True) as memory:
        assert memory.labels(memory.recall(Query())[0].experience.id) == []
    host.close()
    assert SECRET.encode() not in everything(tmp_path)
    assert not list(tmp_path.glob("payloads/*/*"))
    assert not any(SECRET in line.text for line in host.logs)

    host = start(tmp_path)  # it is private after a restart, too
    live(host, T0 + 20 * S, 1.5)
    assert host.messages("experience")[0].encoder_id == WITHHELD
    assert not name(host, "bathroom", NamePlace.Request.MAKE_PUBLIC).is_private
    live(host, T0 + 40 * S, 1.5)
    public = host.messages("experience")[-1]
    assert (public.text, public.entity) == (SECRET, "anna")
    assert public.payload_sha256 and SECRET in public.reason
    host.close()
    assert SECRET.encode() in everything(tmp_path), "it would have been found"


def test_a_private_modality_keeps_nothing_verbatim_and_others_do(tmp_path: Path) -> None:
    host = start(tmp_path, private_modalities=["language"])
    live(host, T0 + S, 0.0)
    seen = host.messages("experience")[0]
    assert (seen.text, seen.entity) == ("", "") and seen.payload_sha256
    host.close()
    assert SECRET.encode() not in everything(tmp_path)


def test_what_is_private_is_in_the_diagnostics(tmp_path: Path) -> None:
    host = start(tmp_path, private_modalities=["audio"], private_places=["The bathroom"])
    assert any("no place is called 'bathroom' yet" in line.text for line in host.logs)
    live(host, T0 + S, 0.0)
    name(host, "bathroom")
    host.run_until(T0 + 3 * S)
    values = diagnostics(host)
    assert values["private_modalities"] == "audio"
    assert values["private_places"] == "bathroom (2.2 m)"
    assert values["private_here"] == "private: bathroom"
    gone = host.call("memory/name_place", NamePlace.Request(name="bathroom", forget=True))
    assert gone.success and "its privacy ends" in gone.message
    host.close()


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"private_modalities": ["visoin"]}, "private_modalities"),
        ({"private_places": ["?"]}, "name"),
    ],
)
def test_a_wrong_name_is_refused(tmp_path: Path, parameters: dict, field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        start(tmp_path, **parameters)


def test_what_is_recognised_in_private_is_not_kept(tmp_path: Path) -> None:
    host = start(tmp_path, private_modalities=["vision"])
    labels, stamp_ns = Labels("sight-1@abc", (Label(0, 0.9),)), T0 + S + 6 * FRAME
    host.publish("label_info", label_info("sight-1@abc", ["cat"]), modality="vision")
    host.publish("classes", classification(labels, ["cat"], stamp_ns, "front"), modality="vision")
    live(host, T0 + S, 0.0)
    host.publish("classes", classification(labels, ["cat"], stamp_ns, "front"), modality="vision")
    host.run_for(1.0)
    with Memory.open(tmp_path, read_only=True) as memory:
        (answer,) = memory.recall(Query())
        assert memory.labels(answer.experience.id) == []
    host.close()
