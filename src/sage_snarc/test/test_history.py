"""The history of fused salience: a bounded ring from which whole moments come back."""

from __future__ import annotations

import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_common.core.words.quoting import with_quote
from sage_snarc.core.history import NUMBERS, History, ModalityScore, Tick

MODALITIES = ("vision", "audio", "language")
S = 10**9


def told(modality: str, stamp_ns: int, total: float = 0.5, **changes: object) -> ModalityScore:
    numbers = tuple(total if name == "total" else 0.25 for name in NUMBERS)
    words = (f"{modality}: x", "")
    item = ModalityScore(
        stamp_ns, modality, "front", f"{modality}_frame", numbers, 0.03125, 7, True, True, *words
    )
    return item._replace(**changes)


def tick(
    item: ModalityScore | None, live: dict[str, float], total: float = 0.5, at_ns: int = 0
) -> Tick:
    stamp_ns = item.stamp_ns if item else at_ns
    dominant = next(iter(live), "")
    return Tick(stamp_ns, item, total, 60.0, 0.125, 3.5, dominant, live, "in words")


def test_a_moment_comes_back_with_the_newest_of_every_modality() -> None:
    history = History(MODALITIES)
    old, seen, heard = told("vision", 1 * S), told("vision", 2 * S), told("audio", 3 * S)
    history.add(tick(old, {"vision": 1.0}))
    history.add(tick(seen, {"vision": 1.0}, 0.25))
    last = tick(heard, {"vision": 0.25, "audio": 0.75}, 0.75)
    history.add(last)
    history.add(tick(told("vision", 9 * S), {"vision": 1.0}))
    moment = history.nearest(3 * S)
    assert moment is not None
    assert moment.tick == last
    assert moment.live == (heard, seen)
    assert moment.absent == ()
    assert moment.rank == 0.75


def test_what_was_said_is_not_in_it() -> None:
    history = History(MODALITIES)
    quoted = with_quote("language: novelty 0.90", "the code is 4711")
    said = told("language", 1 * S, reason=quoted)
    history.add(tick(said, {"language": 1.0})._replace(reason=quoted + "; audio contradicts"))
    moment = history.nearest(1 * S)
    assert moment is not None
    assert moment.tick.reason == "language: novelty 0.90; audio contradicts"
    assert [item.reason for item in moment.live] == ["language: novelty 0.90"]
    assert not any(b"4711" in array.tobytes() for array in history.state().values())


def test_what_was_not_fused_is_absent_and_what_came_later_is_not_known() -> None:
    history = History(MODALITIES)
    blind = told("vision", 2 * S, valid=False, invalid_reason="dark")
    history.add(tick(told("audio", 1 * S), {"audio": 1.0}))
    history.add(tick(blind, {"audio": 1.0}))
    history.add(tick(told("language", 3 * S), {"language": 1.0}))
    moment = history.nearest(2 * S)
    assert moment is not None
    assert [item.modality for item in moment.live] == ["audio"]
    assert moment.absent == (blind,)
    later = history.nearest(3 * S)
    assert later is not None
    assert [item.modality for item in later.absent] == ["audio", "vision"]


def test_the_silence_of_all_is_a_moment_too() -> None:
    history = History(MODALITIES)
    history.add(tick(told("audio", 1 * S), {"audio": 1.0}))
    history.add(tick(None, {}, 0.0, at_ns=5 * S))
    moment = history.nearest(0)
    assert moment is not None
    assert (moment.tick.score, moment.tick.dominant, moment.live) == (None, "", ())
    assert [item.modality for item in moment.absent] == ["audio"]


def test_the_nearest_is_found_whatever_the_order_and_the_last_of_equals_wins() -> None:
    history = History(MODALITIES)
    for stamp_s, name in ((5, "vision"), (2, "audio"), (9, "vision"), (9, "audio")):
        history.add(tick(told(name, stamp_s * S), {name: 1.0}))
    found = [history.nearest(stamp) for stamp in (1, 3 * S, 4 * S, 9 * S, 100 * S)]
    triggers = [(m.tick.stamp_ns // S, m.tick.score.modality) for m in found if m and m.tick.score]
    assert triggers == [(2, "audio"), (2, "audio"), (5, "vision"), (9, "audio"), (9, "audio")]
    assert history.oldest_ns == 2 * S


def test_the_oldest_makes_room() -> None:
    history = History(MODALITIES, capacity=5)
    generator = np.random.default_rng(0)
    ticks = []
    for index in range(23):
        name = MODALITIES[int(generator.integers(3))]
        item = told(name, (index + 1) * S, index / 32, reason=f"{name}: {index}")
        ticks.append(tick(item, {name: 1.0}, index / 32))
        history.add(ticks[-1])
        assert len(history) == min(index + 1, 5)
        for known in ticks[-5:]:
            moment = history.nearest(known.stamp_ns)
            assert moment is not None and moment.tick == known
        oldest = ticks[-len(history)]
        assert history.oldest_ns == oldest.stamp_ns
        first, last = history.nearest(1), history.nearest(0)
        assert first is not None and first.tick == oldest and first.rank == 0.0
        assert last is not None and last.rank == pytest.approx(1.0 - 1.0 / len(history))


def test_long_words_leave_room_for_fewer_moments() -> None:
    history = History(MODALITIES, capacity=4)
    for index, length in enumerate((10, 500, 800, 300, 900)):
        last = tick(told("vision", (index + 1) * S, reason="ü" * (length // 2)), {"vision": 1.0})
        history.add(last)
        moment = history.nearest(0)
        assert moment is not None and moment.tick == last
    assert (len(history), history.oldest_ns) == (1, 5 * S)
    history.add(tick(told("vision", 6 * S, reason="x" * 1300), {"vision": 1.0}))
    assert len(history) == 0 and history.nearest(0) is None


def test_its_memory_does_not_grow_and_a_damaged_one_is_refused() -> None:
    history, other = History(MODALITIES, capacity=5), History(MODALITIES, capacity=5)
    size = sum(array.nbytes for array in history.state().values())
    for index in range(50):
        history.add(tick(told("audio", (index + 1) * S, reason="x" * (index * 7 % 90)), {}))
    state = history.state()
    assert sum(array.nbytes for array in state.values()) <= size + 100
    other.restore(state)
    assert other.nearest(48 * S) == history.nearest(48 * S)
    state["rows"] = state["rows"].copy()
    state["rows"]["words_at"] = 10**6
    with pytest.raises(InvalidInput, match="words_at"):
        other.restore(state)


def test_nothing_is_known_at_first() -> None:
    history = History(MODALITIES)
    assert (history.nearest(0), history.nearest(5), history.oldest_ns, len(history)) == (
        None, None, 0, 0,
    )  # fmt: skip


def test_news_of_a_stranger_is_refused() -> None:
    history = History(MODALITIES)
    with pytest.raises(InvalidInput, match="smell"):
        history.add(tick(told("smell", S), {"smell": 1.0}))
    assert len(history) == 0
