"""What nothing else is like keeps its words in a run; a run that misses its target says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sleep_home as home

from sage_memory import Memory, Payload, Query
from sage_memory.core.sleep.selection import rarity

RARE = 17


def remember_rare(memory: Memory, **changes) -> list[bytes]:
    """Events like nothing else, of little salience, among the others; their ids."""
    futures = []
    for index in range(RARE):
        vector = np.random.default_rng([500, 1 + index]).normal(size=home.DIM).astype(np.float32)
        event = home.moment(
            500 + index, embedding=vector, total=0.1, text=f"event {index}", **changes
        )
        payload = Payload(f"event {index} ".encode() * 20, "image/webp")
        futures.append(memory.remember(event, payload))
    return [future.result().id for future in futures]


def answered(memory: Memory, ids: list[bytes]) -> list:
    found = memory.recall(Query(limit=1000, covered=True))
    return [answer for answer in found if answer.experience.id in ids]


@pytest.mark.parametrize("most", [rarity.MOST, RARE + 3])
def test_rare_events_of_little_salience_keep_their_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(rarity, "MOST", most)
    with home.opened(tmp_path) as memory:
        home.fill(memory, groups=40)
        ids = remember_rare(memory)
        report = memory.sleep(home.OPTIONS)
        assert report.run_id and report.texts_removed > 100
        events = answered(memory, ids)
        assert sorted(answer.experience.text for answer in events) == sorted(
            f"event {index}" for index in range(RARE)
        )
        assert any(answer.payload_path for answer in events)
        assert memory.sleep(home.OPTIONS).note.startswith("nothing to do")


def test_what_is_alike_is_not_rare_wherever_it_was(tmp_path: Path) -> None:
    with home.opened(tmp_path) as memory:
        home.fill(memory, groups=40)
        vector = np.random.default_rng(9).normal(size=home.DIM).astype(np.float32)
        for index in range(3):  # too few and too far apart for a summary
            start = home.START_NS + index * 10**15
            one = home.moment(900 + index, embedding=vector, total=0.1, start_ns=start,
                              end_ns=start, text="twin")  # fmt: skip
            memory.remember(one).result()
        memory.sleep(home.OPTIONS)
        texts = [a.experience.text for a in memory.recall(Query(limit=1000, covered=True))]
        assert "twin" not in texts


def test_the_rarest_come_first_where_there_is_no_room_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rarity, "SHARE", 0.02)
    with home.opened(tmp_path) as memory:
        home.fill(memory)
        ids = remember_rare(memory)
        memory.sleep(home.OPTIONS)
        kept = [answer for answer in answered(memory, ids) if answer.experience.text]
        assert 0 < len(kept) < RARE
        assert not all(answer.payload_path for answer in kept) or len(kept) == 1


def test_a_sleep_that_misses_its_target_says_so(tmp_path: Path) -> None:
    with home.opened(tmp_path) as memory:
        home.fill(memory)
        dry = memory.sleep(replace(home.THOROUGH, dry_run=True))
        assert "the target was not reached" in dry.note
        report = memory.sleep(home.THOROUGH)
        assert report.bytes_after > report.target_bytes
        assert "the target was not reached" in report.note
        again = memory.sleep(home.THOROUGH)
        assert not again.run_id
        assert again.note.startswith("nothing to do; the target was not reached")
