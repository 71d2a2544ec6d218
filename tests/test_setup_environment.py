"""The script of the set-up, its stamps, and the Debian packages that it asks for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from environment import debian
from environment.distribution import Distribution
from environment.installation import Installation
from environment.interpreter import find_interpreter
from environment.progress import Progress
from environment.stamps import Stamps, digest_text

ROOT = Path(__file__).resolve().parents[1]


class TestStamps:
    def test_a_step_is_done_when_it_was_finished_for_the_same_digest(self, tmp_path: Path) -> None:
        stamps = Stamps(tmp_path / "stamps")
        assert not stamps.is_current("run", "a")
        stamps.finish("run", "a")
        assert stamps.is_current("run", "a")
        assert not stamps.is_current("run", "b")
        assert stamps.steps() == {"run"}

    def test_an_interrupted_step_is_done_again(self, tmp_path: Path) -> None:
        stamps = Stamps(tmp_path)
        stamps.finish("run", "a")
        stamps.begin("run")
        assert not stamps.is_current("run", "a")
        assert stamps.digest("run") is None

    def test_the_parts_of_a_digest_do_not_run_together(self) -> None:
        assert digest_text("ab", "c") != digest_text("a", "bc")


@pytest.mark.parametrize("option", ["read", "speech"])
def test_networks_are_written_anew_with_the_package_of_an_option_and_stay(
    tmp_path: Path, option: str
) -> None:
    prefix = tmp_path / ".venv"
    lock = ROOT / "requirements" / "lock.txt"
    place = Distribution("jazzy", ROOT, prefix, lock, tmp_path / "build")
    interpreter = find_interpreter(sys.executable, None)
    installation = Installation(place, interpreter, Progress(tmp_path / "logs"), [])
    without = installation.work(["run"]).weights
    with_option = installation.work(["run", option])
    assert without != with_option.weights
    Stamps(prefix / ".set-up").finish(option, with_option.groups[option])
    assert installation.work(["run"]).weights == with_option.weights, "it is still there"


class TestDebianPackages:
    COMPLETE = debian.Findings(True, (3, 25), True, True, True)

    def test_nothing_is_missing_on_a_complete_machine(self) -> None:
        assert debian.missing_packages(self.COMPLETE, (3, 11)) == debian.Missing((), ())

    def test_all_that_is_missing_is_named(self) -> None:
        bare = debian.Findings(False, None, False, False, False)
        missing = debian.missing_packages(bare, (3, 12))
        assert missing.required == ("g++", "cmake", "python3.12-dev", "python3.12-venv")
        assert missing.optional == ("libportaudio2",)

    @pytest.mark.parametrize(("version", "missing"), [((3, 21), True), ((3, 22), False)])
    def test_an_old_cmake_counts_as_missing(self, version: tuple[int, int], missing: bool) -> None:
        findings = debian.Findings(True, version, True, True, True)
        assert ("cmake" in debian.missing_packages(findings, (3, 11)).required) is missing

    def test_the_line_can_be_pasted(self) -> None:
        line = debian.install_line(["g++", "cmake"])
        assert line == "sudo apt-get install -y g++ cmake"


class TestScript:
    """The script itself, in a copy of what it needs, without installing anything."""

    @pytest.fixture
    def copy(self, tmp_path: Path) -> Path:
        shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
        return tmp_path

    def run(self, copy: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-S", str(copy / "scripts/setup_environment.py"), "run"],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    def test_an_unsuitable_python_is_refused_in_one_clear_line(self, copy: Path) -> None:
        result = self.run(copy, PYTHON="/nonexistent/python3")
        assert result.returncode == 1
        assert "no suitable Python: /nonexistent/python3 is not on the PATH" in result.stderr
        assert "Traceback" not in result.stderr
        assert not (copy / ".venv").exists()

    def test_a_second_set_up_waits_for_the_first(self, copy: Path) -> None:
        import fcntl

        (copy / "build").mkdir()
        with (copy / "build/set-up.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            process = subprocess.Popen(
                [sys.executable, "-S", str(copy / "scripts/setup_environment.py"), "run"],
                env={**os.environ, "PYTHON": "/nonexistent/python3"},
                stderr=subprocess.PIPE,
                text=True,
            )
            assert process.stderr is not None
            assert "waiting for another set-up" in process.stderr.readline()
            time.sleep(0.2)
            assert process.poll() is None
        _, rest = process.communicate(timeout=60)
        assert "no suitable Python" in rest
