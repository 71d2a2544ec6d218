"""Words find what was recognised, beside what was said, and every answer says why."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from experiences import START_NS, numbered

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Label, Labels
from sage_common.core.relevance import Relevance
from sage_memory import Memory, Query
from sage_memory.core.recall.format import format_notes
from sage_memory.core.recall.recognition import fusion
from sage_memory.core.recall.recognition.evidence import LEAST, STEEPNESS
from sage_memory.core.recall.recognition.fits import with_fits
from sage_memory.core.recall.recognition.naming import position

CLASSES = ("cat", "bicycle", "tree", "wheel")
SOUNDS = ("bell", "bark")
SIGHT, HEARING = "sight-1@abc", "hearing-1@def"
FLOOR = Relevance(level=0.3, growth=0.05, most=0.5)
WORDS = np.eye(8, dtype=np.float32)


def seen(*labels: tuple) -> list:
    return [(Labels(SIGHT, tuple(Label(*label) for label in labels)), CLASSES)]


def fits(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


BICYCLE = Query(text="bicycle", labels={SIGHT: fits(0.0, 1.0, 0.0, 0.3)})


def said(index: int, cosine: float, **changes) -> dict:
    """Words of such a cosine with the first axis."""
    vector = cosine * WORDS[0] + math.sqrt(1 - cosine**2) * WORDS[1 + index % 7]
    words = {"text": f"words {index}", "text_embedding": vector, "text_encoder_id": "words-1"}
    return words | changes


def with_words(query: Query) -> Query:
    return replace(query, text_embedding=WORDS[0], text_encoder_id="words-1", relevance=FLOOR)


@pytest.fixture
def memory(tmp_path: Path):
    with Memory.open(tmp_path) as opened:
        yield opened


def test_what_fits_only_by_when_says_what_was_recognised_and_said(memory) -> None:
    left = (0.0, 0.2, 0.3, 0.6)
    labels = seen((1, 0.71, left), (0, 0.3), (2, 0.2))
    memory.remember(numbered(1, **said(1, 0.9)), None, labels).result()
    memory.remember(numbered(2)).result()
    bare, shown = sorted((a.reason for a in memory.recall(Query())), key=len)
    assert bare.startswith("salience ")
    first = 'seen: bicycle 0.71, left; cat 0.3; words around it: "words 1"; salience '
    assert shown.startswith(first)


def test_beside_an_example_it_is_said_that_words_do_not_ask_for_labels(memory) -> None:
    kept = memory.remember(numbered(1, **said(1, 0.9)), None, seen((1, 0.9))).result()
    asked = replace(with_words(BICYCLE), labels={}, example_id=kept.id)
    note = "beside an example words are compared with words, not with what was recognised"
    assert note in memory.ask(asked).notes
    assert note not in memory.ask(replace(asked, example_id=b"")).notes
    assert note not in memory.ask(Query(example_id=kept.id)).notes


def test_what_was_seen_is_found_by_its_name_and_says_where(memory) -> None:
    left = (0.0, 0.2, 0.3, 0.6)
    ids = [
        memory.remember(numbered(n), None, labels).result().id
        for n, labels in enumerate(
            [
                seen((1, 0.71, left), (3, 0.4)),
                seen((0, 0.9), (1, 0.05)),
                seen((2, 0.9)),
                [],
                seen((3, 0.95)),
            ]
        )
    ]
    recalled = memory.ask(replace(BICYCLE, with_declined=True))
    one, two = recalled.answers
    assert [answer.experience.id for answer in recalled.answers] == [ids[0], ids[4]]
    assert one.score == pytest.approx(1 - (1 - 0.71) * (1 - 0.4 * 0.3), abs=1e-3)
    assert one.reason == "seen: bicycle 0.71, left; wheel 0.4"
    assert [(p.name, p.encoder_id, p.role) for p in one.parts] == [
        ("seen: bicycle 0.71, left", SIGHT, "label"), ("seen: wheel 0.4", SIGHT, "label"),
    ]  # fmt: skip
    assert one.parts[1].score == pytest.approx(0.12, abs=1e-3)
    assert two.score == pytest.approx(0.95 * 0.3, abs=1e-3)
    assert [(d.id, d.reason) for d in recalled.declined] == [
        (ids[1], "its probability is below 0.25")
    ]
    note = "1 experience has nothing that was recognised and could not be compared"
    assert recalled.notes == [note]
    assert "compared as sight-1@abc" in format_notes(recalled, with_filter=True)


def test_several_of_a_class_are_named_once(memory) -> None:
    boxes = [(left, 0.4, 0.2, 0.2) for left in (0.7, 0.75, 0.8)]
    bicycles = [(1, share, box) for share, box in zip((0.6, 0.5, 0.4), boxes, strict=True)]
    memory.remember(numbered(1), None, seen(*bicycles, (3, 0.3))).result()
    (answer,) = memory.recall(BICYCLE)
    assert answer.reason == "seen: bicycle 0.6, right, and 2 more; wheel 0.3"
    (shown,) = memory.recall(Query(start_ns=0))
    assert shown.reason.startswith("seen: bicycle 0.6, right, and 2 more; wheel 0.3; ")


def test_what_was_heard_is_said_to_be_heard(memory) -> None:
    bell = [(Labels(HEARING, (Label(0, 0.6),)), SOUNDS)]
    memory.remember(numbered(1, modality="audio"), None, bell).result()
    memory.remember(numbered(2), None, seen((1, 0.5))).result()
    both = replace(BICYCLE, labels=dict(BICYCLE.labels) | {HEARING: fits(1.0, 0.0)})
    reasons = [answer.reason for answer in memory.recall(both)]
    assert reasons == ["heard: bell 0.6", "seen: bicycle 0.5"]


def test_words_and_sights_are_joined_and_each_is_named(memory) -> None:
    def keep(n: int, cosine: float | None, labels: list) -> bytes:
        words = {} if cosine is None else said(n, cosine)
        return memory.remember(numbered(n, **words), None, labels).result().id

    both = keep(1, 0.45, seen((1, 0.5)))
    told = keep(2, 0.45, [])
    shown = keep(3, 0.0, seen((1, 0.5)))
    keep(4, 0.1, seen((0, 0.9)))
    floor = FLOOR.floor(4)
    answers = memory.recall(with_words(BICYCLE))
    assert {answer.experience.id for answer in answers} == {both, told, shown}
    odds = LEAST / (1 - LEAST) * math.exp(STEEPNESS * (0.45 - floor) / FLOOR.growth)
    words = odds / (1 + odds)
    by_id = {answer.experience.id: answer for answer in answers}
    assert by_id[told].score == pytest.approx(words, rel=1e-3)
    assert by_id[shown].score == pytest.approx(0.5, rel=1e-3)
    assert by_id[both].score == pytest.approx(1 - (1 - words) * 0.5, rel=1e-3)
    assert answers[0].experience.id == both
    assert by_id[both].reason == (
        'seen: bicycle 0.5; words around it: "words 1"; similarity 0.45 to "bicycle"'
    )
    assert by_id[shown].reason == "seen: bicycle 0.5", "its words have nothing to do with it"
    assert by_id[told].reason == 'words around it: "words 2"; similarity 0.45 to "bicycle"'


def test_words_that_reach_the_floor_are_answers_and_others_are_not(memory) -> None:
    floor = FLOOR.floor(2)
    above, below = floor + 1e-3, floor - 1e-3
    one = memory.remember(numbered(1, **said(1, above))).result()
    memory.remember(numbered(2, **said(2, below))).result()
    plain = with_words(replace(BICYCLE, labels={}))
    for query in (plain, with_words(BICYCLE)):
        assert [answer.experience.id for answer in memory.recall(query)] == [one.id]


def test_nothing_fits_says_so(memory) -> None:
    for n in range(3):
        memory.remember(numbered(n), None, seen((0, 0.9), (1, 0.1))).result()
    recalled = memory.ask(BICYCLE)
    assert recalled.answers == []
    assert recalled.notes[0].startswith("nothing fits: the most probable of 3 has a probability")
    assert memory.ask(replace(BICYCLE, labels={SIGHT: fits(0, 0, 0, 0)})).answers == []
    assert memory.ask(replace(BICYCLE, labels={"unknown-1@0": fits(1.0)})).answers == []


def test_filters_hold_and_forgotten_and_relabelled_moments_are_not_found(memory) -> None:
    kept = [
        memory.remember(numbered(n, source=("front", "back")[n % 2]), None, seen((1, 0.9))).result()
        for n in range(6)
    ]
    back = replace(BICYCLE, source="back", start_ns=START_NS + 2_000_000)
    assert {a.experience.id for a in memory.recall(back)} == {kept[3].id, kept[5].id}
    declined = memory.ask(replace(back, with_declined=True)).declined
    assert {d.id for d in declined} == {kept[n].id for n in (0, 1, 2, 4)}
    memory.forget([kept[3].id], "asked to").result()
    memory.label(kept[5].id, Labels(SIGHT, (Label(0, 0.9),)), CLASSES).result()
    assert memory.recall(back) == []


def test_a_query_of_text_alone_is_answered_as_before_there_were_labels(tmp_path) -> None:
    homes = [tmp_path / "bare", tmp_path / "labelled"]
    answers = []
    for home, labels in zip(homes, ([], seen((1, 0.9))), strict=True):
        rng = np.random.default_rng(0)
        with Memory.open(home, rng=rng, device_id="robot") as memory:
            for n in range(40):
                memory.remember(numbered(n, **said(n, n / 50)), None, labels).result()
            recalled = memory.ask(replace(with_words(BICYCLE), labels={}, with_declined=True))
            answers.append(
                ([(a.score, a.reason, a.parts) for a in recalled.answers], recalled.notes,
                 [(d.score, d.reason) for d in recalled.declined])
            )  # fmt: skip
    assert answers[0] == answers[1] and answers[0][0]


@pytest.mark.parametrize("seed", range(5))
def test_the_most_probable_are_found_whatever_list_they_lead(
    memory, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fusion, "SLACK", 0.0)
    rng = np.random.default_rng(seed)
    query = with_words(replace(BICYCLE, limit=5, source="front"))
    truth = {}
    for n in range(400):
        fields = {"source": "front" if rng.random() < 0.7 else "back"}
        words = 0.0
        if rng.random() < 0.6:
            cosine = float(rng.uniform(0.0, 0.6))
            fields |= said(n, cosine)
            words = cosine
        share = float(np.float32(rng.random() ** 3))
        labels = seen((1, share)) if rng.random() < 0.6 else []
        one = memory.remember(numbered(n, dim=8, **fields), None, labels).result()
        if fields["source"] == "front":
            truth[one.id] = (words, bool(fields.keys() & {"text"}), share if labels else 0.0)
    floor = FLOOR.floor(sum(has for _, has, _ in truth.values()))

    def probability(words: float, has: bool, share: float) -> float:
        beyond = (words - floor) / FLOOR.growth
        odds = LEAST / (1 - LEAST) * math.exp(min(beyond, STEEPNESS * beyond)) if has else 0.0
        return 1 - (1 - odds / (1 + odds)) * (1 - min(share if share >= 0.01 else 0, 0.9999))

    expected = sorted((probability(*of) for of in truth.values()), reverse=True)[:5]
    answers = memory.recall(query)
    assert [a.score for a in answers] == pytest.approx(expected, abs=3e-4)
    for answer in answers:
        assert answer.score == pytest.approx(probability(*truth[answer.experience.id]), abs=3e-4)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"labels": [1]}, "labels = "),
        ({"labels": {SIGHT: [0.5]}}, r"labels\['sight-1@abc'\]"),
        ({"labels": {SIGHT: np.ones(4)}}, r"labels\['sight-1@abc'\].*float32"),
        ({"labels": {SIGHT: fits(0.5, math.nan)}}, r"numbers in \[0, 1\]"),
        ({"labels": {SIGHT: fits(0.5, 1.5)}}, r"numbers in \[0, 1\]"),
        ({"labels": {SIGHT: fits(0.5, 0.5)}}, r"len\(labels\['sight-1@abc'\]\) = 2: expected 4"),
        ({"example": np.ones(16, np.float32), "example_encoder_id": "x"}, "none beside an example"),
        ({"text_embedding": WORDS[0], "text_encoder_id": "words-1"}, "relevance = None"),
    ],
)
def test_what_is_wrong_with_a_question_is_named(memory, changes: dict, named: str) -> None:
    memory.remember(numbered(1), None, seen((1, 0.9))).result()
    with pytest.raises(InvalidInput, match=named):
        memory.recall(replace(BICYCLE, **changes))


@pytest.mark.parametrize(
    ("box", "where"),
    [
        ((0.0, 0.0, 1.0, 1.0), "middle"),
        ((0.4, 0.3, 0.3, 0.3), "middle"),
        ((0.0, 0.3, 0.3, 0.4), "left"),
        ((0.8, 0.1, 0.2, 0.9), "right"),
        ((0.4, 0.0, 0.3, 0.2), "above"),
        ((0.2, 0.9, 0.3, 0.1), "below"),
    ],
)
def test_where_a_box_is(box: tuple, where: str) -> None:
    assert position(box) == where


def test_a_judge_of_words_makes_them_ask_for_what_was_recognised(memory) -> None:
    asked = []

    def judge(words: str, vocabularies: dict) -> dict:
        asked.append((words, vocabularies))
        return {m: fits(*[name == words for name in names]) for m, names in vocabularies.items()}

    plain = replace(with_words(BICYCLE), labels={})
    assert with_fits(plain, memory.vocabularies, judge) is plain, "nothing was recognised yet"
    one = memory.remember(numbered(1), None, seen((1, 0.9))).result()
    assert memory.vocabularies() == {SIGHT: CLASSES}
    query = with_fits(plain, memory.vocabularies, judge)
    assert asked == [("bicycle", {SIGHT: CLASSES})]
    assert [answer.experience.id for answer in memory.recall(query)] == [one.id]
    for other in (
        replace(plain, relevance=None),
        replace(plain, example=np.ones(16, np.float32), example_encoder_id="vision-1-abc"),
        replace(plain, text="", text_embedding=None, text_encoder_id=""),
    ):
        assert with_fits(other, memory.vocabularies, judge) is other
