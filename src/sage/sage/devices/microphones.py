"""A second of a microphone: level, clipping, silence and sample rate, and the sound itself."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage.devices.observation import Fault, Observation
from sage.devices.samples import samples
from sage_common.core.clock import SystemClock
from sage_common.core.home import replace_file
from sage_sensors.backends import catalogue
from sage_sensors.core.samples import SAMPLE_RATE_HZ, Device, Sound, SourceError, Track
from sage_sensors.params import MicrophoneParameters

LENGTH_S = 1.05
"""Ten chunks of 100 ms, the last of which may come a little late."""
WARM_UP_S = 0.3
"""Many begin with silence, or a click."""
SERVERS = ("pulse", "pipewire", "jack")
PARTS = 10
CLIPPED, MOST_CLIPPED = 0.999, 0.001
QUIET_DBFS, FLOOR_DBFS = -75.0, -90.0


def inputs() -> list[dict[str, Any]]:
    """PortAudio's inputs: `index` and `name` of each, the system's default first.

    ALSA's names for the same inputs with other channels or rates ("surround21") are left out.

    Raises:
        OSError: PortAudio's library is not installed.
    """
    import sounddevice

    default = sounddevice.default.device[0]
    found = [
        {"index": index, "name": device["name"]}
        for index, device in enumerate(sounddevice.query_devices())
        if device["max_input_channels"] > 0
        and (index == default or device["name"] in SERVERS or "(hw:" in device["name"])
    ]
    return sorted(found, key=lambda item: item["index"] != default)


def source_of(index: str) -> Device[Sound] | Track[Sound]:
    """The microphone of that number of PortAudio's.

    Raises:
        SourceError: PortAudio's library is not installed.
    """
    return catalogue.microphone("portaudio", MicrophoneParameters(device=index), SystemClock())


def look(source: Device[Sound] | Track[Sound], file: Path) -> Observation:
    """Listen to a microphone for a second, which is written to `file` (FLAC), of mode 0600.

    Raises:
        SourceError: it gives no sound; says why.
        OSError: the file cannot be written.
    """
    import soundfile

    chunks, own_rate_hz = [], 0
    for sample in samples(source, LENGTH_S, WARM_UP_S):
        chunks.append(sample.value.samples)
        own_rate_hz = getattr(source, "rate_hz", 0)
    if not chunks:
        raise SourceError(f"{source.source}: no sound within {LENGTH_S:g} s")
    sound = np.concatenate(chunks)[:SAMPLE_RATE_HZ]
    content = io.BytesIO()
    soundfile.write(content, sound, SAMPLE_RATE_HZ, format="FLAC")
    replace_file(file, content.getvalue())
    level, peak = dbfs(math.sqrt(float(np.mean(sound**2)))), dbfs(float(np.abs(sound).max()))
    text = f"level {level:.0f} dBFS, peak {peak:.0f} dBFS, sampled at {own_rate_hz} Hz"
    measured = {
        "level_dbfs": round(level, 1), "peak_dbfs": round(peak, 1), "sample_rate_hz": own_rate_hz,
        "clipped": round(float((np.abs(sound) >= CLIPPED).mean()), 4),
        "length_s": len(sound) / SAMPLE_RATE_HZ, "overruns": getattr(source, "overruns", 0),
    }  # fmt: skip
    return Observation(text, tuple(faults(sound)), measured, str(file), tuple(levels(sound)))


def dbfs(amplitude: float) -> float:
    """An amplitude, 1 being full scale, in dB; FLOOR_DBFS at least."""
    return max(FLOOR_DBFS, 20.0 * math.log10(amplitude)) if amplitude > 0.0 else FLOOR_DBFS


def levels(sound: NDArray[np.float32]) -> list[float]:
    """Of ten parts of a sound, float32 [n], 0 (at FLOOR_DBFS) to 1 (at full scale)."""
    parts = np.array_split(sound, PARTS)
    rms = [math.sqrt(float(np.mean(part**2))) if len(part) else 0.0 for part in parts]
    return [min(1.0, round(1.0 - dbfs(value) / FLOOR_DBFS, 3)) for value in rms]


def faults(sound: NDArray[np.float32]) -> list[Fault]:
    """What is wrong with a sound, float32 [n] in [-1, 1]."""
    size = np.abs(sound)
    if not size.any():
        fix = "unmute it: pactl set-source-mute @DEFAULT_SOURCE@ 0, or alsamixer (F4)"
        return [Fault("silent: nothing but zeros", fix)]
    if dbfs(math.sqrt(float(np.mean(sound**2)))) < QUIET_DBFS:
        fix = "turn its gain up: pactl set-source-volume @DEFAULT_SOURCE@ 100%, or alsamixer (F4)"
        return [Fault("next to silent", fix)]
    if (size >= CLIPPED).mean() > MOST_CLIPPED:
        fix = "turn its gain down: pactl set-source-volume @DEFAULT_SOURCE@ 50%, or alsamixer (F4)"
        return [Fault("clipped", fix)]
    return []
