"""The parts of the set-up: fixes, stamps, Debian packages, the choice of Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from environment import debian, wheel_paths
from environment.distribution import distributions
from environment.executables import link_executables
from environment.interpreter import (
    Interpreter,
    NoInterpreter,
    ask,
    choose,
    without_python_settings,
)
from environment.lock import read_lock
from environment.stamps import Stamps, digest_files, digest_text, source_files
from environment.virtual_environment import VirtualEnvironment, base_interpreter
from environment.workspace import Package, compiled_packages, python_packages, stage

ROOT = Path(__file__).resolve().parents[1]


def python(version: tuple[int, int, int], implementation: str = "CPython") -> Interpreter:
    return Interpreter("/usr/bin/python3", version, "/inc", implementation, "x86_64", True)


class TestWheelMend:
    FOREIGN = (
        'INCLUDE "/opt/python/cp311-cp311/include/python3.11;'
        '/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include"\n'
        'OLD "/opt/python/cp310-cp310/lib/python3.10/site-packages/numpy/core/include"\n'
        'LINK "dl;/usr/lib64/libtinyxml2.so;/usr/lib64/libssl.so;rt"\n'
    )
    MENDED = (
        'INCLUDE "/inc/python;/venv/numpy/include"\n'
        'OLD "/venv/numpy/include"\n'
        'LINK "dl;{bundled};/usr/lib/x86_64-linux-gnu/libssl.so;rt"\n'
    )

    @pytest.fixture
    def tree(self, tmp_path: Path) -> Path:
        for name in ("share/a/cmake/aExport.cmake", "lib/cmake/b/bTargets.cmake"):
            path = tmp_path / name
            path.parent.mkdir(parents=True)
            path.write_text(self.FOREIGN)
        (tmp_path / "share/a/cmake/plain.cmake").write_text("message(hello)\n")
        (tmp_path / "share/a/notes.txt").write_text(self.FOREIGN)
        (tmp_path / "site/ros_x.libs").mkdir(parents=True)
        (tmp_path / "site/ros_x.libs/libtinyxml2-1592532c.so.6.0.0").touch()
        return tmp_path

    def places(self, tree: Path) -> wheel_paths.Places:
        library_folder = "/usr/lib/x86_64-linux-gnu"
        site = tree / "site"
        return wheel_paths.Places("/inc/python", "/venv/numpy/include", library_folder, site)

    def test_every_foreign_path_is_replaced(self, tree: Path) -> None:
        changed = wheel_paths.correct_tree(tree, self.places(tree))

        assert [path.name for path in changed] == ["aExport.cmake", "bTargets.cmake"]
        bundled = tree / "site/ros_x.libs/libtinyxml2-1592532c.so.6.0.0"
        for path in changed:
            assert path.read_text() == self.MENDED.format(bundled=bundled)
        assert (tree / "share/a/notes.txt").read_text() == self.FOREIGN

    def test_a_second_mend_changes_nothing(self, tree: Path) -> None:
        wheel_paths.correct_tree(tree, self.places(tree))
        before = digest_files(tree, source_files(tree))
        assert wheel_paths.correct_tree(tree, self.places(tree)) == []
        assert digest_files(tree, source_files(tree)) == before

    def test_nothing_foreign_is_left_in_this_environment(self) -> None:
        exports = list(Path(sys.prefix, "share").rglob("*Export.cmake"))
        assert exports
        assert [path for path in exports if "/opt/python/" in path.read_text()] == []


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


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for name in ("sage_a", "sage_b"):
        folder = tmp_path / "src" / name / name
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("")
        (folder.parent / "setup.py").write_text(f"name = '{name}'\n")
    (tmp_path / "src/sage_b/setup.py").write_text("data_files = ['../../config/base.yaml']\n")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/base.yaml").write_text("rate: 30\n")
    return tmp_path


class TestDigestOfPackages:
    def changed_by(self, workspace: Path, path: str, content: str) -> set[str]:
        before = {p.name: p.digest() for p in python_packages(workspace)}
        (workspace / path).parent.mkdir(exist_ok=True)
        (workspace / path).write_text(content)
        after = {p.name: p.digest() for p in python_packages(workspace)}
        return {name for name in before if before[name] != after[name]}

    @pytest.mark.parametrize(
        ("path", "changed"),
        [
            ("src/sage_a/sage_a/__init__.py", {"sage_a"}),
            ("src/sage_a/sage_a/new.py", {"sage_a"}),
            ("config/base.yaml", {"sage_b"}),
            ("config/new.yaml", {"sage_b"}),
            ("src/sage_a/test/test_new.py", set()),
            ("src/sage_a/sage_a/__pycache__/x.pyc", set()),
            ("src/sage_a/sage_a.egg-info/PKG-INFO", set()),
        ],
    )
    def test_only_the_changed_package_changes(
        self, workspace: Path, path: str, changed: set[str]
    ) -> None:
        assert self.changed_by(workspace, path, "changed = True\n") == changed

    @pytest.mark.parametrize(
        ("path", "changes"),
        [
            ("CMakeLists.txt", True),
            ("include/mailbox.hpp", True),
            ("python/module.cpp", True),
            ("sage_cuda_mailbox/__init__.py", True),
            ("bench/figures.cpp", True),
            ("test/test_it.py", False),
            ("build/module.so", False),
        ],
    )
    def test_the_mailboxes_are_compiled_anew_when_their_sources_change_only(
        self, workspace: Path, path: str, changes: bool
    ) -> None:
        folder = workspace / "src" / "sage_cuda_mailbox"
        for name in ("bench", "include", "python", "sage_cuda_mailbox", "test", "build"):
            (folder / name).mkdir(parents=True)
        package = next(p for p in compiled_packages(workspace) if p.folder == folder)
        before = package.digest()
        (folder / path).write_text("changed = True\n")
        assert (package.digest() != before) is changes

    def test_every_compiled_package_is_there(self) -> None:
        packages = compiled_packages(ROOT)
        names = ["audio_common_msgs", "tf2_msgs", "sage_msgs", "sage_cuda_mailbox"]
        assert [p.name for p in packages] == names
        for package in packages:
            assert (package.folder / "pyproject.toml").is_file()
            for distribution in distributions(ROOT).values():
                pins = read_lock(distribution.lock)
                assert any(pin.requirement.startswith(package.built_with) for pin in pins)

    def test_a_renamed_file_and_an_executable_bit_count(self, workspace: Path) -> None:
        package = Package("sage_a", workspace / "src/sage_a")
        digests = {package.digest()}
        file = workspace / "src/sage_a/sage_a/__init__.py"
        file.chmod(0o755)
        digests.add(package.digest())
        file.rename(file.with_name("other.py"))
        digests.add(package.digest())
        assert len(digests) == 3

    def test_a_staged_copy_has_the_layout_of_the_workspace_and_nothing_old(
        self, workspace: Path
    ) -> None:
        target = workspace / "build/workspace"
        stage(python_packages(workspace), workspace, target)
        (workspace / "src/sage_a/sage_a/__init__.py").rename(workspace / "src/sage_a/moved.py")
        folders = stage(python_packages(workspace), workspace, target)

        assert folders == [target / "src/sage_a", target / "src/sage_b"]
        files = {str(p.relative_to(target)) for p in target.rglob("*") if p.is_file()}
        assert files == {
            "config/base.yaml",
            "src/sage_a/moved.py",
            "src/sage_a/setup.py",
            "src/sage_b/sage_b/__init__.py",
            "src/sage_b/setup.py",
        }


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
