"""`sage recall`: through the graph and from the store the answers are the same, and in words."""

from __future__ import annotations

import contextlib
import json
import math
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import soundfile
from memory_homes import START_NS, experience, rich
from recall_command import run, scene, tone

from sage.cli import main
from sage.client.graph_memory import GraphMemory
from sage.client.stored_memory import StoredMemory
from sage.recall.messages import reply_of, request_of
from sage.recall.no_answer import why_no_answer
from sage.recall.question import Question, Sound, Spot
from sage_common.core.labels import Label, Labels
from sage_common.ros.lockstep.host import LockstepHost
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.core.card import read_card
from sage_encoders.nodes.audio_encoder_node import AudioEncoderNode
from sage_encoders.nodes.language_encoder_node import LanguageEncoderNode
from sage_encoders.nodes.payload_embedders import texts
from sage_encoders.nodes.vision_encoder_node import VisionEncoderNode
from sage_memory import Memory, Payload
from sage_memory.backends.payload_encoding import picture, sound
from sage_memory.core.identifiers import id_text
from sage_memory.nodes.memory_node import MemoryNode


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A memory of five pictures and three sounds, as the encoders embed them."""
    from sage.recall.embedding import embed_image, embed_sound

    folder = tmp_path_factory.mktemp("recall") / "home"
    with contextlib.closing(texts()) as embedder:
        words, words_by = embedder.embed("a dog barks at the gate"), embedder.encoder_id
    with Memory.open(folder, device_id="robot") as memory:
        for index in range(5):
            image = scene(index)
            vector, encoder_id = embed_image(image)
            kept = rich(index) if index == 1 else experience(index)
            changes = {
                **vars(kept),
                "modality": "vision",
                "embedding": vector,
                "encoder_id": encoder_id,
            }
            if index == 2:
                changes |= {"text": "a dog barks", "text_embedding": words}
                changes |= {"text_encoder_id": words_by}
            memory.remember(type(kept)(**changes), picture(image)).result()
        for index, hertz in enumerate((220, 880, 3000), start=5):
            vector, encoder_id = embed_sound(Sound(tone(hertz), 16000))
            kept = experience(
                index, modality="audio", source="left", embedding=vector, encoder_id=encoder_id
            )
            memory.remember(kept, sound(tone(hertz), 16000)).result()
        old = experience(20, embedding=np.ones(8, np.float32), encoder_id="vision-0")
        memory.remember(old, Payload(b"gone", "image/webp")).result()
    for path in (folder / "payloads").rglob("*.webp"):
        if path.read_bytes() == b"gone":
            path.unlink()
    return folder


QUESTIONS = {
    "everything": Question(limit=100),
    "text": Question(text="a barking dog", declined=True),
    "nothing": Question(text="unicorn on the moon", declined=True),
    "the last time": Question(text="the last time I heard a dog bark"),
    "literal": Question(text="the last time I heard a dog bark", literal=True),
    "image": Question(image=scene(3)),
    "sound": Question(sound=Sound(tone(880, 44100), 44100), limit=3),
    "puzzle": Question(puzzle=experience(4).codes),
    "place": Question(spot=Spot("map", 0.0, -1.0, math.nan, 1.0)),
    "entity": Question(entity="anna"),
    "source": Question(source="left", min_salience=0.1),
    "device": Question(device="another"),
    "time": Question(start_ns=START_NS + 2_000_000_000, end_ns=START_NS + 4_000_000_000),
    "image, salient, seen": Question(
        image=scene(3), min_salience=0.3, modality="vision", declined=True
    ),
}


def test_the_help_lists_the_modalities_of_installed_packages(
    installed_thermometer: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["recall", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "proprioception, temperature, or another that the memory has moments of" in said


def test_both_ways_give_the_same(home: Path) -> None:
    stored = {name: StoredMemory(home).recall(question) for name, question in QUESTIONS.items()}
    like = Question(like=stored["image"].answers[0].id)
    stored["like"] = StoredMemory(home).recall(like)
    host = LockstepHost(home=home)
    host.add(MemoryNode, parameters={"device_id": "robot", "resume": False})
    for encoder in (VisionEncoderNode, AudioEncoderNode, LanguageEncoderNode):
        host.add(encoder, parameters={"load": "demand"})
    for name, question in {**QUESTIONS, "like": like}.items():
        told = reply_of(host.call("memory/recall", request_of(question)), question)
        assert told == stored[name], name
    host.close()
    assert len(stored["everything"].answers) == 9
    assert stored["image"].answers[0].score == pytest.approx(1.0, abs=1e-3)
    assert stored["puzzle"].answers[0].score == 1.0
    assert stored["place"].answers[0].place == {"frame": "map", "x": 0.1, "y": -1.0, "z": 2.5}
    assert [a.entity for a in stored["entity"].answers] == ["anna"]
    assert [a.source for a in stored["source"].answers] == ["left"] * len(stored["source"].answers)
    assert stored["device"].answers == ()
    assert stored["nothing"].answers == () and "below" in stored["nothing"].declined[0]
    assert stored["nothing"].notes[1].startswith("nothing fits: the best of 1 was ")
    assert len(stored["time"].answers) == 3
    assert stored["the last time"].notes[:2] == (
        "the last time: newest first",
        "heard: modality audio",
    )
    assert 'words left: "I heard a dog bark"' in stored["the last time"].notes[2]
    assert not any("modality audio" in note for note in stored["literal"].notes)
    assert 'words around it: "a dog barks"' in stored["text"].answers[0].reason
    assert any("vision-0" not in note and "no vector of" in note for note in stored["image"].notes)
    assert any("left by each condition" in n for n in stored["image, salient, seen"].notes)
    lost = [a for a in stored["everything"].answers if "payload is gone" in a.reason]
    assert len(lost) == 1 and lost[0].payload == ""


def test_both_ways_find_what_was_recognised(tmp_path: Path) -> None:
    seen = Labels("finder-1@c", (Label(1, 0.71, (0.0, 0.2, 0.3, 0.6)), Label(0, 0.1)))
    with Memory.open(tmp_path, device_id="robot") as memory:
        kept = memory.remember(experience(0), None, [(seen, ("cat", "bicycle"))]).result()
        memory.remember(experience(2)).result()
    question = Question(text="where did I see a bicycle?", declined=True)
    stored = StoredMemory(tmp_path).recall(question)
    host = LockstepHost(home=tmp_path)
    host.add(MemoryNode, parameters={"device_id": "robot", "resume": False})
    host.add(LanguageEncoderNode, parameters={"load": "demand"})
    told = reply_of(host.call("memory/recall", request_of(question)), question)
    host.close()
    assert told == stored
    (answer,) = stored.answers
    assert (answer.id, answer.reason) == (id_text(kept.id), "seen: bicycle 0.71, left")
    assert any("minilm" in note and "nor anything recognised" in note for note in stored.notes)


def test_what_was_seen_and_heard_is_written(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cv2.imwrite(str(tmp_path / "asked.png"), cv2.cvtColor(scene(3), cv2.COLOR_RGB2BGR))
    words = ("--image", tmp_path / "asked.png", "--limit", 2, "--home", home, "--json")
    status, told, _ = run(capsys, *words, "--thumbnails", tmp_path / "seen")
    assert status == 0
    (path,) = json.loads(told)["answers"][0]["thumbnails"]
    thumbnail = cv2.imread(path)
    assert max(thumbnail.shape) == 256
    soundfile.write(tmp_path / "asked.wav", np.stack([tone(880, 48000)] * 2, axis=1), 48000)
    words = ("--sound", tmp_path / "asked.wav", "--limit", 1, "--home", home)
    status, told, _ = run(capsys, *words, "--thumbnails", tmp_path / "heard", "--show")
    assert status == 0
    second, spectrum = sorted((tmp_path / "heard").iterdir(), key=lambda path: path.suffix)
    samples, rate_hz = soundfile.read(second)
    assert (len(samples), rate_hz) == (16000, 16000)
    assert cv2.imread(str(spectrum)).shape == (240, 400, 3)
    assert f"written: {second}" in told
    assert told.count("▀") > 500


def test_answers_are_told_in_words(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, told, _ = run(capsys, "--entity", "anna", "--home", home, "--explain")
    assert status == 0
    assert "about anna" in told and "at 0.10, -1.00, 2.50 m in map" in told
    assert "surprise 0.10, novelty 0.20" in told and "on robot, encoded by " in told
    assert "note: left by each condition: kept in memory: 9, then " in told
    assert "compared as" not in told, "no meaning was asked for"
    status, told, _ = run(
        capsys, "a barking dog", "--modality", "vision", "--home", home, "--explain"
    )
    assert status == 0 and "encoded by sage-vision" in told
    assert f"note: compared as {read_card(models_folder() / 'minilm.json').encoder_id}\n" in told
    status, told, _ = run(capsys, "what happened yesterday?", "--home", home)
    assert status == 1 and "note: yesterday: from " in told and "note: no words left" in told
    status, told, _ = run(capsys, "unicorn on the moon", "--home", home)
    assert status == 1 and "note: nothing fits: the best of 1 was " in told
    status, told, said = run(capsys, "--until", "1971-01-01", "--home", home)
    assert (status, told) == (1, "") and "fits" in said
    words = ("--like", json.loads(run(capsys, "--home", home, "--json")[1])["answers"][0]["id"])
    status, told, _ = run(capsys, *words, "--source", "left", "--declined", "--home", home)
    assert "close, but declined:" in told or status == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--since", "yesterday"), "since = 'yesterday': expected an ISO 8601 time"),
        (("--place", "map,1"), "place = 'map,1': expected FRAME,X,Y"),
        (("--place", "map,1,x", "--within", "2"), "place = 'map,1,x'"),
        (("--place", "map,1,2"), "within = '': expected metres beside --place, for instance 2.5"),
        (("--place", "map,1,2", "--within", "-1"), "within = -1.0: expected metres"),
        (("--within", "3"), "within = 3.0: expected --place, too"),
        (("--like", "abc"), "like = 'abc': expected a UUID"),
        (("--limit", "0"), "limit = 0: expected 1 to 1000"),
        (("--limit", "-3"), "limit = -3: expected 1 to 1000"),
        (("--min-salience", "2"), "min-salience = 2.0"),
        (("--min-salience", "nan"), "min-salience = nan"),
        (("--since", "-5m"), "since = '-5m': expected an ISO 8601 time, a time of day"),
        (("--since=-5m",), "since = '-5m': expected an ISO 8601 time, a time of day"),
        (("--until", "-5m"), "until = '-5m': expected an ISO 8601 time, a time of day"),
        (("--since", "1h", "--until", "2h"),
         "since = '1h': expected a time that is not after until = '2h'"),
        (("--since", "9999-01-01"), "since = '9999-01-01': expected a time from 1970 to 2262"),
        (("--until", "99999d"), "until = '99999d': expected a time from 1970 to 2262"),
        (("caf\udce9",), r"text = 'caf\udce9': expected valid UTF-8"),
        (("--source", "\udce9"), r"source = '\udce9': expected valid UTF-8"),
        (("--image", "/none.png"), "image = '/none.png': expected a file that can be read"),
        (("--sound", "/none.wav"), "sound = '/none.wav': expected a sound file that is there"),
        (("--puzzle", "/none.txt"), "puzzle = '/none.txt'"),
        (("--puzzle", __file__), f"puzzle = '{__file__}': expected 30 lines of 30 digits"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("with_graph", [False, True])
def test_a_wrong_value_names_its_field_and_is_not_asked(
    home: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    said: str,
    with_graph: bool,
) -> None:
    running = object() if with_graph else None
    monkeypatch.setattr("sage.client.memory_client.running_graph", lambda _home: running)
    for client in (GraphMemory, StoredMemory):
        monkeypatch.setattr(client, "recall", lambda *_: pytest.fail("was asked"))
    status, told, error = run(capsys, *words, "--home", home)
    assert (status, told) == (2, "")
    assert said in error and len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--modality", "visoin"), "modality 'visoin': no experience has it; the nearest known is "
         "vision (others: audio)"),
        (("--source", "fron"), "source 'fron': no experience has it; the nearest known is front"),
        (("--entity", "ana"), "entity 'ana': no experience has it; the nearest known is anna"),
        (("--device", "robo"), "device 'robo': no experience has it; the nearest known is robot"),
    ],
)  # fmt: skip
def test_an_unknown_name_gets_the_nearest_known_one(
    home: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    status, told, error = run(capsys, *words, "--home", home)
    assert status == 1 and f"note: {said}" in told and "fits" in error
    status, told, _ = run(capsys, *words, "--home", home, "--json")
    assert status == 1 and any(note.startswith(said) for note in json.loads(told)["notes"])


def test_a_place_that_nothing_can_fit_is_told(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, told, _ = run(capsys, "--place", "mapp,1,2", "--within", "1", "--home", home)
    assert status == 1
    assert "place: no experience knows where it was" in told or "the nearest known is map" in told


def test_a_known_name_without_an_answer_gets_no_hint(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--modality", "audio", "--entity", "anna", "--home", home)
    status, told, error = run(capsys, *words)
    assert (status, told) == (1, "") and "fits" in error


def test_a_graph_whose_store_lies_elsewhere_gets_no_hint(tmp_path: Path) -> None:
    assert why_no_answer(tmp_path, Question(modality="visoin")) == []


@pytest.mark.parametrize("text", ["", "   ", "\t"])
def test_words_that_are_none_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    status, _, error = run(capsys, text, "--home", tmp_path)
    assert status == 2 and "expected words; without any, all that fits" in error


def test_words_of_another_language_without_an_answer_are_told_to_be_english(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Memory.open(tmp_path) as memory:
        memory.add("the red door of the workshop is open")
    for text in ("昨天我在哪里看到自行车", "ประตู", "où est mon vélo bleu"):
        status, told, _ = run(capsys, text, "--home", tmp_path)
        assert status == 1 and "ask in English" in told
    status, told, _ = run(capsys, "unicorns on the moon", "--home", tmp_path)
    assert status == 1 and "ask in English" not in told
