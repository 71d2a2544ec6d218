"""Paths of the machine that built the wheels are replaced by this one's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from environment import wheel_paths
from environment.stamps import digest_files, source_files


class TestWheelPaths:
    FOREIGN = (
        'INCLUDE "/opt/python/cp311-cp311/include/python3.11;'
        '/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include"\n'
        'OLD "/opt/python/cp310-cp310/lib/python3.10/site-packages/numpy/core/include"\n'
        'LINK "dl;/usr/lib64/libtinyxml2.so;/usr/lib64/libssl.so;rt"\n'
    )
    CORRECTED = (
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
            assert path.read_text() == self.CORRECTED.format(bundled=bundled)
        assert (tree / "share/a/notes.txt").read_text() == self.FOREIGN

    def test_a_second_run_changes_nothing(self, tree: Path) -> None:
        wheel_paths.correct_tree(tree, self.places(tree))
        before = digest_files(tree, source_files(tree))
        assert wheel_paths.correct_tree(tree, self.places(tree)) == []
        assert digest_files(tree, source_files(tree)) == before

    def test_nothing_foreign_is_left_in_this_environment(self) -> None:
        exports = list(Path(sys.prefix, "share").rglob("*Export.cmake"))
        assert exports
        assert [path for path in exports if "/opt/python/" in path.read_text()] == []
