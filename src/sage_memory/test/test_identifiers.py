"""UUIDv7 and the hybrid logical clock."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from sage_common.core.clock import ManualClock
from sage_common.core.errors import InvalidInput
from sage_memory import Memory
from sage_memory.core.identifiers import IdentifierFactory, id_text, parse_id
from sage_memory.core.rows.clocks import RowClocks

MS = 1_000_000


def factory(clock: ManualClock, seed: int = 1, salt: bytes = b"robot") -> IdentifierFactory:
    return IdentifierFactory(clock, np.random.default_rng(seed), salt)


def test_id_is_a_version_7_uuid_that_carries_the_milliseconds() -> None:
    millisecond = 0x018BCFE56800
    identifier = factory(ManualClock(millisecond * MS + 999_999)).next()
    parsed = uuid.UUID(bytes=identifier)
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert parsed.int >> 80 == millisecond


def test_ids_ascend_within_and_across_milliseconds() -> None:
    clock = ManualClock(5 * MS)
    ids = factory(clock)
    made = []
    for step in range(50):
        made += [ids.next() for _ in range(20)]
        clock.advance_to((6 + step) * MS)
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_more_ids_in_a_millisecond_than_the_counter_holds_ascend() -> None:
    ids = factory(ManualClock(MS))
    made = [ids.next() for _ in range(10_000)]
    assert made == sorted(set(made))


def test_equal_clock_and_generator_give_equal_ids_and_the_salt_tells_devices_apart() -> None:
    def first_three(salt: bytes) -> list[bytes]:
        ids = factory(ManualClock(MS), salt=salt)
        return [ids.next() for _ in range(3)]

    assert first_three(b"a") == first_three(b"a")
    assert not set(first_three(b"a")) & set(first_three(b"b"))


def test_text_form_goes_there_and_back_and_nonsense_is_refused() -> None:
    identifier = factory(ManualClock(MS)).next()
    assert parse_id(id_text(identifier)) == identifier
    with pytest.raises(InvalidInput, match="example_experience_id = 'abc': expected a UUID"):
        parse_id("abc", "example_experience_id")


class JumpingClock:
    """Says what it is told, backwards too."""

    now = 0

    def now_ns(self) -> int:
        return self.now


def test_logical_clock_ascends_while_the_clock_stands_or_goes_back() -> None:
    physical = JumpingClock()
    clock = RowClocks(physical, 0, "robot")
    stamps = []
    for milliseconds in (1000, 1000, 1000, 400, 400, 1001, 1001):
        physical.now = milliseconds * MS
        stamps.append(clock.tick())
    assert stamps == sorted(set(stamps))
    assert stamps[0] >> 16 == 1000
    assert stamps[3] >> 16 == 1000, "a step back keeps the newest time"
    assert stamps[5] >> 16 == 1001


def test_logical_clock_goes_on_from_what_the_store_has_given() -> None:
    clock = RowClocks(JumpingClock(), 500 << 16, "robot")
    assert clock.tick() == (500 << 16) + 1


def test_ids_ascend_where_the_clock_goes_back() -> None:
    physical = JumpingClock()
    ids = IdentifierFactory(physical, np.random.default_rng(1), b"robot")
    made = []
    for milliseconds in (1000, 999, 1, 1000, 1001, 0):
        physical.now = milliseconds * MS
        made += [ids.next() for _ in range(3000)]
    assert made == sorted(set(made))
    assert {uuid.UUID(bytes=identifier).version for identifier in made} == {7}


def test_ids_ascend_over_an_opening_with_a_clock_that_went_back(tmp_path, experience) -> None:
    made = []
    for now_ns in (5_000 * MS, 1_000 * MS, 4_000 * MS):
        with Memory.open(tmp_path, clock=ManualClock(now_ns)) as memory:
            made += [memory.remember(experience(i)).result().id for i in range(3)]
    assert made == sorted(set(made))
