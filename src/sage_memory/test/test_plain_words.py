"""Words in plain Python, ids as text, and questions that nothing answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from experiences import numbered

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Label, Labels
from sage_common.core.relevance import Relevance
from sage_memory import Memory, Query

FLOOR = Relevance(level=0.3, growth=0.1, most=0.6)


def test_words_are_added_asked_for_and_forgotten_by_the_id_that_is_printed(tmp_path) -> None:
    with Memory.open(tmp_path) as memory:
        door = memory.add("the red door of the workshop is open", entity="anna")
        memory.add("the battery is nearly empty")
        answers = memory.recall("which door is open?", limit=1)
        assert [answer.id for answer in answers] == [door] and len(door) == 36
        assert answers[0].experience.entity == "anna" and answers[0].experience.total == 0.5
        assert [a.id for a in memory.recall("an open door", entity="anna")] == [door]
        placed = memory.of_id(door)
        assert placed is not None and placed.experience.text.startswith("the red door")
        memory.pin(door, True).result()
        like = memory.recall(Query(example_id=door))
        assert [answer.experience.text for answer in like] == ["the battery is nearly empty"]
        memory.forget([door], "asked to").result()
        assert memory.of_id(door) is None
    with Memory.open(tmp_path, read_only=True) as memory:
        recalled = memory.ask("unicorn on the moon", with_declined=True)
        assert recalled.answers == []
        assert recalled.notes[0].startswith("nothing fits: the best of 1 ")
        assert [declined.reason[:5] for declined in recalled.declined] == ["below"]


def test_wrong_words_fields_and_ids_are_named(tmp_path) -> None:
    with Memory.open(tmp_path) as memory:
        for wrong in ("", "  ", 7):
            with pytest.raises(InvalidInput, match="text"):
                memory.add(wrong)
        with pytest.raises(
            InvalidInput, match=r"fields = 'salienc'.*Experience; the nearest known is "
        ):
            memory.add("words", salienc=1.0)
        with pytest.raises(InvalidInput, match="total"):
            memory.add("words", total=2.0)
        with pytest.raises(
            InvalidInput, match=r"conditions = 'modalty'.*Query; the nearest known is modality"
        ):
            memory.ask("words", modalty="vision")
        with pytest.raises(InvalidInput, match="conditions"):
            memory.ask(Query(), limit=3)
        for wrong in ("no-id", b"short", 3):
            with pytest.raises(InvalidInput, match="id"):
                memory.of_id(wrong)
            with pytest.raises(InvalidInput, match="id"):
                memory.forget([wrong], "")
            with pytest.raises(InvalidInput, match="expected a list of ids, each 16 bytes or text"):
                memory.forget(wrong, "")
            with pytest.raises(InvalidInput, match="example_id"):
                memory.recall(Query(example_id=wrong))


def test_a_file_in_the_place_of_the_home_folder_is_named(tmp_path) -> None:
    (tmp_path / "file").touch()
    for read_only in (False, True):
        with pytest.raises(InvalidInput, match=r"home = '.*file': expected a folder, but it is"):
            Memory.open(tmp_path / "file", read_only=read_only)


def test_a_floor_grows_with_what_is_compared_and_ends() -> None:
    assert FLOOR.floor(0) == FLOOR.floor(1) == 0.3
    assert FLOOR.floor(10) == pytest.approx(0.3 + 0.1 * np.log(10))
    assert FLOOR.floor(10**6) == 0.6


@pytest.mark.parametrize(("cosine", "fits"), [(0.25, False), (0.42, False), (0.45, True)])
def test_nothing_fits_where_the_best_is_below_the_floor(tmp_path, experience, cosine, fits) -> None:
    axes = np.eye(8, dtype=np.float32)
    asked = Query(text="x", text_embedding=axes[0], text_encoder_id="w", relevance=FLOOR)
    vector = cosine * axes[0] + np.sqrt(1 - cosine**2) * axes[1]
    with Memory.open(tmp_path) as memory:
        for number, own in enumerate([vector, *axes[2:5]]):
            source = "left" if number < 2 else "right"
            memory.remember(
                replace(experience(number), text="y", text_embedding=own.astype(np.float32),
                        text_encoder_id="w", source=source)
            ).result()  # fmt: skip
        assert bool(memory.recall(asked)) == fits  # the floor of 4 is 0.44
        recalled = memory.ask(replace(asked, with_declined=True, limit=2))
        assert len(recalled.declined) == (1 if fits else 2)
        assert any("nothing fits" in note for note in recalled.notes) != fits
        assert len(memory.recall(replace(asked, relevance=None))) == 4
        among_two = memory.recall(replace(asked, source="left"))  # the floor of 2 is 0.37
        assert bool(among_two) == (cosine > 0.4)
        both = replace(asked, example_id=memory.recall(Query(source="right"))[0].experience.id)
        assert memory.recall(both), "with another meaning beside the words no floor holds"


def test_only_what_reaches_the_floor_is_an_answer_beside_the_best(tmp_path, experience) -> None:
    axes = np.eye(8, dtype=np.float32)
    asked = Query(text="x", text_embedding=axes[0], text_encoder_id="w", relevance=FLOOR)
    with Memory.open(tmp_path) as memory:
        for number, cosine in enumerate((0.2, 0.9, 0.5, 0.43)):  # the floor of 4 is 0.44
            vector = cosine * axes[0] + np.sqrt(1 - cosine**2) * axes[number + 1]
            memory.remember(
                replace(experience(number), text="y", text_embedding=vector.astype(np.float32),
                        text_encoder_id="w")
            ).result()  # fmt: skip
        recalled = memory.ask(replace(asked, with_declined=True))
        assert [round(answer.score, 2) for answer in recalled.answers] == [0.9, 0.5]
        assert [(round(left.score, 2), left.reason) for left in recalled.declined] == [
            (0.43, "below 0.44"), (0.2, "below 0.44")
        ]  # fmt: skip
        assert not any("nothing fits" in note for note in recalled.notes)
        assert [d.score for d in memory.ask(asked).declined] == []
        assert len(memory.recall(replace(asked, relevance=None))) == 4


def test_words_find_what_was_recognised_too(tmp_path) -> None:
    names = ("bicycle", "cat", "traffic light")
    seen = Labels("finder-1@c", (Label(0, 0.71, (0.0, 0.0, 0.3, 0.9)), Label(2, 0.1)))
    with Memory.open(tmp_path) as memory:
        door = memory.add("the red door of the workshop is open")
        one = memory.remember(numbered(1), None, [(seen, names)]).result()
        answer = memory.recall("where did I see a bicycle?")[0]
        assert answer.experience.id == one.id
        assert answer.reason == "seen: bicycle 0.71, left"
        assert [a.id for a in memory.recall("which door is open?")] == [door]
        assert memory.recall("where did I see a bicycle?", source="back") == []
        with pytest.raises(InvalidInput, match="labels"):
            memory.recall("a bicycle", labels=np.ones(3, np.float32))
