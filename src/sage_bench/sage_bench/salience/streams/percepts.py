"""What the real encoders make of a stream, kept in a cache if there is one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.streams import (
    inertial,
    motion,
    origins,
    scenery,
    schedule,
    sealed_sources,
    shared_sources,
    shots,
    sounds,
    soundscape,
    sources,
)
from sage_bench.salience.streams import stream as generator
from sage_bench.salience.streams.schedule import Event
from sage_bench.salience.streams.stream import Moment, Stream
from sage_common.core.puzzle import Percept
from sage_encoders.backends.model_registry import ModelRegistry
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.core import audio, body_layout, log_mel, proprioception, tilt, vision
from sage_encoders.core import motion as motion_features
from sage_encoders.core.joints import Joints

LAYOUT = "2"
"""Of the files of the cache; another one makes them anew."""
CACHE = "SAGE_BENCH_CACHE"
"""Names a folder in which streams that were encoded are kept; unset: they are encoded anew."""

READING = (origins, sources, shared_sources, sealed_sources, shots, sounds, inertial)
GENERATOR = (generator, schedule, scenery, soundscape, motion, *READING)
ENCODERS = (audio, vision, proprioception, log_mel, body_layout, motion_features, tilt)
MODALITIES = ("audio", "proprioception", "vision")
APART_S = 10_000.0
"""From the beginning of a stream to that of the next."""


@dataclass(frozen=True)
class Sensed:
    """The percepts of one modality, at most one a tick.

    Attributes:
        ticks: numbers of the ticks at whose end they were there, int64 [n].
        codes: uint8 [n, 30, 30].
        embeddings: float32 [n, D], unit length.
        encoder_id: of whoever encoded them.
    """

    ticks: NDArray[np.int64]
    codes: NDArray[np.uint8]
    embeddings: NDArray[np.float32]
    encoder_id: str


@dataclass(frozen=True)
class Percepts:
    """The percepts of a stream, and what is known of it.

    Attributes:
        name: of the stream.
        length_s, events, ignored: as of the stream.
        digest: SHA-256 of everything that was seen, heard and felt in it, hex.
        times_s: ends of all its ticks, float64 [T].
        sensed: by modality.
    """

    name: str
    digest: str
    length_s: float
    events: tuple[Event, ...]
    ignored: tuple[tuple[float, float], ...]
    times_s: NDArray[np.float64]
    sensed: dict[str, Sensed]

    def at_ticks(self, number: int = 0) -> list[list[Percept]]:
        """The percepts of each tick [T], in order of modality.

        Args:
            number: which of many streams that follow one another it is; moves the stamps.
        """
        ticks: list[list[Percept]] = [[] for _ in self.times_s]
        for modality in sorted(self.sensed):
            found = self.sensed[modality]
            for row, tick in enumerate(found.ticks.tolist()):
                ticks[tick].append(
                    Percept(
                        stamp_ns=stamp_ns(float(self.times_s[tick]), number),
                        modality=modality,
                        source="stream",
                        codes=found.codes[row],
                        embedding=found.embeddings[row],
                        encoder_id=found.encoder_id,
                    )
                )
        return ticks


class Senses:
    """The encoders of a graph, as the nodes use them: on the CPU, in the precision nano takes.

    Proprioception is encoded once a tick, as the others are; its node does so twice.
    """

    def __init__(self, models: Path) -> None:
        """`models`: the folder of the models.

        Raises:
            ModelError: one is missing or cannot be used.
        """

        def opened(name: str) -> OnnxModel:
            return ModelRegistry().open(name, models, "auto", "cpu", 1).model

        self._vision = vision.VisionEncoder(opened("vision_encoder"), resize)
        self._audio = audio.AudioEncoder(opened("audio_encoder"), "stream")
        self._body = proprioception.ProprioceptionEncoder("stream", Joints())

    @property
    def encoder_ids(self) -> tuple[str, ...]:
        """Which name the weights by their SHA-256."""
        return self._vision.encoder_id, self._audio.encoder_id, proprioception.ENCODER_ID

    def encode(self, moment: Moment) -> list[Percept]:
        """The percepts at the end of a tick; sound has none in the first second."""
        now_ns = stamp_ns(moment.time_s)
        count = len(moment.acceleration)
        for index, (force, rate) in enumerate(
            zip(moment.acceleration.tolist(), moment.rotation.tolist(), strict=True)
        ):
            sample_ns = now_ns - (count - 1 - index) * 10_000_000
            self._body.add_imu(sample_ns, rate, force, None)
        percepts = (
            self._audio.push(moment.sound, now_ns),
            self._body.percept(),
            self._vision.encode(moment.frame, now_ns, "stream"),
        )
        return [percept for percept in percepts if percept is not None]


def stamp_ns(time_s: float, number: int = 0) -> int:
    """Time in the `number`th of many streams as a stamp."""
    return round((number * APART_S + 1.0 + time_s) * 1e9)


def percepts_of(stream: Stream, models: Path, cache: Path | None = None) -> Percepts:
    """Encode a stream, or take what the cache holds of the same stream and the same encoders.

    Raises:
        ModelError: a model is missing or cannot be used.
        FileNotFoundError: a recording is missing.
    """
    senses = Senses(models)
    if cache is None:
        return _encoded(stream, senses)
    path = cache / f"percepts-{_key(stream, senses.encoder_ids)}.npz"
    if not path.is_file():
        write_arrays(path, _arrays(_encoded(stream, senses)))
    return _from_arrays(path)


def cache_folder() -> Path | None:
    """The folder named by `SAGE_BENCH_CACHE`; None: there is none."""
    named = os.environ.get(CACHE, "")
    return Path(named) if named else None


def fingerprint(words: Sequence[str], modules: Iterable[ModuleType]) -> str:
    """Changes whenever one of the words or the source of one of the modules does."""
    digest = hashlib.sha256("\n".join(words).encode())
    for module in modules:
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:16]


def words_of(stream: Stream) -> tuple[str, ...]:
    """What distinguishes a stream from others of the same generator."""
    return stream.half, stream.name, str(stream.seed), str(stream.length_s)


def write_arrays(path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    """Write a file of the cache, as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.npz")
    np.savez(unfinished, allow_pickle=False, **arrays)
    unfinished.replace(path)


def _key(stream: Stream, encoder_ids: tuple[str, ...]) -> str:
    return fingerprint((LAYOUT, *words_of(stream), *encoder_ids), (*GENERATOR, *ENCODERS))


def _encoded(stream: Stream, senses: Senses) -> Percepts:
    times_s: list[float] = []
    digest = hashlib.sha256()
    found: dict[str, list[tuple[int, Percept]]] = {name: [] for name in MODALITIES}
    for tick, moment in enumerate(stream.moments()):
        times_s.append(moment.time_s)
        for samples in (moment.frame, moment.sound, moment.acceleration, moment.rotation):
            digest.update(samples.tobytes())
        for percept in senses.encode(moment):
            found[percept.modality].append((tick, percept))
    sensed = {
        name: Sensed(
            ticks=np.array([tick for tick, _ in rows], np.int64),
            codes=np.stack([percept.codes for _, percept in rows]),
            embeddings=np.stack([percept.embedding for _, percept in rows]),
            encoder_id=rows[0][1].encoder_id,
        )
        for name, rows in found.items()
    }
    return Percepts(
        name=stream.name,
        digest=digest.hexdigest(),
        length_s=stream.length_s,
        events=stream.events,
        ignored=stream.ignored,
        times_s=np.array(times_s),
        sensed=sensed,
    )


def _arrays(percepts: Percepts) -> dict[str, NDArray[np.generic]]:
    known = {
        "name": percepts.name,
        "digest": percepts.digest,
        "length_s": percepts.length_s,
        "events": [asdict(event) for event in percepts.events],
        "ignored": percepts.ignored,
    }
    arrays: dict[str, NDArray[np.generic]] = {
        "known": np.array(json.dumps(known)),
        "times_s": percepts.times_s,
    }
    for name, found in percepts.sensed.items():
        arrays[f"{name}.ticks"] = found.ticks
        arrays[f"{name}.codes"] = found.codes
        arrays[f"{name}.embeddings"] = found.embeddings
        arrays[f"{name}.encoder_id"] = np.array(found.encoder_id)
    return arrays


def _from_arrays(path: Path) -> Percepts:
    with np.load(path, allow_pickle=False) as arrays:
        sensed = {
            name: Sensed(
                arrays[f"{name}.ticks"],
                arrays[f"{name}.codes"],
                arrays[f"{name}.embeddings"],
                str(arrays[f"{name}.encoder_id"]),
            )
            for name in MODALITIES
        }
        known = json.loads(str(arrays["known"]))
        return Percepts(
            name=known["name"],
            digest=known["digest"],
            length_s=known["length_s"],
            events=tuple(Event(**event) for event in known["events"]),
            ignored=tuple((begin_s, end_s) for begin_s, end_s in known["ignored"]),
            times_s=arrays["times_s"],
            sensed=sensed,
        )
