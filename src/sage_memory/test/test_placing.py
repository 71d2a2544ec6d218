"""One experience by time or id, and where it stands among all that are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from sage_memory import Memory
from sage_memory.core.errors import MemoryFailure

MS = 10**6


@pytest.fixture
def home(tmp_path: Path, experience) -> Path:
    """Five experiences, 1 ms apart, each of 1 us; totals 0.5, 0.1, 0.9, 0.3, 0.7."""
    with Memory.open(tmp_path) as memory:
        for index, total in enumerate((0.5, 0.1, 0.9, 0.3, 0.7)):
            memory.remember(experience(index, total=total)).result()
    return tmp_path


@pytest.mark.parametrize("read_only", [False, True])
def test_the_nearest_in_time_is_found_with_its_rank(home: Path, experience, read_only) -> None:
    start = [experience(index).start_ns for index in range(5)]
    with Memory.open(home, read_only=read_only) as memory:
        for stamp, index in (
            (0, 0), (start[2], 2), (start[2] + 1000, 2), (start[3] + 400_000, 3),
            (start[3] + 600_000, 4), (2**63 - 1, 4),
        ):  # fmt: skip
            placed = memory.at(stamp)
            assert placed is not None
            assert placed.experience.start_ns == start[index]
            assert placed.rank == pytest.approx((0.4, 0.0, 0.8, 0.2, 0.6)[index])
            assert (placed.oldest_ns, placed.newest_ns) == (start[0], start[4] + 1000)


def test_an_id_finds_its_experience_until_it_is_forgotten(home: Path, experience) -> None:
    with Memory.open(home) as memory:
        first = memory.at(0)
        assert first is not None
        again = memory.of_id(first.experience.id)
        assert again is not None
        assert again.experience.reason == "reason 0"
        assert memory.of_id(b"\0" * 16) is None
        memory.forget([first.experience.id], "test").result()
        assert memory.of_id(first.experience.id) is None
        next_one = memory.at(0)
        assert next_one is not None
        assert next_one.experience.start_ns == experience(1).start_ns
        assert next_one.oldest_ns == experience(1).start_ns


def test_of_equally_near_ones_the_last_is_taken(tmp_path: Path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        for reason in ("one", "two"):
            memory.remember(experience(0, reason=reason)).result()
        placed = memory.at(experience(0).start_ns)
        assert placed is not None and placed.experience.reason == "two"


def test_an_empty_memory_knows_none(tmp_path: Path) -> None:
    with Memory.open(tmp_path) as memory:
        assert memory.at(5) is None
    with pytest.raises(MemoryFailure, match="closed"):
        memory.at(5)


def test_a_reader_sees_what_the_writer_commits(home: Path, experience) -> None:
    with Memory.open(home) as writer, Memory.open(home, read_only=True) as reader:
        kept = writer.remember(experience(9)).result()
        placed = reader.at(2**63 - 1)
        assert placed is not None and placed.experience.id == kept.id
        assert reader.of_id(kept.id) is not None
