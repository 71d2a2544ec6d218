"""The state of a node with an encrypted store says nothing without the key."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sage_memory.backends.sealed_state import StateSeal

STATE = {
    "words/names": np.frombuffer(b"the red door", np.uint8),
    "short_term/vision/past": np.linspace(0.0, 1.0, 7, dtype=np.float32),
    "empty": np.zeros((0, 30, 30), np.uint8),
}


def equal(one, other) -> bool:
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name])
        for name in one
    )


def test_what_was_sealed_comes_back(key) -> None:
    sealed = StateSeal(key).seal(STATE)
    assert equal(StateSeal(key).unseal(sealed), STATE)


def test_nothing_readable_is_in_it(key) -> None:
    sealed = StateSeal(key).seal(STATE)
    assert list(sealed) == ["sealed"]
    data = sealed["sealed"].tobytes()
    for secret in (b"red door", b"words", STATE["short_term/vision/past"].tobytes()[4:20]):
        assert secret not in data


def test_without_a_key_states_stay_as_they_are() -> None:
    assert StateSeal(None).seal(STATE) is STATE
    assert StateSeal(None).unseal(STATE) is STATE


def test_a_state_of_before_the_key_is_taken(key) -> None:
    assert equal(StateSeal(key).unseal(STATE), STATE)


def test_another_key_or_none_is_refused(key) -> None:
    sealed = StateSeal(key).seal(STATE)
    with pytest.raises(ValueError, match="no key was given"):
        StateSeal(None).unseal(sealed)
    with pytest.raises(ValueError, match="another key, or changed"):
        StateSeal(replace(key, secret=bytes(32))).unseal(sealed)


def test_a_changed_state_is_refused(key) -> None:
    data = StateSeal(key).seal(STATE)["sealed"].copy()
    data[-3] ^= 1
    with pytest.raises(ValueError, match="another key, or changed"):
        StateSeal(key).unseal({"sealed": data})
