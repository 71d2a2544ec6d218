"""Pictures that were kept before a model could name them."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Label, Labels
from sage_memory import Memory
from sage_memory.backends.payload_decoding import picture
from sage_memory.backends.payload_encoding import picture as encoded
from sage_memory.backends.picture_namers import PictureNamers
from sage_memory.core.experience import Payload
from sage_memory.core.store.naming import BATCH, Namer

MODEL, CLASSES = "brightness-1@0", ("dark", "bright")


def brightness(payload: bytes) -> Labels:
    """Whether a picture is bright, a model as simple as can be."""
    share = float(picture(payload).mean() / 255.0)
    pairs = sorted([(0, 1.0 - share), (1, share)], key=lambda pair: -pair[1])
    return Labels(MODEL, tuple(Label(number, p) for number, p in pairs))


NAMER = Namer(MODEL, CLASSES, brightness)


def grey(level: int) -> Payload:
    return encoded(np.full((24, 32, 3), level, np.uint8))


def best(memory: Memory, identifier: bytes) -> str:
    """The best name of a moment; empty if it has none."""
    found = memory.labels(identifier)
    return found[0].vocabulary[found[0].labels[0].number] if found else ""


def named(memory: Memory, namer: Namer = NAMER):
    work = memory.naming(namer)
    while work.step():
        pass
    return work.done


def test_pictures_without_labels_get_them_and_nothing_else_does(place, experience) -> None:
    with place.open() as memory:
        dark = memory.remember(experience(1), grey(10)).result()
        bright = memory.remember(experience(2), grey(240)).result()
        sound = memory.remember(experience(3), Payload(b"fLaC", "audio/flac")).result()
        bare = memory.remember(experience(4)).result()
        assert memory.naming(NAMER).missing() == 2
        done = named(memory)
        assert (done.made, done.failed) == (2, 0)
        names = [best(memory, one.id) for one in (dark, bright, sound, bare)]
        assert names == ["dark", "bright", "", ""]
        assert named(memory).made == 0, "nothing is named twice"
        other = Namer("brightness-2@0", CLASSES, lambda data: _renamed(brightness(data)))
        assert named(memory, other).made == 2
        assert {one.model_id for one in memory.labels(dark.id)} == {MODEL, "brightness-2@0"}
        assert memory.inspect() == []


def _renamed(labels: Labels) -> Labels:
    return Labels("brightness-2@0", labels.labels)


def test_it_goes_on_where_it_stopped(place, experience) -> None:
    count = BATCH + 3
    with place.open() as memory:
        for number in range(count):
            memory.remember(experience(number), grey(number)).result()
        assert memory.naming(NAMER).step() == BATCH
    with place.open() as memory:
        assert memory.naming(NAMER).missing() == 3
        assert named(memory).made == 3


def test_what_cannot_be_named_is_counted_and_the_rest_is_named(place, experience) -> None:
    def fussy(payload: bytes) -> Labels:
        if picture(payload).mean() < 128:
            raise InvalidInput("payload", "a dark picture", "a bright one")
        return brightness(payload)

    with place.open() as memory:
        memory.remember(experience(1), grey(10)).result()
        gone = memory.remember(experience(2), grey(240)).result()
        bright = memory.remember(experience(3), grey(200)).result()
        memory.forget([gone.id], "test").result()
        done = named(memory, Namer(MODEL, CLASSES, fussy))
        assert (done.made, done.failed) == (1, 1)
        assert "a dark picture" in done.fault
        assert best(memory, bright.id) == "bright"


def test_the_models_that_are_installed_name_a_kept_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGE_MODELS", str(Path(sys.prefix, "share", "sage_encoders", "models")))
    with closing(PictureNamers()) as opened:
        for model, classes in zip(opened.models, (1000, 80), strict=False):
            namer = model.namer
            labels = namer.name(grey(90).data)
            assert labels.model_id == namer.model_id and len(namer.vocabulary) == classes
            with pytest.raises(InvalidInput, match="payload"):
                namer.name(b"no picture")
        assert len(opened.models[0].namer.name(grey(90).data).labels) == 10
