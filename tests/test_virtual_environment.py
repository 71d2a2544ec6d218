"""The choice of Python, and the virtual environment that is made of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from environment.executables import link_executables
from environment.interpreter import (
    Interpreter,
    NoInterpreter,
    ask,
    choose,
    without_python_settings,
)
from environment.virtual_environment import VirtualEnvironment, base_interpreter


def python(version: tuple[int, int, int], implementation: str = "CPython") -> Interpreter:
    return Interpreter("/usr/bin/python3", version, "/inc", implementation, "x86_64", True)


class TestInterpreter:
    def test_the_first_that_will_do_is_chosen(self) -> None:
        answers = {
            "python3": python((3, 13, 0)),
            "python3.12": "does not run (exit status 127)",
            "python3.11": python((3, 11, 2)),
        }
        assert choose(list(answers), answers.__getitem__).version == (3, 11, 2)

    def test_the_error_says_of_each_why_not(self) -> None:
        answers = {
            "python3": python((3, 9, 2)),
            "python3.12": "is not on the PATH",
            "pypy": python((3, 10, 0), "PyPy"),
        }
        with pytest.raises(NoInterpreter) as error:
            choose(list(answers), answers.__getitem__)
        for reason in (
            "python3 is Python 3.9, not 3.10 to 3.12",
            "python3.12 is not on the PATH",
            "pypy is PyPy",
            "PYTHON=",
        ):
            assert reason in str(error.value)

    def test_a_shim_that_does_not_run_is_not_taken(self, tmp_path: Path) -> None:
        shim = tmp_path / "python3.12"
        shim.write_text("#!/bin/sh\necho 'version not installed' >&2\nexit 127\n")
        shim.chmod(0o755)
        assert ask(str(shim)) == "does not run (exit status 127)"

    def test_this_interpreter_says_what_it_is(self) -> None:
        answer = ask(sys.executable)
        assert isinstance(answer, Interpreter)
        assert answer.version == sys.version_info[:3]
        assert answer.unsuitable is None

    def test_what_another_environment_left_is_removed(self) -> None:
        left = {"PYTHONPATH": "/opt/ros", "_ROS_WHEELS_BOOTSTRAP_COMPLETE": "1", "PATH": "/bin"}
        assert without_python_settings(left) == {"PATH": "/bin"}


class TestVirtualEnvironment:
    def environment(self, tmp_path: Path) -> VirtualEnvironment:
        release = sys.version_info
        return VirtualEnvironment(tmp_path, python((release.major, release.minor, release.micro)))

    def test_half_installed_packages_are_discarded(self, tmp_path: Path) -> None:
        environment = self.environment(tmp_path)
        for name, files in (
            ("whole-1.0.dist-info", ("METADATA", "INSTALLER")),
            ("half-2.0.dist-info", ("METADATA", "RECORD")),
            ("~hole", ()),
        ):
            (environment.site_packages / name).mkdir(parents=True)
            for file in files:
                (environment.site_packages / name / file).touch()

        assert environment.discard_incomplete_packages() == ["half-2.0"]
        assert [p.name for p in environment.site_packages.iterdir()] == ["whole-1.0.dist-info"]

    def test_a_missing_or_broken_environment_is_not_sound(self, tmp_path: Path) -> None:
        environment = self.environment(tmp_path / "none")
        assert not environment.is_sound()
        environment.site_packages.mkdir(parents=True)
        environment.python.parent.mkdir()
        environment.python.symlink_to("/nonexistent/python3")
        assert not environment.is_sound()

    def test_this_environment_is_sound_and_knows_its_origin(self) -> None:
        release = sys.version_info
        environment = VirtualEnvironment(
            Path(sys.prefix), python((release.major, release.minor, release.micro))
        )
        assert environment.is_sound()
        origin = base_interpreter(Path(sys.prefix))
        assert origin is not None
        assert origin.endswith(f"python{release.major}.{release.minor}")
        assert os.access(origin, os.X_OK)

    def test_no_environment_has_no_origin(self, tmp_path: Path) -> None:
        assert base_interpreter(tmp_path) is None


@pytest.mark.parametrize(("name", "ends_at_once"), [("bin/sage", True), ("bin/other", False)])
def test_an_interrupt_ends_a_command_that_still_loads(
    tmp_path: Path, name: str, ends_at_once: bool
) -> None:
    script = tmp_path / name
    script.parent.mkdir()
    script.write_text("import signal; print(signal.getsignal(2) is signal.SIG_DFL)")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("_ROS_WHEELS")}
    said = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=clean)
    assert said.stdout == f"{ends_at_once}\n"


def test_a_pip_cache_that_cannot_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = VirtualEnvironment(tmp_path, python((3, 11, 0)))
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "cache" / "pip"))
    assert "PIP_NO_CACHE_DIR" not in environment.process_environment()
    (tmp_path / "cache").write_text("a file is in the way, as a folder without rights is")
    assert environment.process_environment()["PIP_NO_CACHE_DIR"] == "1"


def test_executables_are_linked_where_launch_looks(tmp_path: Path) -> None:
    record = tmp_path / "site/sage_x-0.1.0.dist-info"
    record.mkdir(parents=True)
    scripts = "[console_scripts]\nCamera_node = sage_x.camera:main\nimu_node = sage_x.imu:main\n"
    (record / "entry_points.txt").write_text(scripts)
    (tmp_path / "lib").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/imu_node").write_text("imu")

    link_executables(tmp_path, tmp_path / "site", ["sage_x"])
    link_executables(tmp_path, tmp_path / "site", ["sage_x"])
    assert sorted(p.name for p in (tmp_path / "lib/sage_x").iterdir()) == [
        "Camera_node",
        "imu_node",
    ]
    assert (tmp_path / "lib/sage_x/imu_node").read_text() == "imu"

    (record / "entry_points.txt").write_text("[console_scripts]\nimu_node = sage_x.imu:main\n")
    link_executables(tmp_path, tmp_path / "site", ["sage_x"])
    assert [p.name for p in (tmp_path / "lib/sage_x").iterdir()] == ["imu_node"]
