"""`sage doctor --devices` beside a real sound server, whose null sink is the microphone."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sound_server import MISSING, SoundServer

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SoundServer]:
    server = SoundServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.mark.timeout(120)
def test_a_tone_in_the_room_is_heard_and_silence_is_named(
    server: SoundServer, tmp_path: Path
) -> None:
    def look() -> dict[str, dict[str, object]]:
        command = ["sage", "doctor", "--devices", "--json"]
        environment = {**os.environ, **server.environment, "SAGE_HOME": str(tmp_path / "home")}
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return {item["name"]: item for item in json.loads(said.stdout)}

    silent = look()["microphone default"]
    assert silent["level"] == "warn" and "silent: nothing but zeros" in str(silent["text"])
    assert "unmute" in str(silent["fix"])
    player = server.play(0.5, 100.0)
    time.sleep(1.0)  # what it plays is in the sink by then
    heard = look()["microphone default"]
    player.kill()
    player.wait()
    assert heard["level"] == "ok", heard
    measured = heard["measured"]
    assert isinstance(measured, dict)
    assert measured["level_dbfs"] == pytest.approx(-9.0, abs=1.0)
    assert measured["peak_dbfs"] == pytest.approx(-6.0, abs=1.0)
    assert measured["length_s"] == pytest.approx(1.0, abs=0.11)
    assert Path(str(heard["file"])).parent == tmp_path / "home" / "devices"
