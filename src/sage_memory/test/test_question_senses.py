"""Which sense and whose words a question asks for; what it asks for without any other words."""

from __future__ import annotations

import pytest
from questions import SENSES, asked

from sage_memory.core.recall.query import Query
from sage_memory.core.recall.question.reading import Known, Reading


@pytest.mark.parametrize(("text", "modality"), SENSES)
def test_which_sense(text: str, modality: str) -> None:
    reading = asked(text)
    assert reading.query.modality == modality
    assert bool(reading.notes) == bool(modality)
    assert asked(text, Known()).query.modality == "", "where there are several, or none"


SPEAKERS = [
    ("what did Anna say?", "anna", ""),
    ("what did anna last say about the door", "anna", "what did say about the door"),
    ("when did Mary Ann say hello", "Mary Ann", "when did say hello"),
    ("what did she say", "", "what did she say"),
    ("what did anybody say", "", ""),
    ("what did the radio say", "", "what did the radio say"),
]


@pytest.mark.parametrize(("text", "entity", "words"), SPEAKERS)
def test_whose_words(text: str, entity: str, words: str) -> None:
    known = Known(modalities={"said": "language"}, entities=("anna", "Mary Ann"))
    found = asked(text, known)
    assert (found.query.entity, found.query.text) == (entity, words)
    assert bool(entity) == any("from " + entity in note for note in found.notes if entity)
    assert asked(text, known, entity="me").query.entity == "me"


def test_a_sense_that_the_memory_has_not_is_said() -> None:
    text = "did I hear a bell?"
    for modalities in ({}, {"seen": "vision"}):
        assert asked(text, Known(modalities=modalities)) == Reading(
            Query(text=text),
            ("hear: not one modality of the memory holds what was heard, all are asked",),
        )


@pytest.mark.parametrize(
    "text", ["what happened?", "What did I see?", "what did you hear", "show me everything you saw"]
)
def test_a_question_about_nothing_but_a_sense_is_answered_by_all(text: str) -> None:
    reading = asked(text)
    assert reading.query.text == ""
    assert reading.notes[-1].startswith("no words left: all that fits")
    assert asked("???") == Reading(Query(text="???")), "that is no question"


def test_words_that_change_what_is_asked_for_are_said_not_to_be_understood() -> None:
    for text, word in (("not a car", "not"), ("how many cars did I see", "how many")):
        assert f"{word}: not understood, asked as words" in asked(text).notes
