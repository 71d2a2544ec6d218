"""`sage teach` on a store at rest."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from memory_homes import experience, made_home

from sage.cli import main
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.core.card import ModelError
from sage_memory import Memory, Query
from sage_memory.backends.payload_encoding import picture
from sage_memory.core.identifiers import parse_id
from sage_memory.core.ingest.privacy import WITHHELD

RATE_HZ = 16000


@pytest.fixture(autouse=True)
def _models() -> None:
    try:
        models_folder()
    except ModelError as error:
        pytest.skip(f"{error}: make test-environment")


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    try:
        status = main(["teach", *map(str, words)])
    except SystemExit as stopped:  # argparse
        status = int(stopped.code or 0)
    written = capsys.readouterr()
    return status, written.out, written.err


def page(darker: int = 0) -> np.ndarray:
    """Lines of text, uint8 [240, 320, 3]."""
    image = np.full((240, 320, 3), 255 - darker, np.uint8)
    for line in range(8):
        cv2.putText(image, "words on a page", (10, 28 * line + 20), 0, 1.0, (0, 0, 0), 2)
    return image


def discs() -> np.ndarray:
    """Red discs, uint8 [240, 320, 3]."""
    image = np.full((240, 320, 3), (200, 220, 240), np.uint8)
    for place in ((60, 80), (110, 180), (170, 60), (230, 150)):
        cv2.circle(image, place, 35, (200, 30, 30), -1)
    return image


def home_with_pictures(home: Path) -> list[bytes]:
    """A memory that keeps a page and, last, discs."""
    with Memory.open(home) as memory:
        return [
            memory.remember(experience(2 * n, modality="vision"), picture(image)).result().id
            for n, image in enumerate((page(), discs()))
        ]


def names(home: Path, identifier: bytes) -> list[str]:
    with Memory.open(home, read_only=True) as memory:
        return [name for one in memory.labels(identifier) for name in one.vocabulary]


def test_a_word_is_taught_with_pictures_found_listed_and_forgotten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ("--home", tmp_path / "home")
    ids = home_with_pictures(tmp_path / "home")
    assert run(capsys, "--list", *home)[1].endswith("no word was taught yet\n")
    for n in (1, 2):
        cv2.imwrite(str(tmp_path / f"{n}.png"), page(darker=10 * n))
    files = ("--image", tmp_path / "1.png", "--image", tmp_path / "2.png")
    status, told, said = run(capsys, "My", "Cup", *files, *home)
    assert (status, said) == (0, "")
    assert told == "my cup: 2 examples; found in 1 of the last 2 that are kept\n"
    assert [names(tmp_path / "home", key) for key in ids] == [["my cup"], []]
    status, told, _ = run(capsys, "my pen", "--last", "--json", *home)
    told = json.loads(told)
    assert parse_id(told.pop("last")["id"], "id") == ids[1]
    assert told == {"word": "my pen", "examples": 1, "looked_at": 2, "found": 1, "note": ""}
    assert names(tmp_path / "home", ids[1]) == ["my pen"]
    assert main(["recall", "where did I see a cup?", "--json", *map(str, home)]) == 0
    answers = json.loads(capsys.readouterr().out)["answers"]
    assert [parse_id(one["id"], "id") for one in answers] == ids[:1]
    assert "seen: my cup 1" in answers[0]["reason"]
    listed = json.loads(run(capsys, "--list", "--json", *home)[1])["words"]
    assert [(one["word"], one["kind"], one["examples"]) for one in listed] == [
        ("my cup", "picture", 2), ("my pen", "picture", 1),
    ]  # fmt: skip
    status, _, said = run(capsys, "Car", "--image", tmp_path / "1.png", *home)
    assert status == 0 and said.startswith("note: car is recognised untaught, too")
    assert run(capsys, "car", "--forget", *home)[0] == 0
    assert "my cup: 2 pictures, taught " in run(capsys, "--list", *home)[1]
    assert run(capsys, "my", "cup", "--forget", *home)[1] == "my cup is forgotten\n"
    assert names(tmp_path / "home", ids[0]) == []
    status, _, said = run(capsys, "my cup", "--forget", *home)
    assert status == 2 and "a word that was taught; the nearest is 'my pen'" in said


def test_a_word_is_taught_with_sounds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ("--home", tmp_path / "home")
    made_home(tmp_path / "home")
    tone = np.sin(np.arange(3 * RATE_HZ) * 0.3).astype(np.float32)
    soundfile.write(tmp_path / "tone.wav", np.concatenate([tone, 0 * tone]), RATE_HZ)
    status, told, said = run(capsys, "звонок", "--sound", tmp_path / "tone.wav", *home)
    assert (status, said) == (0, "")
    assert told == "звонок: 1 example; found in 0 of the last 0 that are kept\n"
    status, told, _ = run(capsys, "bell", "--last", "--modality", "audio", *home)
    assert told.startswith("bell: 1 example; the last one was kept 20")
    assert told.endswith("; found in 1 of the last 3 that are kept\n")
    status, _, said = run(capsys, "bell", "--last", "--modality", "audio", *home)
    assert status == 2 and "1 of 1 given twice or known" in said
    with Memory.open(tmp_path / "home") as memory:
        nothing = {"embedding": np.ones(1, np.float32), "encoder_id": WITHHELD}
        memory.remember(experience(9, modality="audio", **nothing)).result()
    status, _, said = run(capsys, "bell", "--last", "--modality", "audio", *home)
    assert status == 2 and "a sound to learn from: the last is private" in said
    soundfile.write(tmp_path / "nothing.wav", 0 * tone, RATE_HZ)
    status, _, said = run(capsys, "bell", "--sound", tmp_path / "nothing.wav", *home)
    assert status == 2 and "expected a sound that is not silent in its last 30 s" in said


def test_what_is_wrong_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "home"
    with Memory.open(home):
        pass
    (tmp_path / "text.txt").write_text("no picture")
    cv2.imwrite(str(tmp_path / "small.png"), page()[:20, :30])
    cv2.imwrite(str(tmp_path / "large.jpg"), np.tile(page(), (18, 24, 1)))
    cv2.imwrite(str(tmp_path / "grey.jpg"), np.full((240, 320, 3), 128, np.uint8))
    for words, expected in {
        ("cup",): "required",
        ("cup", "--last", "--list"): "not allowed with",
        ("--last",): "word = '': expected a word or a few",
        ("x" * 65, "--last"): "1 to 64 characters",
        ("?!", "--last"): "a word or a few",
        ("cup", "--list"): "none beside --list",
        ("cup", "--image", "nowhere.png"): "a file that can be read",
        ("cup", "--image", tmp_path / "text.txt"): "a picture: JPEG, PNG",
        ("cup", "--image", tmp_path / "small.png"): "expected 32 pixels a side or more, not 30x20",
        ("cup", "--image", tmp_path / "grey.jpg"): "expected a picture that shows something",
        ("cup", "--sound", tmp_path / "text.txt"): "WAV, FLAC, OGG or MP3",
        ("cup", "--last"): "last = 'vision': expected a kept picture",
        ("cup", "--last", "--modality", "audio"): "expected a kept sound",
        ("cup", "--last", "--modality", "smell"): "one that keeps pictures or sounds",
        ("cup", "--forget", "--modality", "audio"): "--last beside it",
    }.items():
        status, told, said = run(capsys, *words, "--home", home)
        assert (status, told) == (2, "") and expected in said, (words, said)
        assert len(said.splitlines()) == 1 or "usage" in said
    large = ("cup", "--image", tmp_path / "large.jpg")
    assert run(capsys, *large, "--home", home)[0] == 0
    with Memory.open(home) as memory:
        assert memory.recall(Query()) == [] and len(memory.taught_words()) == 1
