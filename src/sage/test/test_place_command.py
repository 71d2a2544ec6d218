"""`sage place` on a store at rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sage.cli import main
from sage_memory import Memory
from sage_memory.core.places.named_place import named_at


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    status = main(["place", *map(str, words)])
    written = capsys.readouterr()
    return status, written.out, written.err


def test_places_are_listed_and_forgotten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ("--home", tmp_path)
    status, _, said = run(capsys, *home)
    assert status == 2 and "no store here yet" in said
    with Memory.open(tmp_path) as memory:
        pass
    assert run(capsys, *home)[1] == f"{tmp_path}: no place is known by name yet\n"
    with Memory.open(tmp_path) as memory:
        for x in (0.0, 1.0):
            memory.name_place(named_at("kitchen", "map", (x, -2.0, 0.5), 0.0, 5)).result()
    told = "kitchen: within 2.50 m of 0.50, -2.00, 0.50 in map, named 2 times\n"
    assert run(capsys, *home) == (0, told, "")
    (place,) = json.loads(run(capsys, *home, "--json")[1])["places"]
    assert (place["name"], place["centre"], place["namings"]) == ("kitchen", [0.5, -2.0, 0.5], 2)
    status, _, said = run(capsys, "living", "room", *home)
    assert status == 2 and "a running graph, which knows where the robot is" in said
    private = told.replace("times", "times, private")
    status, made, _ = run(capsys, "the kitchen", "--private", *home)
    assert status == 0 and made.startswith(private + "what was kept there before stays; ")
    assert made.endswith("  sage recall --place map,0.50,-2.00,0.50 --within 2.50\n")
    assert run(capsys, *home)[1] == private
    (place,) = json.loads(run(capsys, *home, "--json")[1])["places"]
    assert place["is_private"]
    assert run(capsys, "kitchen", "--public", *home) == (0, told, "")
    for wrong in (("cellar", "--forget"), ("...",), ("--forget",), ("cellar", "--private")):
        status, told, said = run(capsys, *wrong, *home)
        assert (status, told) == (2, "") and said.startswith("sage place: name = ")
    assert run(capsys, "the kitchen", "--forget", *home)[1] == "kitchen is forgotten\n"
    assert "no place is known" in run(capsys, *home)[1]


def test_that_the_privacy_of_a_forgotten_place_ends_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Memory.open(tmp_path) as memory:
        memory.name_place(named_at("bathroom", "map", (0.0, 0.0, 0.0), 0.0, 5)).result()
        memory.set_private("bathroom", True).result()
    told = run(capsys, "the bathroom", "--forget", "--home", tmp_path)[1]
    assert told.startswith("bathroom is forgotten; its privacy ends: ")
