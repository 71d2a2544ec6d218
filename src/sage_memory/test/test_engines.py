"""One store on three engines: a file, an encrypted file, and a PostgreSQL server."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import column, insert, table

from sage_common.core.clock import ManualClock
from sage_memory import (
    Memory,
    NotStored,
    Payload,
    Place,
    Query,
    StoreLocked,
    StoreMissing,
    StoreTooOld,
)
from sage_memory.core.engine import schema
from sage_memory.migrations import upgrade

START_NS = 1_700_000_000_000_000_000
COUNT = 60


def lived(make, index: int):
    """An experience with words, a place and more, all from its number."""
    rng = np.random.default_rng(index)
    return make(
        index,
        modality=("vision", "audio", "language")[index % 3],
        entity=f"speaker:{index % 5}",
        text=f"words {index}",
        text_embedding=rng.normal(size=8).astype(np.float32),
        text_encoder_id="words-1",
        context={"vision": (0.1, 0.2, 0.3, 0.4, 0.5)},
        place=Place("map", (float(index), 0.0, 0.0)),
    )


def questions(make) -> list[Query]:
    """One of each kind, and conjunctions."""
    example = {"example": make(7).embedding, "example_encoder_id": "vision-1-abc"}
    words = np.random.default_rng(11).normal(size=8).astype(np.float32)
    return [
        Query(limit=COUNT),
        Query(**example, limit=COUNT),
        Query(text_embedding=words, text_encoder_id="words-1"),
        Query(min_salience=0.8, limit=COUNT),
        Query(start_ns=START_NS + 10_000_000, end_ns=START_NS + 20_000_000),
        Query(**example, modality="audio", min_salience=0.3, start_ns=START_NS + 5_000_000),
        Query(entity="speaker:3", limit=COUNT),
        Query(place_frame="map", place=(12.0, 0.0, 0.0), place_radius_m=4.0),
    ]


def fill(memory: Memory, make) -> list[bytes]:
    """Remember them all; every fifth has a payload. Their ids."""
    futures = []
    for index in range(COUNT):
        payload = Payload(f"payload {index}".encode() * 9, "image/webp") if index % 5 == 0 else None
        futures.append(memory.remember(lived(make, index), payload))
    return [future.result().id for future in futures]


def told(answer) -> tuple:
    """What an answer says, without where its payload lies."""
    kept = answer.experience
    return (kept.id, answer.score, answer.reason, kept.text, kept.payload_sha256, kept.place)


def equal_ids() -> dict:
    return {"clock": ManualClock(START_NS), "rng": np.random.default_rng(0)}


def test_what_was_remembered_comes_back_whole(place, experience) -> None:
    with place.open() as memory:
        kept = memory.remember(lived(experience, 5), Payload(b"picture" * 9, "image/webp")).result()
    with place.open() as memory:
        memory.verify()
        (answer,) = memory.recall(Query(with_embedding=True))
        found = answer.experience
        data = memory.payload_files.read(found.payload_sha256, found.payload_media_type)
    original = lived(experience, 5)
    assert found.id == kept.id
    assert found.text == original.text
    assert found.place == original.place
    assert found.context == original.context
    assert (found.codes == original.codes).all()
    unit = original.embedding / np.linalg.norm(original.embedding)
    np.testing.assert_allclose(found.embedding, unit, rtol=1e-6)
    assert data == b"picture" * 9


def test_every_engine_gives_the_answers_of_a_plain_file(place, experience, tmp_path) -> None:
    device = {"device_id": place.options.get("device_id", "robot")}
    with Memory.open(tmp_path / "plain", **equal_ids(), **device) as memory:
        fill(memory, experience)
        expected = [memory.recall(query) for query in questions(experience)]
    assert all(expected)
    with place.open(**equal_ids(), **device) as memory:
        fill(memory, experience)
        for query, answers in zip(questions(experience), expected, strict=True):
            assert [told(a) for a in memory.recall(query)] == [told(a) for a in answers]


def test_durability_is_told(place) -> None:
    with place.open() as memory:
        durability = memory.statistics().durability
    if "url" in place.options:
        assert durability.endswith("synchronous_commit on, fsync on")
    else:
        assert durability.startswith("WAL, synchronous FULL")
        assert durability.endswith(", encrypted") == ("key" in place.options)


def test_a_second_writer_is_refused(place, tmp_path) -> None:
    with place.open(), pytest.raises(StoreLocked):
        place.open()
    place.open().close()  # free again


def test_a_reader_needs_a_store(place) -> None:
    with pytest.raises(StoreMissing):
        place.open(read_only=True)


def test_a_reader_follows_the_writer(place, experience) -> None:
    with place.open() as memory:
        first = memory.remember(lived(experience, 1)).result()
        with place.open(read_only=True) as reader:
            assert [a.experience.id for a in reader.recall(Query())] == [first.id]
            second = memory.remember(lived(experience, 2)).result()
            found = {a.experience.id for a in reader.recall(Query())}
            assert found == {first.id, second.id}
            reader.verify()


def store_of_schema_1(place, make) -> bytes:
    """A store as its first version left it, with one experience; the experience's id."""
    storage = place.storage()
    storage.create(place.options.get("device_id", "robot"), ManualClock(START_NS))
    storage.check()
    old = make(3, id=bytes(range(16)))
    values = {
        name: getattr(old, name)
        for name in ("id", "start_ns", "end_ns", "modality", "source", "encoder_id", "surprise",
                     "novelty", "arousal", "reward", "conflict", "total", "reason", "text")
    }  # fmt: skip
    values |= {"number": 1, "device_id": "robot", "codes": zlib.compress(old.codes.tobytes())}
    values |= {"payload_sha256": "", "payload_media_type": "", "schema_version": 1}
    unit = (old.embedding / np.linalg.norm(old.embedding)).astype(np.float32).tobytes()
    vector = {"experience_id": old.id, "encoder_id": old.encoder_id, "role": "percept"}
    vector |= {"dim": 16, "crc32": zlib.crc32(unit), "vector": unit}
    engine = storage.open_writer()
    with engine.begin() as connection:
        schema.metadata.drop_all(connection)
        upgrade(connection, "0001")
        facts = {"schema_version": "1", "device_id": "robot", "created_ns": "0", "clock": "0"}
        for name, rows in {
            "meta": [{"key": key, "value": value} for key, value in facts.items()],
            "experiences": [values],
            "vectors": [vector],
        }.items():
            columns = [column(key, schema.metadata.tables[name].c[key].type) for key in rows[0]]
            connection.execute(insert(table(name, *columns)), rows)
    engine.dispose()
    return old.id


def test_a_store_of_the_first_version_is_migrated(place, experience) -> None:
    identifier = store_of_schema_1(place, experience)
    with pytest.raises(StoreTooOld):
        place.open(read_only=True)
    with place.open() as memory:
        query = Query(example=experience(3).embedding, example_encoder_id="vision-1-abc")
        (answer,) = memory.recall(query)
        assert answer.experience.id == identifier
        memory.remember(lived(experience, 4)).result()
        memory.verify()
    engine = place.storage()
    engine.check()
    with engine.open_reader().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []


def test_what_is_forgotten_is_in_no_file(place, experience, request) -> None:
    """Of a server: in none of its tables; its log is its own."""

    def everything() -> bytes:
        files = b"".join(f.read_bytes() for f in place.home.rglob("*") if f.is_file())
        tables = "url" in place.options
        return files + (request.getfixturevalue("postgres").tables() if tables else b"")

    words = f"forgettable words of {place.home}"
    picture = f"forgettable picture of {place.home}".encode() * 9
    with place.open() as memory:
        kept = memory.remember(
            experience(1, text=words, reason=words), Payload(picture, "image/webp")
        ).result()
        other = memory.remember(lived(experience, 2)).result()
        assert (words.encode() in everything()) == ("key" not in place.options)
        assert memory.forget([kept.id], "on request").result().count == 1
        left = everything()
        assert words.encode() not in left
        assert picture[:40] not in left
        assert [a.experience.id for a in memory.recall(Query())] == [other.id]
        memory.verify()
    assert words.encode() not in everything()


def test_a_pin_is_kept(place, experience) -> None:
    with place.open() as memory:
        kept = memory.remember(lived(experience, 1)).result()
        memory.pin(kept.id, True).result()
    with place.open() as memory:
        (answer,) = memory.recall(Query())
        assert answer.experience.pinned


def test_what_cannot_be_stored_is_not_told_to_the_log(place, experience, monkeypatch) -> None:
    with place.open() as memory:
        kept = memory.remember(experience(1)).result()
        monkeypatch.setattr(memory._store._ids, "next", lambda: kept.id)
        with pytest.raises(NotStored, match=r"(?i)unique") as caught:
            memory.remember(experience(2, text="the red door")).result()
    assert "red door" not in str(caught.value)
