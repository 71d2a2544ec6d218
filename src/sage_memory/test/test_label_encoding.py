"""Labels as blobs: compact, whole, and never anything else."""

from __future__ import annotations

import random
import zlib
from itertools import pairwise

import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Label, Labels, check_labels
from sage_memory.core.labels import encoding
from sage_memory.core.labels.packing import pack_labels, pack_names, unpack_names


def some(chance: random.Random, count: int, boxed: float = 0.3) -> tuple[Label, ...]:
    made = []
    best = 1.0
    for _ in range(count):
        best *= chance.random()
        left, top = chance.random(), chance.random()
        box = (left, top, chance.random() * (1 - left), chance.random() * (1 - top))
        made.append(Label(chance.randrange(2**16), best, box if chance.random() < boxed else None))
    return tuple(made)


def test_ten_classes_take_46_bytes() -> None:
    labels = some(random.Random(1), 10, boxed=0.0)
    assert len(encoding.encode(Labels("m", labels))) == 46
    assert len(encoding.encode(Labels("m", (Label(1, 0.5, (0, 0, 1, 1)),)))) == 6 + 4 + 8


def test_labels_come_back() -> None:
    chance = random.Random(2)
    for count in (0, 1, 5, 32):
        for _ in range(50):
            labels = some(chance, count)
            back = encoding.decode(encoding.encode(Labels("m", labels)))
            check_labels(Labels("m", back))
            assert [label.number for label in back] == [label.number for label in labels]
            for one, other in zip(labels, back, strict=True):
                if one.probability > 1e-6:
                    assert other.probability == pytest.approx(one.probability, rel=1.1e-4)
                else:
                    assert 0.0 <= other.probability < 1.1e-6
                assert (one.box is None) == (other.box is None)
                if one.box is not None:
                    assert other.box == pytest.approx(one.box, abs=2e-5)


def test_encoding_what_was_decoded_gives_the_same_bytes() -> None:
    chance = random.Random(3)
    for _ in range(200):
        blob = encoding.encode(Labels("m", some(chance, chance.randrange(33))))
        assert encoding.encode(Labels("m", encoding.decode(blob))) == blob


def test_small_probabilities_stay_apart_and_the_ends_are_exact() -> None:
    values = (1.0, 0.9995, 0.999, 0.0012, 0.001, 1e-5, 0.0)
    back = encoding.decode(encoding.encode(Labels("m", tuple(Label(0, v) for v in values))))
    kept = [label.probability for label in back]
    assert (kept[0], kept[-1]) == (1.0, 0.0)
    assert all(one > other for one, other in pairwise(kept))
    table = encoding.probabilities()
    assert (table[0], table[-1]) == (1.0, 0.0) and (np.diff(table) < 0).all()


def test_many_at_once_are_what_each_is() -> None:
    chance = random.Random(4)
    blobs = [encoding.encode(Labels("m", some(chance, chance.randrange(33)))) for _ in range(60)]
    owners, numbers, codes = encoding.decode_all(blobs)
    table = encoding.probabilities()
    each = [(owner, label) for owner, blob in enumerate(blobs) for label in encoding.decode(blob)]
    assert owners.tolist() == [owner for owner, _ in each]
    assert numbers.tolist() == [label.number for _, label in each]
    np.testing.assert_allclose(table[codes], [label.probability for _, label in each], rtol=1e-6)
    assert [len(part) for part in encoding.decode_all([])] == [0, 0, 0]


def test_what_is_no_blob_is_refused() -> None:
    whole = encoding.encode(Labels("m", some(random.Random(5), 4)))
    rising = encoding.HEAD.pack(1, 2, 0) + np.array([1, 2, 9, 3], "<u2").tobytes()
    wrong = [b"", whole[:-1], whole + b"\0", b"\x02" + whole[1:], rising]
    wrong.append(encoding.HEAD.pack(1, 33, 0) + bytes(132))
    wrong.append(encoding.HEAD.pack(1, 1, 2) + bytes(12))
    for blob in wrong:
        with pytest.raises(InvalidInput):
            encoding.decode(blob)


def test_names_come_back() -> None:
    names = ("Grüße", "cat") * 500
    assert unpack_names(pack_names(names)) == names
    for blob in (b"", b"no", zlib.compress(b'["x", 3]'), zlib.compress(bytes(10**8))):
        with pytest.raises(InvalidInput, match="names of classes"):
            unpack_names(blob)
    assert len(pack_names(tuple(f"class {n}" for n in range(1000)))) < 4000


def test_a_moment_has_labels_of_a_model_once() -> None:
    labels = Labels("m", ())
    with pytest.raises(InvalidInput, match="each model once"):
        pack_labels([(labels, ["a"]), (labels, ["a"])])
    with pytest.raises(InvalidInput, match=r"vocabulary\[0\]"):
        pack_labels([(labels, [["a"]])])  # type: ignore[list-item]
    with pytest.raises(InvalidInput, match="vocabulary = 3"):
        pack_labels([(labels, 3)])  # type: ignore[list-item]
    with pytest.raises(InvalidInput, match="0 to 0"):
        pack_labels([(Labels("m", (Label(1, 0.5),)), ["a"])])
