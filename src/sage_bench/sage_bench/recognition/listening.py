"""What listening is worth: words that are wrong, words of what is no speech, and time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sage_bench.recognition import recordings
from sage_bench.recognition.recordings import SAMPLE_RATE, Floats, Spoken
from sage_bench.result import Row, row_of_samples
from sage_encoders.backends.model_registry import ModelRegistry
from sage_encoders.backends.packaged.speech_networks import whisper_folder
from sage_encoders.backends.speech.speech_recogniser import BEGIN, END, SpeechRecogniser, Transcript
from sage_encoders.backends.speech.voice_activity import VoiceActivity
from sage_encoders.core.speech.endpointer import Endpointer
from sage_encoders.core.speech.spectrum import log_mel
from sage_encoders.core.speech.transcript import text_of
from sage_orchestrator.core.plugin import HeardSound
from sage_plugins.listen.plugin import PRECISIONS, SIGNATURES
from sage_plugins.listen.stream import SoundStream
from sage_plugins.params import ListenParameters

PARAMETERS = ListenParameters()
PIECE, PIECE_S, NS_PER_S = 1600, 0.1, 1_000_000_000
WRONG_GOAL, CALIBRATION_GOAL, FINAL_GOAL_S = 0.08, 0.05, 1.0
SNRS_DB = (10.0, 0.0)
LIBRARY_S, BEAMS = 30.0, 5
BINS = 10
CUT_S = 5.0


@dataclass
class Listener:
    """Listens to recordings as the plugin does, and takes the time.

    Attributes:
        judged_ms, understood_ms: processor time a second of sound and of speech [ms].
        final_s: from the end of speech to its last word, where the processor is free [s].
    """

    activity: VoiceActivity
    recogniser: SpeechRecogniser
    judged_ms: list[float] = field(default_factory=list)
    understood_ms: list[float] = field(default_factory=list)
    final_s: list[float] = field(default_factory=list)

    def understand(self, samples: Floats) -> Transcript:
        """All of one utterance."""
        began = time.process_time()
        heard = self.recogniser.hear(samples)
        transcript = self.recogniser.begin(heard)
        while not transcript.is_done:
            transcript = self.recogniser.go_on(transcript, heard, 4)
        taken_s = time.process_time() - began
        self.understood_ms.append(1e3 * taken_s * SAMPLE_RATE / len(samples))
        return transcript

    def listen(self, samples: Floats) -> list[Transcript]:
        """What is published of a stream."""
        endpointer = Endpointer(PARAMETERS.pause_s, PARAMETERS.longest_s)
        self.activity.reset()
        stream = SoundStream(self.activity, endpointer)
        published, began = [], time.process_time()
        for number in range(len(samples) // PIECE):
            piece = samples[number * PIECE : (number + 1) * PIECE]
            at_ns = round((number + 1) * PIECE_S * NS_PER_S)
            stream.take([HeardSound(at_ns, piece)])
            while stream.waiting:
                speech = stream.waiting.popleft()
                paused = time.process_time()
                transcript = self.understand(speech.samples)
                taken_s = time.process_time() - paused
                began += taken_s
                self.final_s.append((at_ns - speech.end_ns) / NS_PER_S + taken_s)
                if 1.0 - transcript.wrong >= PARAMETERS.published_probability:
                    published.append(transcript)
        seconds = len(samples) / SAMPLE_RATE
        self.judged_ms.append(1e3 * (time.process_time() - began) / seconds)
        return published


def rows(data: Path, models: Path, quick: bool) -> list[Row]:
    """Sentences, digits, noise, silence and other sounds that chose nothing."""
    spoken = recordings.sentences(data)
    sets = {"sentences": spoken}
    for snr_db in SNRS_DB[: 1 if quick else None]:
        sets[f"sentences in noise, {snr_db:g} dB"] = recordings.in_noise(spoken, data, snr_db)
    sets["strings of digits"] = recordings.digit_strings(data, 6 if quick else 30)
    minutes = 0.5 if quick else 5.0
    with _listener(models) as listener:
        found, words = [], []
        library = Library()
        for name, each in sets.items():
            row, of_set = _wrong(name, listener, library, each)
            found.append(row)
            words += of_set
        found.append(_calibration(words))
        found += _no_speech(data, listener, minutes, quick)
        listener.final_s.clear()
        for one in spoken:
            speech = one.samples[: round(CUT_S * SAMPLE_RATE)]
            listener.listen(np.concatenate([speech, np.zeros(2 * SAMPLE_RATE, np.float32)]))
        found += _times(listener)
    return found


@contextmanager
def _listener(models: Path) -> Iterator[Listener]:
    registry = ModelRegistry()
    leases = [
        registry.open(name, models, precision, "cpu", signature=signature)
        for (name, signature), precision in zip(SIGNATURES.items(), PRECISIONS, strict=True)
    ]
    try:
        activity, encoder, decoder = (lease.model for lease in leases)
        yield Listener(VoiceActivity(activity), SpeechRecogniser(encoder, decoder))
    finally:
        for lease in leases:
            lease.close()


class Library:
    """The same weights as their users run them: CTranslate2, 30 s at once, five beams."""

    def __init__(self) -> None:
        from ctranslate2.models import Whisper

        self._model = Whisper(str(whisper_folder()), compute_type="int8", intra_threads=1)
        self._vocabulary = (whisper_folder() / "vocabulary.txt").read_text("utf-8").splitlines()

    def understand(self, samples: Floats) -> str:
        """The words of one utterance."""
        from ctranslate2 import StorageView

        whole = np.pad(samples, (0, round(LIBRARY_S * SAMPLE_RATE) - len(samples)))
        mel = StorageView.from_array(log_mel(whole)[None])
        (answer,) = self._model.generate(mel, [list(BEGIN)], beam_size=BEAMS)
        return text_of([piece for piece in answer.sequences[0] if piece != END])


def _wrong(
    name: str, listener: Listener, library: Library, spoken: Sequence[Spoken]
) -> tuple[Row, list[tuple[float, bool]]]:
    """Share of the words that are wrong; and of each one that was understood how probable that
    was, and whether it is so."""
    errors, by_library, count = 0, 0, 0
    words: list[tuple[float, bool]] = []
    for one in spoken:
        transcript = listener.understand(one.samples)
        pieces = [(recordings.words_of(w.text), w.wrong) for w in transcript.words]
        understood = [word for plain, _ in pieces for word in plain]
        wrong, right = recordings.right_words(one.words, understood)
        place = 0
        for plain, probability in pieces:
            if plain:
                words.append((probability, not all(right[place : place + len(plain)])))
            place += len(plain)
        said = recordings.words_of(library.understand(one.samples))
        by_library += recordings.right_words(one.words, said)[0]
        errors, count = errors + wrong, count + len(one.words)
    goal = WRONG_GOAL if name == "sentences" else None
    beside = {"library, 30 s, five beams": by_library / count}
    return Row(f"{name}: words wrong", errors / count, "", goal, "lower", beside, count), words


def _calibration(words: Sequence[tuple[float, bool]]) -> Row:
    said, wrong = (np.array(side, np.float64) for side in zip(*words, strict=True))
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    apart = sum(
        abs(said[place == b].mean() - wrong[place == b].mean()) * (place == b).mean()
        for b in np.unique(place)
    )
    name = "words understood: calibration error"
    return Row(name, float(apart), "", CALIBRATION_GOAL, samples=len(words))


def _no_speech(data: Path, listener: Listener, minutes: float, quick: bool) -> list[Row]:
    """Utterances that are published of what has none."""
    count = round(minutes * 60 * SAMPLE_RATE)
    white = np.random.default_rng(0).normal(0.0, 0.05, count).astype(np.float32)
    streams = {
        f"{minutes:g} minutes of noise": recordings.noise(data, minutes * 60),
        f"{minutes:g} minutes of white noise": white,
        f"{minutes:g} minutes of silence": np.zeros(count, np.float32),
    }
    found = [
        Row(f"{name}: utterances published", len(listener.listen(samples)), "", 0.0)
        for name, samples in streams.items()
    ]
    clips = recordings.other_sounds(data)[:: 10 if quick else 1]
    pause = np.zeros(SAMPLE_RATE, np.float32)
    said = sum(len(listener.listen(np.concatenate([clip, pause]))) for clip in clips)
    name = "clips of other sounds: utterances published a clip"
    return [*found, Row(name, said / len(clips), "", None, "lower", {}, len(clips))]


def _times(listener: Listener) -> list[Row]:
    core = "processor time, one core"
    return [
        row_of_samples(f"whether somebody speaks, a second, {core}", listener.judged_ms, "ms"),
        row_of_samples(f"understanding a second of speech, {core}", listener.understood_ms, "ms"),
        row_of_samples(
            "5 s of speech: from their end to the last word", listener.final_s, "s",
            goal=FINAL_GOAL_S, rank=95,
        ),
    ]  # fmt: skip
