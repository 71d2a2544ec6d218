"""Everything about the mailboxes that needs a GPU: conformance, compute-sanitizer, figures.

Run by hand, or by `make gpu-test`. Writes the figures to bench/results/mailbox_gpu-<device>.json.
Where there is no GPU, or no CUDA toolkit, it says so and ends with status 77: nothing was tested.
"""

from __future__ import annotations

import ctypes
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]
REPOSITORY = PACKAGE.parents[1]
BUILD = REPOSITORY / "build" / "mailbox-gpu"
RESULTS = REPOSITORY / "bench" / "results"
CASES = ("device_ring_cases", "device_mailbox_cases")
FIGURES = "device_figures"
NOT_TESTED = 77
LONGEST_RUN_S = 1800

# CUdevice_attribute of cuda.h
_COMPUTE_CAPABILITY_MAJOR = 75
_COMPUTE_CAPABILITY_MINOR = 76


class NothingToTest(Exception):
    """There is no GPU, or nothing to build for it with; the text says which."""


@dataclass(frozen=True)
class Gpu:
    """A GPU of this machine: its name, and its architecture as nvcc calls it, for instance "87"."""

    name: str
    architecture: str


def find_gpu() -> Gpu:
    """The first GPU that the driver knows. Raises NothingToTest."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise NothingToTest(f"there is no GPU here: no CUDA driver ({error})") from None
    count = ctypes.c_int()
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        raise NothingToTest("there is no GPU here: the CUDA driver does not start")
    if count.value == 0:
        raise NothingToTest("there is no GPU here: the CUDA driver knows of none")
    name = ctypes.create_string_buffer(256)
    major, minor = ctypes.c_int(), ctypes.c_int()
    driver.cuDeviceGetName(name, len(name), 0)
    driver.cuDeviceGetAttribute(ctypes.byref(major), _COMPUTE_CAPABILITY_MAJOR, 0)
    driver.cuDeviceGetAttribute(ctypes.byref(minor), _COMPUTE_CAPABILITY_MINOR, 0)
    return Gpu(name.value.decode(), f"{major.value}{minor.value}")


def find_tool(name: str) -> str | None:
    """Path of a program of the CUDA toolkit, also where the toolkit is not on PATH."""
    usual = Path("/usr/local/cuda/bin") / name
    return shutil.which(name) or (str(usual) if usual.exists() else None)


def build(gpu: Gpu) -> Path:
    """Builds the programs; returns the folder that they are in. Raises NothingToTest."""
    compiler = find_tool("nvcc")
    if compiler is None or shutil.which("cmake") is None:
        raise NothingToTest("there is a GPU, but no CUDA toolkit (nvcc), or no cmake")
    options = ["-DSAGE_MAILBOX_CUDA=ON", "-DSAGE_MAILBOX_TESTS=ON", "-DCMAKE_BUILD_TYPE=Release"]
    options += [f"-DCMAKE_CUDA_COMPILER={compiler}"]
    options += [f"-DCMAKE_CUDA_ARCHITECTURES={gpu.architecture}"]
    _run(["cmake", "-S", str(PACKAGE), "-B", str(BUILD), *options])
    _run(["cmake", "--build", str(BUILD), "--parallel", "--target", *CASES, FIGURES])
    return BUILD / "test" / "cuda"


def check(programs: Path) -> None:
    """Runs the conformance programs, and again under compute-sanitizer if that is installed."""
    for case in CASES:
        _run([str(programs / case)])
    sanitizer = find_tool("compute-sanitizer")
    if sanitizer is None:
        print("NOT RUN: compute-sanitizer is not installed (it comes with the CUDA toolkit)")
        return
    for tool in ("memcheck", "racecheck"):
        for case in CASES:
            options = ["--tool", tool, "--target-processes", "all", "--error-exitcode", "9"]
            _run([sanitizer, *options, str(programs / case)])


def measure(programs: Path, gpu: Gpu) -> Path:
    """Runs the figures and writes them with commit and device; returns the file."""
    output = _run([str(programs / FIGURES)])
    figures = json.loads(output[output.index("{") :])
    commit = _run(["git", "-C", str(REPOSITORY), "rev-parse", "--short", "HEAD"]).strip()
    machine = re.sub(r"[^a-z0-9]+", "-", gpu.name.lower()).strip("-")
    result = {"bench": figures["bench"], "commit": commit, "machine": machine, **figures}
    path = RESULTS / f"mailbox_gpu-{machine}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    return path


def _run(command: list[str]) -> str:
    """Output of a command, which is shown, too. Raises CalledProcessError."""
    print("+", " ".join(command), flush=True)
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, timeout=LONGEST_RUN_S, check=False
    )
    print(done.stdout, end="", flush=True)
    done.check_returncode()
    return done.stdout


def main() -> int:
    try:
        gpu = find_gpu()
        print(f"GPU: {gpu.name}, sm_{gpu.architecture}")
        programs = build(gpu)
    except NothingToTest as reason:
        print(f"NOT RUN: {reason}")
        return NOT_TESTED
    try:
        check(programs)
        path = measure(programs, gpu)
    except subprocess.CalledProcessError as error:
        print(f"FAILED with status {error.returncode}: {' '.join(error.cmd)}")
        return 1
    print(f"all is well; figures: {path.relative_to(REPOSITORY)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
