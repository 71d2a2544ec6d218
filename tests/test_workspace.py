"""The packages build in an ordinary ROS 2 workspace, and work from its install space."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from environment.workspace import Package, compiled_packages, python_packages, stage
from sage.graph.catalogue import CATALOGUE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

ROOT = Path(__file__).resolve().parents[1]
# compat/ stands in for packages of ROS that the workspace finds installed.
_COMPILED = [p for p in compiled_packages(ROOT) if p.folder.parent.name == "src"]
PACKAGES = [*_COMPILED, *python_packages(ROOT)]
# Run in the shell that sourced the install space: where each package is imported from, and where
# ROS finds its share folder.
QUESTION = """
import importlib, json, sys
from ament_index_python.packages import get_package_share_directory
print(json.dumps({name: [importlib.import_module(name).__file__, get_package_share_directory(name)]
                  for name in sys.argv[1:]}))
"""


@pytest.fixture(scope="module")
def install_space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`colcon build` over a copy of the workspace, in half the time of the plainest one.

    MAKEFLAGS keeps colcon from asking ninja to wait while the machine has other work (-l).
    """
    if shutil.which("colcon") is None:
        pytest.skip("colcon is not installed: pip install -r requirements/test.in")
    workspace = tmp_path_factory.mktemp("workspace")
    stage([_whole(package) for package in PACKAGES], ROOT, workspace)
    for folder in ("msg", "srv", "action"):
        for interface in (workspace / "src" / "sage_msgs" / folder).iterdir():
            interface.write_text(_without_comments(interface.read_text()))
    result = subprocess.run(
        [
            *("colcon", "--log-base", str(workspace / "log"), "build"),
            *("--base-paths", "src"),
            *("--cmake-args", "-G", "Ninja", "-DJOIN_GENERATED_SOURCES=ON"),
            *("-DSAGE_MAILBOX_CUDA=OFF", "-DCMAKE_CXX_FLAGS_RELEASE=-O0"),
            f"-DPython_EXECUTABLE={sys.executable}",
            f"-DPython3_EXECUTABLE={sys.executable}",
        ],
        cwd=workspace,
        env={
            **os.environ,
            **dict.fromkeys(("CMAKE_PREFIX_PATH", "AMENT_PREFIX_PATH"), sys.prefix),
            "MAKEFLAGS": f"-j{os.cpu_count()}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-8000:]
    return workspace / "install"


def test_every_package_is_imported_from_the_install_space(install_space: Path) -> None:
    names = [package.name for package in PACKAGES]
    answer = _in_install_space(install_space, sys.executable, "-c", QUESTION, *names)
    places = json.loads(answer)
    assert set(places) == set(names)
    for name, (module, share) in places.items():
        assert Path(module).is_relative_to(install_space / name)
        assert Path(share) == install_space / name / "share" / name
        assert Path(share, "package.xml").is_file()


def test_every_node_has_its_executable_in_lib(install_space: Path) -> None:
    found = {path.name for path in install_space.glob("sage_*/lib/sage_*/*_node")}
    wanted = {kind.executable for kind in CATALOGUE.values() if not kind.is_contained}
    assert len(wanted) > 15
    assert found == wanted


def test_launch_files_and_configuration_are_in_share(install_space: Path) -> None:
    share = install_space / "sage" / "share" / "sage"
    for folder in ("launch", "config"):
        wanted = {path.name for path in (ROOT / folder).iterdir() if path.is_file()}
        assert wanted
        assert {path.name for path in (share / folder).iterdir()} == wanted


def _whole(package: Package) -> Package:
    shared = [ROOT / name for name in ("config", "launch", "models")]
    return Package(package.name, package.folder, tuple(f for f in shared if f.is_dir()))


def _without_comments(interface: str) -> str:
    """The same message, service or action.

    Ten generators parse every interface anew, most of the time its comments. That they can be
    parsed is proven by the build of sage_msgs that this very environment holds.
    """
    return re.sub(r"[ \t]*#.*", "", interface)


def _in_install_space(install_space: Path, *command: str) -> str:
    """The output of `command` in a shell that sourced the install space, as a user's would."""
    result = subprocess.run(
        ["sh", "-c", '. "$COLCON_CURRENT_PREFIX/local_setup.sh" && exec "$@"', "sh", *command],
        cwd=install_space,
        env={name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
        | {"COLCON_CURRENT_PREFIX": str(install_space), "_ROS_WHEELS_BOOTSTRAP_COMPLETE": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
