"""Answers in the order of time: the newest of those that fit, and only of those."""

from __future__ import annotations

from dataclasses import replace
from datetime import timezone
from pathlib import Path

import memory_index as truth
import numpy as np
import pytest
from experiences import START_NS, numbered

from sage_common.core.clock import ManualClock
from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Label, Labels
from sage_common.core.relevance import Relevance
from sage_memory import Memory, Query

HOUR = 3600 * 10**9
FLOOR = Relevance(level=0.5, growth=0.0, most=0.6)
DOG = truth.unit([1.0, 0.0, 0.0])
NEAR = [1.0, 0.9, 0.1, 0.8, 0.95, 0.2]
"""Cosine of each moment to what is asked for, an hour between them."""


def kept(home: Path, clock: ManualClock | None = None) -> Memory:
    memory = Memory.open(home, clock=clock)
    for index, cosine in enumerate(NEAR):
        vector = truth.unit([cosine, np.sqrt(1.0 - cosine**2), 0.0])
        stamp = START_NS + index * HOUR
        words = {"text": f"moment {index}", "text_embedding": vector, "text_encoder_id": "minilm"}
        memory.remember(numbered(index, start_ns=stamp, end_ns=stamp + 1, **words)).result()
    return memory


def texts(memory: Memory, query: Query) -> list[int]:
    answers = memory.recall(query)
    assert [answer.rank for answer in answers] == list(range(1, len(answers) + 1))
    return [int(answer.experience.text.split()[1]) for answer in answers]


def test_the_newest_of_what_fits_comes_first(tmp_path: Path) -> None:
    asked = Query(text="dog", text_embedding=DOG, text_encoder_id="minilm", relevance=FLOOR)
    with kept(tmp_path) as memory:
        assert texts(memory, asked) == [0, 4, 1, 3]
        newest = replace(asked, newest_first=True)
        assert texts(memory, newest) == [4, 3, 1, 0]
        assert texts(memory, replace(newest, limit=2)) == [4, 3], "not of the two best"
        assert texts(memory, replace(newest, limit=1, end_ns=START_NS + HOUR)) == [1]
        unknown = replace(newest, relevance=None, limit=2)
        assert texts(memory, unknown) == [4, 0], "no floor tells what fits"
        declined = memory.ask(replace(newest, with_declined=True)).declined
        assert [one.reason for one in declined] == ["below 0.50"] * 2
        with pytest.raises(InvalidInput, match="newest_first"):
            memory.recall(replace(asked, newest_first="yes"))


def test_without_a_meaning_all_of_them_fit(tmp_path: Path) -> None:
    with kept(tmp_path) as memory:
        assert texts(memory, Query(newest_first=True, limit=3)) == [5, 4, 3]
        (answer,) = memory.recall(Query(newest_first=True, limit=1))
        assert answer.score == pytest.approx(answer.experience.total)


def test_what_was_recognised_is_ordered_by_time_too(tmp_path: Path) -> None:
    names = ("cat", "dog")
    with kept(tmp_path) as memory:
        for index, answer in enumerate(memory.recall(Query(newest_first=True))):
            sure = Label(1, 0.9 if index in (1, 3) else 0.1)
            memory.label(answer.id, Labels("classes-1@a", (sure,)), names).result()
        fits = {"classes-1@a": np.array([0.0, 1.0], np.float32)}
        asked = Query(text="dog", labels=fits, newest_first=True)
        assert texts(memory, asked) == [4, 2]


def test_a_question_is_read_with_the_clock_and_the_senses_of_the_store(tmp_path: Path) -> None:
    clock = ManualClock(START_NS + 6 * HOUR)
    with kept(tmp_path, clock) as memory:
        reading = memory.read_question(Query(text="what did I last see in the last 3 hours?"),
                                       timezone.utc)  # fmt: skip
        assert reading.query.modality == "vision" and reading.query.text == ""
        assert reading.query.start_ns == START_NS + 3 * HOUR
        assert texts(memory, reading.query) == [5, 4, 3]
        heard = memory.read_question(Query(text="did I hear a bell"), timezone.utc)
        assert heard.query == Query(text="did I hear a bell"), "nothing was heard"
        memory.remember(numbered(9, modality="audio")).result()
        assert memory.read_question(heard.query).query.modality == "audio"
        told = memory.ask(reading.query).after(reading.notes).notes
        assert told[0] == "last: newest first"
