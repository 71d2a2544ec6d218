"""What runs on a GPU compiles for every architecture that we support, and says where it has none.

Needs nvcc, no GPU. Conformance on a GPU is cuda/gpu_test.py.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(1200)  # the build, on a busy machine

PACKAGE = Path(__file__).resolve().parents[1]
ARCHITECTURES = ("87", "90", "110")  # Orin, Hopper, Thor
PROGRAMS = ("device_figures", "device_mailbox_cases", "device_ring_cases")
WITHOUT_A_GPU = ("device_choice_cases", "handle_exchange_cases")
NOT_TESTED = 77


def _nvcc() -> str:
    usual = Path("/usr/local/cuda/bin/nvcc")
    found = shutil.which("nvcc") or (str(usual) if usual.exists() else None)
    if found is None:
        pytest.skip("there is no CUDA toolkit (nvcc) here")
    return found


def _output(command: list[str]) -> str:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-6000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def binary_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything in cuda/ and test/cuda/, compiled for all architectures, warnings being errors."""
    nvcc = _nvcc()
    if shutil.which("cmake") is None:
        pytest.skip("there is no cmake to build with")
    known = re.findall(r"sm_(\d+)", _output([nvcc, "--list-gpu-code"]))
    missing = [architecture for architecture in ARCHITECTURES if architecture not in known]
    if missing:
        pytest.skip(
            f"this nvcc does not know sm_{', sm_'.join(missing)}: it is too old, or too new"
        )
    folder = tmp_path_factory.mktemp("cuda")
    options = ["-DSAGE_MAILBOX_CUDA=ON", "-DSAGE_MAILBOX_TESTS=ON", f"-DCMAKE_CUDA_COMPILER={nvcc}"]
    options.append(f"-DCMAKE_CUDA_ARCHITECTURES={';'.join(f'{a}-real' for a in ARCHITECTURES)}")
    options.append("-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
    _output(["cmake", "-G", "Unix Makefiles", "-S", str(PACKAGE), "-B", str(folder), *options])
    jobs = str(os.cpu_count() or 1)
    _output(
        ["cmake", "--build", str(folder), "--parallel", jobs, "--target", *PROGRAMS, *WITHOUT_A_GPU]
    )
    return folder


@pytest.mark.slow
def test_every_source_is_compiled_for_every_architecture(binary_folder: Path) -> None:
    entries = json.loads((binary_folder / "compile_commands.json").read_text())
    commands = {Path(entry["file"]): entry["command"] for entry in entries}
    sources = [*PACKAGE.glob("cuda/*.c*"), *PACKAGE.glob("test/cuda/*.c*")]
    assert len([source for source in sources if source.suffix == ".cu"]) >= 4
    for source in sources:
        assert source in commands, f"{source.name} is built by nobody"
        assert len(list(binary_folder.rglob(f"{source.name}.o"))) == 1
        if source.suffix == ".cu":
            for architecture in ARCHITECTURES:
                assert f"sm_{architecture}]" in commands[source], f"not for sm_{architecture}"


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_says_where_there_is_no_gpu(binary_folder: Path, program: str) -> None:
    if Path("/dev/nvidiactl").exists() or Path("/dev/nvgpu").exists():
        pytest.skip("there is a GPU here: `make gpu-test` runs these programs")
    path = binary_folder / "test" / "cuda" / program
    done = subprocess.run([str(path)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == NOT_TESTED, done.stdout + done.stderr
    assert re.match(r"there is no GPU here: \S", done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("program", WITHOUT_A_GPU)
def test_what_needs_no_gpu_holds(binary_folder: Path, program: str) -> None:
    output = _output([str(binary_folder / "test" / "cuda" / program)])
    assert f"{program}: all is well" in output


def test_the_command_says_where_there_is_no_gpu() -> None:
    if Path("/dev/nvidiactl").exists() or Path("/dev/nvgpu").exists():
        pytest.skip("there is a GPU here: this would test it")
    command = [sys.executable, str(PACKAGE / "test" / "cuda" / "gpu_test.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == NOT_TESTED
    assert done.stdout.startswith("NOT RUN: there is no GPU here: ")
