"""A PulseAudio of the test's own, with a null sink whose monitor is the only microphone."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np

RATE_HZ = 48000
START_TIMEOUT_S = 20.0
PLUGIN = Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")
MISSING = next(
    (
        f"{program} is not installed: apt-get install pulseaudio pulseaudio-utils"
        for program in ("pulseaudio", "pactl", "pacat")
        if shutil.which(program) is None
    ),
    "" if any(PLUGIN) else "ALSA cannot reach it: apt-get install libasound2-plugins",
)
"""Why the server cannot be had here; empty if it can."""


class SoundServer:
    """Runs until `stop`; `environment` leads ALSA and PulseAudio to it."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "native"
        names = ("HOME", "XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH", "PULSE_STATE_PATH")
        self.environment = {
            **dict.fromkeys(names, str(folder)), "PULSE_SERVER": f"unix:{self._socket}",
        }  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        modules = (
            f"module-native-protocol-unix socket={self._socket} auth-anonymous=1",
            f"module-null-sink sink_name=room rate={RATE_HZ}",
        )
        options = ["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        options += ["--disable-shm=yes", "--log-level=error"]
        self._process = subprocess.Popen(
            ["pulseaudio", *options, *(word for module in modules for word in ("-L", module))],
            env={**os.environ, **self.environment}, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        end_s = time.monotonic() + START_TIMEOUT_S
        while self._run("pactl", "info").returncode:
            assert time.monotonic() < end_s, "PulseAudio does not start"
            time.sleep(0.05)

    def kill(self) -> None:
        """As after a crash of it."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self.kill()

    def play(self, amplitude: float, length_s: float) -> subprocess.Popen[bytes]:
        """Begin to play a tone of 440 Hz; kill it, or let it end."""
        times = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
        tone = (amplitude * np.sin(2.0 * np.pi * 440.0 * times)).astype(np.float32)
        file = self._socket.with_name("tone")
        file.write_bytes(tone.tobytes())
        command = ["pacat", f"--rate={RATE_HZ}", "--channels=1", "--format=float32le", str(file)]
        return subprocess.Popen(command, env={**os.environ, **self.environment})

    def _run(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, **self.environment}
        return subprocess.run(command, env=environment, capture_output=True, check=False)
