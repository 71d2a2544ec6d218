"""The index of labels is what the rows say, whatever was added, replaced, dropped and cached."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from experiences import numbered
from sqlalchemy import update

from sage_common.core.labels import Label, Labels
from sage_memory import Memory, StoreDamaged
from sage_memory.core.engine import schema
from sage_memory.core.index import cache, label_space
from sage_memory.core.index.label_space import LabelSpace
from sage_memory.core.index.label_view import LEAST, MOST
from sage_memory.core.labels import encoding

CLASSES = 40
NAMES = tuple(f"class {number}" for number in range(CLASSES))


def some(chance: random.Random) -> tuple[Label, ...]:
    shares = sorted((chance.random() ** 6 for _ in range(chance.randrange(11))), reverse=True)
    return tuple(Label(chance.randrange(CLASSES), share) for share in shares)


def stored(labels: tuple[Label, ...]) -> tuple[Label, ...]:
    return encoding.decode(encoding.encode(Labels("m", labels)))


def expected(shown: dict[int, tuple[Label, ...]], fits: np.ndarray, count: int) -> np.ndarray:
    """By the definition: the logarithm of the product of what each label leaves in doubt."""
    doubt = np.zeros(count)
    for row, labels in shown.items():
        for label in stored(labels):
            evidence = np.float32(label.probability) * fits[label.number]
            if evidence >= LEAST:
                doubt[row] += np.log1p(-min(float(evidence), float(MOST)))
    return doubt


def some_fits(chance: random.Random) -> np.ndarray:
    """Of few classes or of many; some fit badly."""
    fits = np.zeros(CLASSES, np.float32)
    for _ in range(chance.choice((0, 1, 3, 30))):
        fits[chance.randrange(CLASSES)] = chance.choice((1.0, 0.5, 0.1, 0.02, 0.004))
    return fits


def add(space: LabelSpace, shown: dict[int, tuple[Label, ...]]) -> None:
    blobs = [encoding.encode(Labels("m", labels)) for labels in shown.values()]
    rows = np.array(list(shown), np.int32)
    space.add(rows, np.arange(len(rows), dtype=np.uint32) + 7, blobs)


@pytest.mark.parametrize("seed", range(6))
def test_doubt_is_what_the_labels_say(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_space, "LEAST_NEW", 200)
    chance = random.Random(seed)
    space, shown = LabelSpace(), dict[int, tuple[Label, ...]]()
    count = 0
    for _ in range(30):
        fresh = {row: some(chance) for row in range(count, count + chance.randrange(1, 40))}
        count = max(fresh) + 1
        fresh = {row: labels for row, labels in fresh.items() if chance.random() < 0.8}
        gone = chance.sample(sorted(shown), len(shown) // 20)
        if gone:
            assert space.drop(np.array(gone))
            assert not space.drop(np.array(gone)), "it is gone"
            for row in gone:
                del shown[row]
            again = {row: some(chance) for row in gone if chance.random() < 0.5}
            fresh |= again
        if fresh:
            add(space, fresh)
            shown |= fresh
        if chance.random() < 0.2:
            space = LabelSpace.of_copy(space.copy())
        fits = some_fits(chance)
        view = space.view()
        np.testing.assert_allclose(
            view.doubt(fits, count), expected(shown, fits, count), rtol=1e-5, atol=1e-9
        )
        assert np.flatnonzero(view.labelled).tolist() == sorted(shown)
        assert space.count == len(shown)
    assert len(view.rows) > 200, "some are in order"


def test_a_view_is_not_changed_by_what_comes_later() -> None:
    chance = random.Random(9)
    shown = {row: some(chance) for row in range(50)}
    space = LabelSpace()
    add(space, shown)
    fits = np.ones(CLASSES, np.float32)
    before, view = space.view().doubt(fits, 50), space.view()
    add(space, {row: some(chance) for row in range(50, 5000)})
    np.testing.assert_array_equal(view.doubt(fits, 50), before)


def test_classes_that_nobody_saw_yet_can_be_asked_for() -> None:
    space = LabelSpace()
    assert not space.view().doubt(np.ones(5, np.float32), 3).any()
    add(space, {1: (Label(2, 0.5),)})
    doubt = space.view().doubt(np.ones(CLASSES, np.float32), 3)
    assert doubt[1] == pytest.approx(np.log(0.5), rel=1e-3)


def labels_in(memory: Memory, count: int) -> np.ndarray:
    """What the index says of every class, as doubts [classes, experiences]."""
    views = memory._current().index.view().labels
    return np.array(
        [
            sum(view.doubt(np.eye(CLASSES, dtype=np.float32)[number], count)
                for view in views.values())
            for number in range(CLASSES)
        ]
    )  # fmt: skip


def grown(memory: Memory, chance: random.Random, count: int) -> list[bytes]:
    futures = [
        memory.remember(numbered(n), None, [(Labels(f"m-{n % 2}", some(chance)), NAMES)])
        for n in range(count)
    ]
    return [future.result().id for future in futures]


def test_writer_readers_and_caches_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LEAST_NEW", 10)
    chance = random.Random(3)
    with Memory.open(tmp_path) as memory, Memory.open(tmp_path, read_only=True) as reader:
        ids = grown(memory, chance, 60)
        reader.verify()
        memory.checkpoint()
        for key in ids[:12]:
            memory.label(key, Labels(f"m-{chance.randrange(3)}", some(chance)), NAMES).result()
        memory.forget(ids[10:14], "asked to").result()
        for seen in (memory, reader):
            seen.verify()
        own = labels_in(memory, 60)
        np.testing.assert_array_equal(labels_in(reader, 60), own)
        assert own.any() and not own[:, 10:14].any()
        grown(memory, chance, 20)
        memory.label(ids[20], Labels("m-0", some(chance)), NAMES).result()
        own = labels_in(memory, 80)
        np.testing.assert_array_equal(labels_in(reader, 80), own)
    assert (tmp_path / "index" / "header.json").exists()
    with Memory.open(tmp_path) as memory:
        np.testing.assert_allclose(labels_in(memory, 80), own, rtol=1e-12)
        memory.label(ids[21], Labels("m-0", some(chance)), NAMES).result()
        own = labels_in(memory, 80)
    shutil.rmtree(tmp_path / "index")
    with Memory.open(tmp_path) as memory:
        np.testing.assert_allclose(labels_in(memory, 80), own, rtol=1e-12)


def test_nothing_of_what_was_forgotten_is_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "LEAST_NEW", 1)
    with Memory.open(tmp_path) as memory:
        secret = Labels("m", (Label(39, 0.7777),))
        one = memory.remember(numbered(1), None, [(secret, NAMES)]).result()
        for number in range(2, 9):
            seen = Labels("m", (Label(3, 0.5),))
            memory.remember(numbered(number), None, [(seen, NAMES)]).result()
        memory.checkpoint()
        code = np.uint16(encoding._code(0.7777)).tobytes()
        written = list((tmp_path / "index").rglob("l0_codes.npy"))
        assert len(written) == 1 and code in written[0].read_bytes()
        memory.forget([one.id], "asked to").result()
        memory.checkpoint()
        for path in (tmp_path / "index").rglob("l0_codes.npy"):
            assert code not in path.read_bytes()


def test_labels_that_another_tool_wrote_or_altered_are_noticed(tmp_path: Path) -> None:
    with Memory.open(tmp_path) as memory:
        grown(memory, random.Random(4), 5)
        own = schema.labels
        gone = own.delete().where(own.c.number == 2)
        memory.change(lambda c: c.execute(gone).rowcount).result()
        with pytest.raises(StoreDamaged, match="index holds labels"):
            memory.verify()
        altered = update(own).where(own.c.number == 3).values(labels=b"no")
        memory.change(lambda c: c.execute(altered).rowcount).result()
    with Memory.open(tmp_path) as memory:
        assert memory.statistics().damaged_vectors == 1
        memory.verify()
