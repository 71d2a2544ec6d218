"""The microphone through PortAudio, ALSA and PulseAudio, all of them real but for the sound card.

The microphone is the monitor of a null sink, into which the tests play. They run in processes of
their own, as PortAudio reads its surroundings once; without PulseAudio they are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sound_server import MISSING, SoundServer

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

# Opens as the node does, again after each loss, and prints what happens, a line each.
LISTENER = """
import json, time
import numpy as np
from sage_common.core.clock import SystemClock
from sage_sensors.backends.portaudio import PortAudioMicrophone
from sage_sensors.core.samples import SourceError

microphone = PortAudioMicrophone("", SystemClock())
is_open = False
while True:
    try:
        if not is_open:
            microphone.open()
            is_open = True
            print(json.dumps({"opened": microphone.source}), flush=True)
        sample = microphone.read()
        if sample is not None:
            samples = sample.value.samples
            print(json.dumps({
                "peak": float(np.abs(samples).max()), "length": len(samples),
                "age_ms": (time.time_ns() - sample.time_ns) / 1e6,
            }), flush=True)
    except SourceError as error:
        print(json.dumps({"lost": str(error)}), flush=True)
        microphone.close()
        is_open = False
        time.sleep(0.2)
"""


class Listener:
    """The process that listens; `until` reads on to what a condition holds of."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", LISTENER], env={**os.environ, **environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def until(self, key: str, low: float = 0.0) -> dict[str, object]:
        """The next line with `key`; of a number, with one above `low`."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found: dict[str, object] = json.loads(line)
            value = found.get(key)
            if isinstance(value, str) or (isinstance(value, float) and value > low):
                return found
        raise AssertionError(f"the listener ended with {self.process.wait()}")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SoundServer]:
    server = SoundServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def listener(server: SoundServer) -> Iterator[Listener]:
    listener = Listener(server.environment)
    yield listener
    listener.process.kill()
    listener.process.wait()


@pytest.mark.timeout(60)
def test_what_is_played_is_heard_in_chunks_and_not_seconds_late(
    server: SoundServer, listener: Listener
) -> None:
    """An idle sink gives 2 s at a time unless asked for less, and counted as lost then."""
    listener.until("opened")
    silent = [listener.until("peak", -1.0) for _ in range(15)]
    assert {chunk["peak"] for chunk in silent} == {0.0}
    assert {chunk["length"] for chunk in silent} == {1600}
    player = server.play(0.3, 30.0)
    listener.until("peak", 0.2)  # the server resamples: where it begins it overshoots by a tenth
    heard = listener.until("peak", 0.2)
    player.kill()
    player.wait()
    assert heard["peak"] == pytest.approx(0.3, abs=0.02)


@pytest.mark.timeout(60)
def test_a_sound_server_that_crashes_is_lost_and_comes_back(
    server: SoundServer, listener: Listener
) -> None:
    listener.until("peak", -1.0)
    server.kill()
    assert "portaudio:" in str(listener.until("lost")["lost"])
    assert "no microphone is known to PortAudio" in str(listener.until("lost")["lost"])
    server.start()
    listener.until("opened")
    listener.until("peak", -1.0)


@pytest.mark.timeout(60)
def test_a_sound_server_that_starts_later_is_found(tmp_path: Path) -> None:
    server = SoundServer(tmp_path)
    listener = Listener(server.environment)
    try:
        listener.until("lost")
        server.start()
        listener.until("peak", -1.0)
    finally:
        listener.process.kill()
        listener.process.wait()
        server.stop()
