"""An index filled from plain records, its source, and the truth about a search by definition."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from sage_memory import Query
from sage_memory.core.index.index import ROLES, VectorIndex
from sage_memory.core.recall.conditions import conditions, wanted
from sage_memory.core.recall.exact import Hit
from sage_memory.core.recall.meaning import meanings
from sage_memory.core.recall.query import checked
from sage_memory.core.recall.query_plan import Asked, find
from sage_memory.core.rows.encoded_vectors import decode, encode_int8
from sage_memory.core.rows.indexed import COLUMNS, VectorRow
from sage_memory.core.rows.rows import sketch

ENCODERS = ("a", "b")
MODALITIES = ("vision", "audio")
Record = dict[str, Any]


def unit(values: Any) -> NDArray[np.float32]:
    vector = np.asarray(values, np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def puzzle(seed: int) -> NDArray[np.uint8]:
    """A puzzle of a few flat areas, as pictures have them."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 10, (3, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((10, 10), np.uint8))


coarse = st.sampled_from([-1.0, -0.5, 0.5, 1.0])  # few values, so that ties happen
vectors = st.tuples(coarse, coarse, coarse).map(unit)
records = st.lists(
    st.fixed_dictionaries(
        {
            "start_ns": st.integers(0, 50),
            "length": st.integers(0, 5),
            "total": st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
            "modality": st.sampled_from(MODALITIES),
            "source": st.sampled_from(["front", "back"]),
            "entity": st.sampled_from(["", "anna"]),
            "device_id": st.sampled_from(["r1", "r2"]),
            "place": st.none() | st.tuples(st.sampled_from(["map", "odom"]), st.integers(0, 4)),
            "alive": st.booleans(),
            "puzzle": st.none() | st.integers(0, 6),
            "encoding": st.sampled_from(["f32", "i8"]),
            "vectors": st.dictionaries(
                st.tuples(st.sampled_from(ENCODERS), st.sampled_from(ROLES)), vectors, max_size=4
            ),
        }
    ),
    max_size=40,
)
places = st.sampled_from([(0.0, 0.0, 0.0), (2.0, 0.0, 0.0), (2.0, 0.0, float("nan"))])
queries = st.builds(
    Query,
    text_embedding=st.none() | vectors,
    example=st.none() | vectors,
    example_codes=st.none() | st.integers(0, 8).map(puzzle),
    start_ns=st.none() | st.integers(0, 30),
    end_ns=st.none() | st.integers(30, 60),
    min_salience=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    modality=st.sampled_from(["", *MODALITIES, "touch"]),
    source=st.sampled_from(["", "front"]),
    entity=st.sampled_from(["", "anna"]),
    device_id=st.sampled_from(["", "r2"]),
    place=st.none() | places,
    place_radius_m=st.sampled_from([0.5, 1.0, 2.5]),
    limit=st.integers(1, 12),
)


def proven(asked: Query) -> Query:
    """A query as drawn, with the names that go with what it has."""
    return checked(
        replace(
            asked,
            text_encoder_id="a" if asked.text_embedding is not None else "",
            example_encoder_id="b" if asked.example is not None else "",
            place_frame="map" if asked.place is not None else "",
        )
    )


def identifier(number: int) -> bytes:
    return number.to_bytes(16, "big")


def vector_row(number: int, encoder: str, role: str, item: Record) -> VectorRow:
    values = item["vectors"][encoder, role]
    i8 = item.get("encoding") == "i8"
    blob = encode_int8(values[None])[0] if i8 else values.tobytes()
    encoding = "i8" if i8 else "f32"
    return VectorRow(number, encoder, role, values.size, encoding, zlib.crc32(blob), blob)


def experience_row(number: int, item: Record) -> list[Any]:
    frame, x = item.get("place") or (None, None)
    drawn = item.get("puzzle")
    whole = {"entity": "", "covers": 0, "pinned": 0, "alive": True} | item
    whole |= {
        "number": number,
        "id": identifier(number),
        "end_ns": item["start_ns"] + item["length"],
        "place_frame": frame,
        "place_x": x,
        "place_y": None if x is None else 0.0,
        "place_z": None if x is None else 1.0,
        "sketch": b"" if drawn is None else sketch(puzzle(drawn)).tobytes(),
    }
    return [whole[name] for name in COLUMNS]


def build(items: list[Record], parts: int = 2) -> VectorIndex:
    """An index of records numbered from 1, added in some parts."""
    index = VectorIndex()
    numbered = list(enumerate(items, start=1))
    for part in np.array_split(np.arange(len(items)), parts):
        chosen = [numbered[place] for place in part]
        index.add(
            [experience_row(number, item) for number, item in chosen],
            [vector_row(n, e, r, item) for n, item in chosen for e, r in item["vectors"]],
        )
    return index


class RecordSource:
    """Exact vectors and puzzles of records numbered from 1."""

    def __init__(self, items: list[Record]) -> None:
        self.items = items
        self.puzzles_read = self.vectors_read = 0

    def vectors(self, encoder_id, ids):
        found = {}
        self.vectors_read += len(ids)
        for key in ids:
            number = int.from_bytes(key, "big")
            item = self.items[number - 1]
            for encoder, role in item["vectors"]:
                if encoder == encoder_id:
                    row = vector_row(number, encoder, role, item)
                    found[key, role] = decode(row.encoding, row.dim, row.vector)
        return found

    def puzzles(self, ids):
        drawn = {key: self.items[int.from_bytes(key, "big") - 1].get("puzzle") for key in ids}
        self.puzzles_read += len(drawn)
        return {key: puzzle(seed) for key, seed in drawn.items() if seed is not None}


def searched(index: VectorIndex, asked: Query, source: RecordSource) -> list[Hit]:
    """Hits of a query, as a reader finds them."""
    view = index.view()
    tried = conditions(view, asked)
    fitting, kept = wanted(view, tried)
    return find(view, Asked(meanings(asked), [], tried, fitting, kept, -1), asked.limit, source)


def oracle(items: list[Record], asked: Query) -> dict[int, float]:
    """Score of every experience that fits, by the definition; by number."""
    found = {}
    for number, item in enumerate(items, start=1):
        scores = _scores(number, item, asked)
        if _fits(item, asked) and None not in scores:
            mean = np.clip(np.mean(scores), -1.0, 1.0) if scores else item["total"]  # int8: above 1
            found[number] = float(mean)
    return found


def _scores(number: int, item: Record, asked: Query) -> list[float | None]:
    exact = RecordSource([item] * number)
    key = identifier(number)
    scores: list[float | None] = []
    if asked.text_embedding is not None:
        own = exact.vectors("a", [key])
        scores.append(max((float(v @ asked.text_embedding) for v in own.values()), default=None))
    if asked.example is not None:
        percept = exact.vectors("b", [key]).get((key, ROLES[0]))
        scores.append(None if percept is None else float(percept @ asked.example))
    if asked.example_codes is not None:
        drawn = exact.puzzles([key]).get(key)
        if drawn is None:
            scores.append(None)
        else:
            difference = np.abs(drawn.astype(int) - asked.example_codes.astype(int)).sum()
            scores.append(1.0 - difference / 8100)
    return scores


def _fits(item: Record, asked: Query) -> bool:
    near = True
    if asked.place is not None:
        frame, x = item.get("place") or ("", 0)
        height = 0.0 if np.isnan(asked.place[2]) else 1.0 - asked.place[2]
        away = float(np.hypot(x - asked.place[0], height))
        near = frame == asked.place_frame and away <= asked.place_radius_m
    return bool(
        near
        and item["alive"]
        and (asked.start_ns is None or item["start_ns"] + item["length"] >= asked.start_ns)
        and (asked.end_ns is None or item["start_ns"] <= asked.end_ns)
        and item["total"] >= asked.min_salience
        and all(
            getattr(asked, name) in ("", item[name])
            for name in ("modality", "source", "entity", "device_id")
        )
    )
