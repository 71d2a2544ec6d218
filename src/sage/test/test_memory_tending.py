"""`sage memory` verify, repair, reembed, pin and forget on a store at rest."""

from __future__ import annotations

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from memory_command import as_json, run
from memory_homes import experience, made_home

from sage.cli import main
from sage.memory.reembedding import reembed_home
from sage_memory import Memory, Query
from sage_memory.backends.payload_encoding import picture, sound
from sage_memory.core.identifiers import id_text


def test_pinning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = id_text(made_home(tmp_path)[2].id)
    status, told, _ = run(capsys, "pin", name, "--home", tmp_path)
    assert (status, told) == (0, f"{name} is pinned: it is never evicted\n")
    assert as_json(capsys, "stats", "--home", tmp_path)["pinned"] == 1
    assert as_json(capsys, "pin", name, "--off", "--home", tmp_path)["pinned"] is False
    assert as_json(capsys, "stats", "--home", tmp_path)["pinned"] == 0
    status, _, said = run(capsys, "pin", "abc", "--home", tmp_path)
    assert status == 2 and "id = 'abc': expected a UUID" in said
    status, _, said = run(capsys, "pin", "0" * 32, "--home", tmp_path)
    assert status == 2 and "an experience of this store" in said


def test_forgetting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = made_home(tmp_path)
    name = id_text(kept[1].id)
    words = ("forget", name, "--reason", "a wish", "--home", tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    status, _, said = run(capsys, *words)
    assert status == 2 and "--yes: there is no terminal to ask at" in said
    assert as_json(capsys, *words, "--yes")["forgotten"] == 1
    found = as_json(capsys, "stats", "--home", tmp_path)
    assert (found["experiences"], found["forgotten"], found["payloads"]) == (5, 1, 2)
    content = (tmp_path / "memory.db").read_bytes()
    assert kept[1].embedding.tobytes() not in content and b"reason 1" not in content
    assert b"a wish" in content
    status, _, said = run(capsys, *words, "--yes")
    assert status == 2 and "not forgotten" in said


def test_verifying_and_repairing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_home(tmp_path)
    status, told, _ = run(capsys, "verify", "--home", tmp_path)
    assert (status, told) == (0, f"{tmp_path}: nothing is wrong\n")
    database = tmp_path / "memory.db"
    data = bytearray(database.read_bytes())
    spot = data.find(made_vector(tmp_path))
    data[spot] ^= 1
    database.write_bytes(data)
    status, told, _ = run(capsys, "verify", "--home", tmp_path)
    assert status == 1 and "serious: vector: " in told
    done = as_json(capsys, "repair", "--home", tmp_path)
    assert done["kept"]["experiences"] == 6 and len(done["lost"]) == 1
    assert Path(done["set_aside"]).is_dir()
    status, told, _ = run(capsys, "verify", "--home", tmp_path)
    assert status == 0, told
    database.write_bytes(database.read_bytes()[:5000])
    status, told, _ = run(capsys, "verify", "--home", tmp_path)
    assert status == 1 and "sage memory repair" in told


def made_vector(home: Path) -> bytes:
    with Memory.open(home, read_only=True) as memory:
        (answer,) = memory.recall(Query(limit=1, with_embedding=True))
    return answer.experience.embedding.tobytes()


def scene(seed: int) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(small, (160, 120), interpolation=cv2.INTER_CUBIC), np.uint8)


def old_home(home: Path, count: int = 70) -> None:
    """What was kept with encoders of before: pictures, a sound, words; one payload is lost."""
    old = {"encoder_id": "before-1", "embedding": np.ones(4, np.float32)}
    with Memory.open(home) as memory:
        for index in range(count):
            memory.remember(experience(index, modality="vision", **old), picture(scene(index)))
        times = np.arange(16000) / 16000
        tone = (0.3 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)
        memory.remember(experience(count, modality="audio", **old), sound(tone, 16000))
        said = experience(count + 1, modality="language", text="a dog barks", **old)
        memory.remember(said)
        heard = experience(count + 2, modality="proprioception", text="mind the step", **old)
        memory.remember(heard).result()
        lost = memory.recall(Query(modality="vision", limit=1))[0].payload_path
    lost.unlink()


def test_what_was_kept_with_other_encoders_is_found_with_the_present_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old_home(tmp_path, count=5)
    ask = ["recall", "a barking dog", "--home", str(tmp_path), "--json"]
    assert main(ask) == 1
    assert "3 experiences have no vector" not in capsys.readouterr().out
    done = as_json(capsys, "reembed", "--home", tmp_path)
    assert (done["made"], done["failed"]) == (4 + 1 + 2, 1)
    assert "No such file" in done["fault"]
    assert main(ask) == 0
    answers = json.loads(capsys.readouterr().out)["answers"]
    assert [answer["text"] for answer in answers] == ["a dog barks"]
    assert answers[0]["reason"].startswith('said: "a dog barks"')
    cv2.imwrite(str(tmp_path / "asked.png"), cv2.cvtColor(scene(2), cv2.COLOR_RGB2BGR))
    words = ["recall", "--image", str(tmp_path / "asked.png"), "--home", str(tmp_path), "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["answers"][0]["score"] > 0.9
    again = as_json(capsys, "reembed", "--home", tmp_path)
    assert (again["made"], again["failed"]) == (0, 1)
    status, _, _ = run(capsys, "verify", "--home", tmp_path)
    assert status in (0, 1)


def test_stopped_in_between_it_goes_on_where_it_was(tmp_path: Path) -> None:
    old_home(tmp_path)
    asked: list[str] = []

    def note(_share: float, stage: str) -> None:
        asked.append(stage)

    first = reembed_home(tmp_path, note, lambda: len(asked) == 2)
    second = reembed_home(tmp_path, note, lambda: False)
    assert 0 < first.made < 72
    assert first.made + second.made == 69 + 1 + 2
