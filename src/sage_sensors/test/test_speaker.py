"""Saying words aloud: by a program, one text at a time, and what others learn of it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from node_traffic import texts
from std_msgs.msg import String

from sage_common.core.errors import InvalidInput
from sage_common.ros.lockstep.host import LockstepHost
from sage_sensors.backends import voice
from sage_sensors.backends.voice import Voice
from sage_sensors.nodes.speaker_node import SpeakerNode

SPEAKS = "#!/bin/sh\nprintf '%s\\n' \"$@\" >> {log}\nexec sleep {seconds}\n"


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, name="flite") -> Path:
    """A program of that name that notes what it is called with; returns where."""
    folder.mkdir(exist_ok=True)
    log, script = folder / "said.txt", folder / name
    script.write_text(SPEAKS.format(log=log, seconds=seconds))
    script.chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return log


def wait_for(log: Path, lines: int) -> list[str]:
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline:
        said = log.read_text().splitlines() if log.exists() else []
        if len(said) >= lines:
            return said
        time.sleep(0.01)
    raise AssertionError(f"{log} has fewer than {lines} lines")


def test_a_text_is_one_argument_and_no_shell_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = program(tmp_path / "bin", monkeypatch, 0)
    Voice("auto").say('--help; touch $(pwd)/x `id` "quoted"')
    said = wait_for(log, 2)
    assert said == ["-t", ' --help; touch $(pwd)/x `id` "quoted"']


def test_the_first_that_is_installed_speaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: dict[str, str] = {}
    monkeypatch.setattr(voice.shutil, "which", installed.get)
    with pytest.raises(InvalidInput, match="apt-get install flite"):
        Voice("auto")
    with pytest.raises(InvalidInput, match="apt-get install espeak-ng"):
        Voice("espeak-ng")
    log = program(tmp_path / "bin", monkeypatch, 0, "espeak-ng")
    installed["espeak-ng"] = str(log.parent / "espeak-ng")
    Voice("auto").say("hello")
    assert wait_for(log, 2) == ["--", " hello"]


def test_a_program_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = program(tmp_path / "bin", monkeypatch, 0)
    (log.parent / "flite").write_text("#!/bin/sh\nexit 3\n")
    made = Voice("flite")
    made.say("hello")
    with pytest.raises(InvalidInput, match=r"status = 3.*loudspeaker"):
        while made.speaks():
            time.sleep(0.01)
    assert not made.speaks()


def test_new_words_replace_those_that_are_being_said_and_none_end_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: LockstepHost
) -> None:
    log = program(tmp_path / "bin", monkeypatch, 60)
    host.add(SpeakerNode)
    host.publish("speak", String(data="the first  words"))
    host.run_for(1.0)
    wait_for(log, 2)
    host.publish("speak", String(data="others"))
    host.run_for(1.0)
    assert wait_for(log, 4)[1::2] == [" the first words", " others"]
    host.publish("speak", String(data=" "))
    host.run_for(2.0)
    said = host.messages("speaking")
    texts_said = [m.text for m in said]
    first = texts_said.count("the first words")
    assert texts_said == ["the first words"] * first + ["others"] * (len(said) - first)
    assert 5 <= first <= 6 and 5 <= len(said) - first <= 6, (
        "at its begin, 4 times a second, its end"
    )
    assert {m.header.frame_id for m in said} == {"speaker"}


def test_its_end_is_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: LockstepHost
) -> None:
    log = program(tmp_path / "bin", monkeypatch, 0)
    host.add(SpeakerNode)
    host.publish("speak", String(data="short"))
    host.run_for(0.1)
    wait_for(log, 2)
    time.sleep(0.2)
    host.run_for(2.0)
    assert 2 <= len(host.messages("speaking")) <= 3


def test_without_a_program_it_says_so_and_others_go_on(
    monkeypatch: pytest.MonkeyPatch, host: LockstepHost
) -> None:
    monkeypatch.setattr(voice.shutil, "which", lambda name: None)
    host.add(SpeakerNode)
    host.publish("speak", String(data="hello"))
    host.run_for(1.0)
    assert "words are not said" in texts(host, "warning")
    assert host.messages("speaking") == []
