"""What of a package counts for setting it up anew, and what is staged of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from environment.distribution import distributions
from environment.lock import read_lock
from environment.workspace import Package, compiled_packages, python_packages, stage

ROOT = Path(__file__).resolve().parents[1]


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
        stand_ins = ["audio_common_msgs", "tf2_msgs", "vision_msgs"]
        names = [*stand_ins, "sage_msgs", "sage_cuda_mailbox"]
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
