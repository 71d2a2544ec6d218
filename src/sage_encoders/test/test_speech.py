"""Speech: where it begins and ends, what it says, and what is made of sound without any."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from speech_sounds import INSTALLED, SAMPLE_RATE, SENTENCE, noise, recorded, sentence

from sage_common.core.errors import InvalidInput
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.packaged import speech_networks
from sage_encoders.backends.speech import speech_recogniser, voice_activity
from sage_encoders.backends.speech.speech_recogniser import SpeechRecogniser, Transcript
from sage_encoders.backends.speech.voice_activity import CHUNK, VoiceActivity
from sage_encoders.core.card import ModelError
from sage_encoders.core.speech.endpointer import CHUNK_NS, Endpointer, Speech
from sage_encoders.core.speech.spectrum import log_mel
from sage_encoders.core.speech.transcript import Token, repeats, text_of, words_of

S = 1_000_000_000
PAUSE_S, LONGEST_S = 0.5, 10.0


@pytest.fixture(scope="module")
def activity() -> Iterator[VoiceActivity]:
    name, signature = voice_activity.MODEL, voice_activity.SIGNATURE
    with REGISTRY.open(name, INSTALLED, "auto", "cpu", signature=signature) as model:
        yield VoiceActivity(model)


@pytest.fixture(scope="module")
def recogniser() -> Iterator[SpeechRecogniser]:
    encoder, decoder = (
        REGISTRY.open(name, INSTALLED, "int8", "cpu", signature=signature)
        for name, signature in (
            (speech_recogniser.ENCODER, speech_recogniser.ENCODER_SIGNATURE),
            (speech_recogniser.DECODER, speech_recogniser.DECODER_SIGNATURE),
        )
    )
    with encoder as first, decoder as second:
        yield SpeechRecogniser(first, second)


def understood(recogniser: SpeechRecogniser, samples: np.ndarray) -> Transcript:
    heard = recogniser.hear(samples)
    return recogniser.go_on(recogniser.begin(heard), heard, 1000)


def utterances(
    activity: VoiceActivity, samples: np.ndarray, longest_s: float = LONGEST_S
) -> list[Speech]:
    """What ends in a sound that comes in pieces of 96 ms from 1 s on."""
    activity.reset()
    endpointer = Endpointer(PAUSE_S, longest_s)
    found = []
    for at in range(0, len(samples) - 3 * CHUNK + 1, 3 * CHUNK):
        piece = samples[at : at + 3 * CHUNK]
        end_ns = S + (at + len(piece)) * S // SAMPLE_RATE
        found += endpointer.push(piece.reshape(-1, CHUNK), activity.push(piece), end_ns)
    return found + endpointer.end(end_ns)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def test_a_sentence_is_understood(recogniser: SpeechRecogniser) -> None:
    transcript = understood(recogniser, sentence())
    said = "".join(c for c in transcript.text.lower() if c.isalpha() or c == " ")
    assert said.startswith(SENTENCE)
    assert 0.0 < transcript.wrong < 0.1 and transcript.no_speech < 0.5
    assert " ".join(word.text for word in transcript.words) == transcript.text


def test_a_few_tokens_at_a_time_are_the_same(recogniser: SpeechRecogniser) -> None:
    heard = recogniser.hear(sentence()[: 5 * SAMPLE_RATE])
    whole = recogniser.go_on(recogniser.begin(heard), heard, 1000)
    transcript, steps = recogniser.begin(heard), 0
    while not transcript.is_done:
        transcript = recogniser.go_on(transcript, heard, 4)
        steps += 1
    assert transcript.tokens == whole.tokens and steps == len(whole.tokens) // 4 + 1


@pytest.mark.parametrize(("seconds", "loudness"), [(0.0, 0.0), (0.5, 0.0), (3.0, 0.1), (40.0, 0.1)])
def test_what_is_no_speech_ends(
    recogniser: SpeechRecogniser, seconds: float, loudness: float
) -> None:
    samples = np.random.default_rng(0).normal(0.0, loudness, round(seconds * SAMPLE_RATE))
    transcript = understood(recogniser, samples.astype(np.float32))
    assert transcript.is_done and len(transcript.tokens) <= 8 + 8 * 27


def test_what_is_no_sound_is_refused(recogniser: SpeechRecogniser) -> None:
    with pytest.raises(InvalidInput, match="NaN"):
        recogniser.hear(np.full(SAMPLE_RATE, np.nan, np.float32))
    with pytest.raises(InvalidInput, match="mono"):
        log_mel(np.zeros((2, SAMPLE_RATE), np.float32))


def test_a_pause_ends_an_utterance(activity: VoiceActivity) -> None:
    speech = sentence()[: 4 * SAMPLE_RATE]
    sounds = [silence(1.0), speech, silence(1.0), speech, silence(1.0)]
    first, second = utterances(activity, np.concatenate(sounds))
    assert first.end_ns == pytest.approx(6.0 * S, abs=0.4 * S), "where speech ends, not the pause"
    assert second.end_ns == pytest.approx(11.0 * S, abs=0.4 * S)
    assert 2.5 < first.voiced_s < 4.0 and len(first.samples) > 3.5 * SAMPLE_RATE


def test_who_does_not_pause_is_cut_where_it_is_quietest_and_nothing_is_lost(
    activity: VoiceActivity,
) -> None:
    speech = sentence()
    parts = utterances(activity, np.concatenate([speech, silence(1.0)]), longest_s=3.0)
    assert len(parts) >= 3 and all(len(part.samples) <= 3.04 * SAMPLE_RATE for part in parts)
    assert sum(part.voiced_s for part in parts) > 0.7 * len(speech) / SAMPLE_RATE
    assert sum(len(part.samples) for part in parts) >= 0.9 * len(speech)
    ends = [part.end_ns for part in parts]
    assert ends == sorted(ends)


def test_a_microphone_that_stops_mid_word_ends_the_utterance(activity: VoiceActivity) -> None:
    (only,) = utterances(activity, sentence()[: 2 * SAMPLE_RATE])
    assert only.end_ns <= 3 * S and only.voiced_s > 1.0


def test_noise_and_silence_are_hardly_taken_for_speech(activity: VoiceActivity) -> None:
    assert utterances(activity, silence(30.0)) == []
    assert sum(found.voiced_s for found in utterances(activity, noise())) < 2.0


def test_a_stream_in_pieces_is_judged_as_a_whole(activity: VoiceActivity) -> None:
    speech = sentence()[: 60 * CHUNK]
    activity.reset()
    whole = activity.push(speech)
    activity.reset()
    pieces = [activity.push(speech[at : at + 5 * CHUNK]) for at in range(0, 60 * CHUNK, 5 * CHUNK)]
    assert np.allclose(whole, np.concatenate(pieces), atol=1e-4) and whole.max() > 0.9
    assert len(activity.push(np.zeros(0, np.float32))) == 0


def test_a_click_is_no_utterance() -> None:
    endpointer = Endpointer(PAUSE_S, LONGEST_S)
    probabilities = np.array([0.0] * 20 + [0.9] * 3 + [0.0] * 40, np.float32)
    chunks = np.zeros((len(probabilities), CHUNK), np.float32)
    assert endpointer.push(chunks, probabilities, S) == []
    assert endpointer.speaking_s == 0.0


def test_the_end_is_that_of_the_last_voice() -> None:
    endpointer = Endpointer(PAUSE_S, LONGEST_S)
    probabilities = np.array([0.9] * 30 + [0.0] * 20, np.float32)
    chunks = np.zeros((len(probabilities), CHUNK), np.float32)
    (found,) = endpointer.push(chunks, probabilities, 50 * CHUNK_NS)
    assert found.end_ns == 30 * CHUNK_NS and found.voiced_s == 30 * CHUNK / SAMPLE_RATE


def test_words_are_as_probable_as_their_least_probable_piece() -> None:
    tokens = [
        Token("\u0120Put", -0.1),
        Token("ting", -2.0),
        Token("\u0120on", -0.1),
        Token(",", -3),
    ]
    first, second = words_of(tokens, -3.0, -1.0)
    assert (first.text, second.text) == ("Putting", "on,")
    assert first.wrong == pytest.approx(1 / (1 + np.exp(1.0)))
    assert second.wrong == pytest.approx(0.5)
    assert text_of(["\u0120caf", "\u00c3\u00a9"]) == "caf\u00e9"


def test_what_is_said_over_and_over_is_noticed() -> None:
    assert repeats(["a", "b"] * 3) and repeats(["x", *["a", "b", "c"] * 3])
    assert not repeats(["a", "b"] * 2) and not repeats(["no", "no", "no"])


def test_digits_of_8_khz_are_understood(recogniser: SpeechRecogniser) -> None:
    slow = recorded("fsdd600_8k_flac.zip", "7_jackson_0.flac")
    spectrum = np.fft.rfft(slow)
    samples = (np.fft.irfft(spectrum, 2 * len(slow)) * 2).astype(np.float32)
    assert understood(recogniser, samples).text.strip(" .!").lower() in ("7", "seven")


def test_other_weights_are_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("package")
    (folder / "assets").mkdir()
    (folder / speech_networks.VOICE_ACTIVITY_FILE).write_bytes(b"another network")
    monkeypatch.setattr(speech_networks, "_folder_of", lambda package: folder)
    makers = speech_networks.speech_networks(INSTALLED)
    with pytest.raises(ModelError, match=r"voice_activity: .*expected 4cbf549b8326"):
        makers[voice_activity.MODEL]()
    with pytest.raises(ModelError, match=r"model\.bin: weights that cannot be read"):
        makers[speech_recogniser.ENCODER]()
    (folder / "model").mkdir()
    (folder / "model" / "model.bin").write_bytes(b"\6\0\0\0\xff\xff")
    with pytest.raises(ModelError, match="not tensors that CTranslate2 saved"):
        makers[speech_recogniser.DECODER]()


def test_without_the_packages_none_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech_networks, "_folder_of", lambda package: None)
    assert speech_networks.speech_networks(INSTALLED) == {}
