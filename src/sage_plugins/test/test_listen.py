"""Listening: what it understands, when it says so, and what it makes of noise and gaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
from orchestrator_graph import started
from speech_sounds import INSTALLED, SAMPLE_RATE, SENTENCE, noise, sentence
from std_msgs.msg import Header
from test_look import FixedBudget

from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.audio import array_to_audio, audio_info
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.core.speech.endpointer import CHUNK, Endpointer
from sage_msgs.msg import FusedSalience, Salience, Utterance
from sage_orchestrator.core.plugin import HeardSound, NothingToDo, Task
from sage_orchestrator.core.plugin.halting import History
from sage_orchestrator.core.plugin.setup import set_up
from sage_orchestrator.core.running.answer import checked_result
from sage_orchestrator.core.running.words import RecognisedWords, recognised_words
from sage_plugins.listen.plugin import ListenPlugin
from sage_plugins.listen.stream import SoundStream
from sage_plugins.params import ListenParameters
from sage_plugins.specs import LISTEN

BEGIN_NS = 60_000_000_000
PIECE = 1600
PIECE_NS = 100_000_000


class World:
    """A context with the sound of one microphone, and the models of this environment."""

    def __init__(self, pieces: Sequence[HeardSound] = ()) -> None:
        self.pieces = pieces

    def sounds(self, start_ns: int, end_ns: int) -> Sequence[HeardSound]:
        return [piece for piece in self.pieces if start_ns <= piece.end_ns <= end_ns]

    def model_session(self, name: str, precision: str = "auto"):
        return REGISTRY.open(name, INSTALLED, precision)


def pieces_of(samples: np.ndarray, begin_ns: int = BEGIN_NS) -> list[HeardSound]:
    """A sound in pieces of 100 ms."""
    count = len(samples) // PIECE
    return [
        HeardSound(begin_ns + (n + 1) * PIECE_NS, samples[n * PIECE : (n + 1) * PIECE])
        for n in range(count)
    ]


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


@pytest.fixture
def plugin() -> Iterator[ListenPlugin]:
    made = ListenPlugin(World(), ListenParameters())
    made.load()
    yield made
    made.unload()


def listen(plugin: ListenPlugin, pieces: Sequence[HeardSound], steps: int = 64) -> list[dict]:
    """Results of all runs, one for each piece of sound, of so many steps at most."""
    plugin._context = World(pieces)
    results = []
    for piece in pieces:
        try:
            state = plugin.init_state(Task(piece.end_ns, "audio", "front", 0.5), FixedBudget())
        except NothingToDo:
            continue
        for _ in range(steps):
            if plugin.feasible(state):
                break
            state = plugin.step(state)
        results.append(checked_result(plugin.result(state)))
    return results


def words_in(results: Sequence[dict]) -> list[RecognisedWords]:
    found = [recognised_words(result) for result in results]
    return [words for words in found if words is not None]


def plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalpha() or c == " ").strip()


def test_what_was_said_is_published_with_the_time_at_which_it_ended(plugin: ListenPlugin) -> None:
    speech = sentence()[: 5 * SAMPLE_RATE]
    results = listen(plugin, pieces_of(np.concatenate([silence(1.0), speech, silence(1.5)])))
    (words,) = words_in(results)
    assert plain(words.text).startswith(SENTENCE) and 0.7 <= words.confidence <= 1.0
    assert words.end_ns == pytest.approx(BEGIN_NS + 6_000_000_000, abs=400_000_000)
    assert results[-1]["summary"] == f'hears: "{words.text}"'


def test_energy_falls_as_it_is_written_down(plugin: ListenPlugin) -> None:
    pieces = pieces_of(np.concatenate([sentence(), silence(1.0)]))
    plugin._context = World(pieces)
    energies: list[float] = []
    for piece in pieces:
        try:
            state = plugin.init_state(Task(piece.end_ns, "audio", "front", 0.5), FixedBudget())
        except NothingToDo:
            continue
        energies = [plugin.energy(state)]
        while not plugin.feasible(state):
            state = plugin.step(state)
            energies.append(plugin.energy(state))
    assert energies[0] == 1.0 and energies[-1] < 0.15
    assert energies == sorted(energies, reverse=True)
    assert plugin.halt(History([0.1], feasible=True)) and not plugin.halt(History([1.0]))


def test_it_goes_on_from_run_to_run_where_its_budget_ends(plugin: ListenPlugin) -> None:
    pieces = pieces_of(np.concatenate([sentence(), silence(4.0)]))
    results = listen(plugin, pieces, steps=1)
    (words,) = words_in(results)
    assert plain(words.text).startswith(SENTENCE)
    summaries = [result["summary"] for result in results]
    assert summaries[0] == "speech, not understood yet"
    assert sum(said.endswith(' ..."') for said in summaries) >= 5, "the first words come earlier"
    assert "words" not in results[0]


def test_two_halves_of_a_sentence_are_two_utterances(plugin: ListenPlugin) -> None:
    plugin._parameters = ListenParameters(longest_s=5.0)
    plugin.unload()
    plugin.load()
    said = words_in(listen(plugin, pieces_of(np.concatenate([sentence(), silence(1.0)]))))
    assert len(said) >= 2
    joined = plain(" ".join(words.text for words in said)).split()
    whole = "printing in the only sense with which we are at present concerned differs from most"
    assert sum(word in joined for word in whole.split()) >= 13


def test_noise_silence_and_a_click_have_no_words(plugin: ListenPlugin) -> None:
    assert listen(plugin, pieces_of(np.resize(noise(), 60 * SAMPLE_RATE))) == []
    click = silence(5.0)
    click[SAMPLE_RATE] = 1.0
    assert listen(plugin, pieces_of(click)) == []


def test_a_microphone_that_stops_mid_word_loses_nothing(plugin: ListenPlugin) -> None:
    before = pieces_of(sentence()[: 3 * SAMPLE_RATE])
    later_ns = before[-1].end_ns + 2_000_000_000
    (words,) = words_in(listen(plugin, [*before, *pieces_of(silence(1.0), later_ns)]))
    assert plain(words.text).startswith("printing in the only sense")
    assert words.end_ns is not None and words.end_ns <= before[-1].end_ns


def test_it_begins_with_the_last_second_and_hears_a_late_stretch_bit_by_bit(
    plugin: ListenPlugin,
) -> None:
    pieces = pieces_of(np.concatenate([sentence(), silence(2.0)]))
    plugin._context = World(pieces)
    with pytest.raises(NothingToDo):
        plugin.init_state(Task(pieces[4].end_ns, "audio", "front", 0.5), FixedBudget())
    last = Task(pieces[-1].end_ns, "audio", "front", 0.5)
    runs = 0
    while True:
        runs += 1
        try:
            plugin.init_state(last, FixedBudget())
            break
        except NothingToDo:
            assert runs < 10
    assert runs == pytest.approx((len(pieces) - 5) / 20, abs=1.0)


def test_without_the_packages_it_is_left_out_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    offered = {name: lambda: None for name in LISTEN.needs}
    assert set_up(LISTEN, ListenParameters(), offered).spec is LISTEN
    monkeypatch.setattr("sage_orchestrator.core.plugin.spec.distribution", missing)
    with pytest.raises(InvalidInput, match=r"faster-whisper.*make demo SPEECH=1"):
        set_up(LISTEN, ListenParameters(), offered)


@pytest.mark.parametrize("end_ns", [1.5, "now", -1, True, None])
def test_an_end_that_is_none_is_refused(end_ns: object) -> None:
    with pytest.raises(InvalidInput, match=r"words\[2\]"):
        recognised_words({"words": ["hello", 0.9, end_ns]})


def heard_salience(at_ns: int) -> FusedSalience:
    own = Salience(modality="audio", source="front", total=0.3, valid=True)
    own.header.stamp = to_stamp(at_ns)
    own.alarms_per_hour = 36_000.0
    fused = FusedSalience(trigger_modality="audio", total=0.3, dominant_modality="audio")
    fused.header.stamp, fused.alarms_per_hour = own.header.stamp, own.alarms_per_hour
    fused.modalities, fused.weights, fused.valid = [own], [1.0], True
    return fused


def played(tmp_path: Path, samples: np.ndarray, own_words_s: tuple[float, ...] = (), rate_hz=None):
    """A graph of the orchestrator and a microphone; at some seconds the robot itself speaks."""
    host = started(tmp_path, ["sage_plugins.specs:LISTEN"], models_dir=str(INSTALLED))
    if rate_hz is not None:
        host.publish("microphone/info", audio_info(rate_hz), name="front")
    begin_ns = host.clock.now_ns()
    for number, piece in enumerate(pieces_of(samples, begin_ns)):
        header = Header(stamp=to_stamp(piece.end_ns))
        host.publish("microphone/audio", array_to_audio(piece.samples, header), name="front")
        if number / 10 in own_words_s:
            host.publish("speaking", Utterance(header=header, text="my words", confidence=1.0))
        host.publish("fused_salience", heard_salience(piece.end_ns))
    host.run_for(len(samples) / SAMPLE_RATE + 0.5)
    return host


def test_what_is_said_is_on_the_topic_text(tmp_path: Path) -> None:
    speech = np.concatenate([silence(1.0), sentence()[: 5 * SAMPLE_RATE], silence(2.0)])
    host = played(tmp_path, speech)
    (said,) = host.messages("text")
    assert plain(said.text).startswith(SENTENCE)
    assert said.header.frame_id == "listen" and said.confidence > 0.7
    (answer,) = (m for m in host.messages("refinement") if said.text in m.answer)
    assert stamp_ns(said.header.stamp) < stamp_ns(answer.header.stamp)


def test_it_does_not_listen_to_the_robot_itself(tmp_path: Path) -> None:
    speech = np.concatenate([silence(1.0), sentence()[: 5 * SAMPLE_RATE], silence(2.0)])
    seconds = tuple(number / 4 for number in range(3, 27))
    host = played(tmp_path, speech, tuple(round(second, 1) for second in seconds))
    assert host.messages("text") == []


def test_sound_of_another_rate_is_refused_with_what_to_do(tmp_path: Path) -> None:
    host = played(tmp_path, silence(1.0), rate_hz=48_000)
    (reason, *_) = {m.reason for m in host.messages("refinement")}
    assert "sample_rate = 48000" in reason and "topic_sample_rate_hz 48000" in reason


class Activity:
    """Says when somebody speaks; counts how often it is to drop what it heard."""

    def __init__(self) -> None:
        self.speaks, self.forgotten = False, 0

    def push(self, samples: np.ndarray) -> np.ndarray:
        return np.full(len(samples) // CHUNK, float(self.speaks), np.float32)

    def forget(self) -> None:
        self.forgotten += 1


def test_noise_does_not_make_it_deaf_to_who_speaks_after_it() -> None:
    activity = Activity()
    stream = SoundStream(activity, Endpointer(0.5, 10.0))
    stream.take(pieces_of(silence(1.9)))
    assert activity.forgotten == 0
    stream.take(pieces_of(silence(4.3), stream.end_ns))
    assert activity.forgotten == 3, "every 2 s"
    activity.speaks = True
    stream.take(pieces_of(silence(6.0), stream.end_ns))
    assert activity.forgotten == 3 and stream.speaking_s > 5.0, "not while somebody speaks"
