"""Places are named, grow, are found again by their names, and outlive what happens to a store."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path

import pytest
from experiences import START_NS, numbered
from hypothesis import given
from hypothesis import strategies as st

from sage_common.core.errors import InvalidInput
from sage_memory import Memory, Place, Query
from sage_memory.core.places.named_place import NamedPlace, checked, grown, named_at, plain_name
from sage_memory.core.places.spoken import spoken_place
from sage_memory.core.recovery.repair import repair

METRES = st.floats(-1e6, 1e6)
SPOTS = st.tuples(METRES, METRES, METRES)


def kitchen(x: float = 0.0, frame: str = "map", sigma_m: float = 0.0) -> NamedPlace:
    return named_at("The kitchen", frame, (x, 0.0, 0.0), sigma_m, START_NS)


def test_an_area_reaches_around_where_it_was_named_the_further_the_vaguer_the_pose() -> None:
    assert kitchen() == NamedPlace("kitchen", "map", (0.0, 0.0, 0.0), 2.0, 1, START_NS)
    assert kitchen(sigma_m=0.5).radius_m == 3.0


@given(st.lists(st.tuples(SPOTS, st.floats(0.0, 1.0)), min_size=1, max_size=8))
def test_an_area_holds_all_spots_where_it_was_named(spots) -> None:
    named = [named_at("hall", "map", spot, sigma, 5) for spot, sigma in spots]
    place = named[0]
    for again in named[1:]:
        wider = grown(place, again)
        assert wider.radius_m >= max(place.radius_m, again.radius_m)
        place = wider
    assert place.namings == len(named)
    for one in named:
        reach = math.dist(place.centre, one.centre) + one.radius_m
        assert reach <= place.radius_m * (1.0 + 1e-9) + 1e-6


def test_a_place_that_is_named_in_another_frame_is_there() -> None:
    moved = grown(kitchen(), kitchen(7.0, frame="odom"))
    assert (moved.frame, moved.centre, moved.radius_m) == ("odom", (7.0, 0.0, 0.0), 2.0)
    assert moved.namings == 2


@pytest.mark.parametrize(
    ("name", "plain"),
    [("Kitchen", "kitchen"), (" the  living Room. ", "living room"), ("Küche", "küche"),
     ("My office", "office"), ("the", "the"), ("台所", "台所")],
)  # fmt: skip
def test_names_are_kept_plain(name: str, plain: str) -> None:
    assert plain_name(name) == plain == plain_name(plain)


@pytest.mark.parametrize("name", ["", "  ", "...", "x" * 65, 7, "\ud800"])
def test_a_name_that_is_none_is_refused(name) -> None:
    with pytest.raises(InvalidInput, match="name"):
        plain_name(name)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("frame", NamedPlace("hall", "", (0.0, 0.0, 0.0), 1.0)),
        ("centre", NamedPlace("hall", "map", (math.nan, 0.0, 0.0), 1.0)),
        ("radius_m", NamedPlace("hall", "map", (0.0, 0.0, 0.0), math.nan)),
        ("radius_m", NamedPlace("hall", "map", (0.0, 0.0, 0.0), 0.0)),
        ("namings", NamedPlace("hall", "map", (0.0, 0.0, 0.0), 1.0, 0)),
        ("name", NamedPlace("The Hall", "map", (0.0, 0.0, 0.0), 1.0)),
    ],
)
def test_a_wrong_place_names_its_field(field: str, wrong: NamedPlace) -> None:
    with pytest.raises(InvalidInput, match=field):
        checked(wrong)


SPOKEN = [
    ("This is the kitchen.", "kitchen"),
    ("this is my living room", "living room"),
    ("We are in the kitchen now.", "kitchen"),
    ("OK, we're in the hallway!", "hallway"),
    ("I’m at the front entrance", "front entrance"),
    ("this is the loading bay", "loading bay"),
    ("this is the end", ""),
    ("this is the dog", ""),
    ("we are in the middle of the street", ""),
    ("this is the kitchen knife", ""),
    ("this is not the kitchen", ""),
    ("is this the kitchen?", ""),
    ("this is kitchen", ""),
    ("I like the kitchen", ""),
    ("das ist die Küche", ""),
    ("", ""),
]


@pytest.mark.parametrize(("text", "name"), SPOKEN)
def test_places_are_named_in_what_is_said(text: str, name: str) -> None:
    assert spoken_place(text, {"loading bay"}) == name


@given(st.text(max_size=60))
def test_any_words_are_heard(text: str) -> None:
    assert spoken_place("this is the " + text, ()) in ("", " ".join(text.casefold().split())) or (
        spoken_place("this is the " + text, ()) in text.casefold()
    )


def test_a_place_is_kept_asked_for_and_forgotten(tmp_path: Path) -> None:
    def at(index: int, x: float, frame: str = "map") -> bytes:
        place = Place(frame, (x, 0.0, 0.0))
        return memory.remember(numbered(index, place=place)).result().id

    with Memory.open(tmp_path) as memory:
        inside, _outside, _other = at(1, 1.0), at(2, 9.0), at(3, 1.0, "odom")
        memory.name_place(kitchen()).result()
        assert memory.name_place(kitchen(1.0)).result().namings == 2
    with Memory.open(tmp_path) as memory:
        (place,) = memory.places()
        assert (place.centre, place.radius_m, place.namings) == ((0.5, 0.0, 0.0), 2.5, 2)
        reading = memory.read_question(Query(text="what happened in the kitchen?"))
        assert reading.notes[0] == "kitchen: within 2.5 m of 0.5, 0.0 in map"
        assert [answer.experience.id for answer in memory.recall(reading.query)] == [inside]
        assert memory.inspect() == []
        with pytest.raises(InvalidInput, match="a place that is known; the nearest is 'kitchen'"):
            memory.forget_place("kitchn").result()
        memory.forget_place("the Kitchen").result()
        assert memory.places() == []
        with pytest.raises(InvalidInput, match="a place that is known"):
            memory.forget_place("kitchen").result()
        asked = Query(text="what happened in the kitchen?")
        assert memory.read_question(asked).query == asked
    for path in tmp_path.glob("memory.db*"):
        assert b"kitchen" not in path.read_bytes(), path


def test_a_place_is_private_until_it_is_public_or_forgotten(tmp_path: Path) -> None:
    with Memory.open(tmp_path) as memory:
        memory.name_place(kitchen()).result()
        with pytest.raises(InvalidInput, match="a place that is known; the nearest is 'kitchen'"):
            memory.set_private("kitchn", True).result()
        assert memory.set_private("The kitchen", True).result().is_private
        assert memory.name_place(kitchen(1.0)).result().is_private
    done = repair(tmp_path)
    assert done.kept["places"] == 1
    with Memory.open(tmp_path) as memory:
        assert [place.is_private for place in memory.places()] == [True]
        assert not memory.set_private("kitchen", False).result().is_private
        assert [place.is_private for place in memory.places()] == [False]
        memory.set_private("kitchen", True).result()
        assert memory.forget_place("kitchen").result().is_private
        assert not memory.name_place(kitchen()).result().is_private
        assert memory.inspect() == []


def test_a_damaged_place_is_found_left_out_and_not_repaired(tmp_path: Path) -> None:
    with Memory.open(tmp_path) as memory:
        memory.remember(numbered(1)).result()
        memory.name_place(kitchen()).result()
        memory.name_place(named_at("hall", "map", (5.0, 0.0, 0.0), 0.0, START_NS)).result()
    with sqlite3.connect(tmp_path / "memory.db") as connection:
        connection.execute("UPDATE places SET radius_m = -1 WHERE name = 'hall'")
    connection.close()
    with Memory.open(tmp_path) as memory:
        assert [place.name for place in memory.places()] == ["kitchen"]
        (finding,) = memory.inspect()
        assert finding.what == "place" and "hall" in finding.where and "radius_m" in finding.where
    done = repair(tmp_path)
    assert done.kept["places"] == 1 and "1 places that are none" in done.lost
    with Memory.open(tmp_path) as memory:
        assert [place.name for place in memory.places()] == ["kitchen"]
        assert not [one for one in memory.inspect() if one.what == "place"]
