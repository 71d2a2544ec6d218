"""The C++ programs in cpp/ find nothing wrong, nor do sanitizers while they run.

A short version of each; SAGE_MAILBOX_PROOF=1 runs the full counts (minutes).
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import page
import pytest

PACKAGE = Path(__file__).resolve().parents[1]
IS_PROOF = os.environ.get("SAGE_MAILBOX_PROOF") == "1"
LONGEST_RUN_S = 3000 if IS_PROOF else 300

pytestmark = [pytest.mark.alone, pytest.mark.timeout(2 * LONGEST_RUN_S)]

# program -> its argument in a quick run, and in the full proof
PROGRAMS = {
    "containers": ("", ""),
    "error_cases": ("", ""),
    "exit_orders": ("", ""),
    "handle_cases": ("", ""),
    "hostile_files": ("", ""),
    "hostile_words": ("20000", "2000000"),
    "image_cases": ("", ""),
    "kills": ("100", "1000"),
    "process_cases": ("", ""),
    "report_cases": ("", ""),
    "ring_cases": ("", ""),
    "ring_order": ("400000", "10000000"),
    "tensor_cases": ("", ""),
    "tensor_order": ("3000", "200000"),
}
# what runs under which sanitizer; the names are those of -fsanitize
SANITIZED = {
    "thread": {
        "ring_order": ("40000", "1000000"),
        "tensor_order": ("500", "20000"),
    },
    "address,undefined": {
        "error_cases": ("", ""),
        "exit_orders": ("", ""),
        "handle_cases": ("", ""),
        "hostile_files": ("", ""),
        "hostile_words": ("4000", "200000"),
        "image_cases": ("", ""),
        "report_cases": ("", ""),
        "ring_cases": ("", ""),
        "tensor_cases": ("", ""),
        "tensor_order": ("500", "20000"),
    },
}

Build = Callable[[str], Path]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Builds all programs of a sanitizer, or of "" for none, once; returns their folder."""
    for tool in ("cmake", "c++", "make"):
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool} to build the C++ programs with")
    folder = tmp_path_factory.mktemp("mailbox")

    @functools.cache
    def build_in(sanitizer: str) -> Path:
        binary = folder / (sanitizer.replace(",", "-") or "plain")
        options = ["-DSAGE_MAILBOX_TESTS=ON", "-DSAGE_MAILBOX_CUDA=OFF"]
        options.append(f"-DSAGE_MAILBOX_SANITIZER={sanitizer}")
        options.append(f"-DCMAKE_BUILD_TYPE={'Debug' if sanitizer else 'Release'}")
        call(["cmake", "-G", "Unix Makefiles", "-S", str(PACKAGE), "-B", str(binary), *options])
        jobs = str(os.cpu_count() or 1)
        programs = SANITIZED.get(sanitizer, PROGRAMS)
        call(["cmake", "--build", str(binary), "--parallel", jobs, "--target", *programs])
        return binary / "test" / "cpp"

    return build_in


def call(command: list[str]) -> str:
    """Output of a command that is to end well."""
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST_RUN_S,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
    return done.stdout


def run(folder: Path, program: str, arguments: tuple[str, str]) -> None:
    argument = arguments[IS_PROOF]
    print(call([str(folder / program), *([argument] if argument else [])]))


@pytest.mark.parametrize("program", PROGRAMS)
def test_program_finds_nothing_wrong(build: Build, program: str) -> None:
    run(build(""), program, PROGRAMS[program])


@pytest.mark.parametrize(
    ("sanitizer", "program"),
    [(sanitizer, program) for sanitizer, programs in SANITIZED.items() for program in programs],
)
def test_sanitizer_finds_nothing_wrong(build: Build, sanitizer: str, program: str) -> None:
    run(build(sanitizer), program, SANITIZED[sanitizer][program])


@pytest.mark.parametrize(
    ("encoding", "code"),
    [
        ("bgr8", cv2.COLOR_BGR2RGB),
        ("bgra8", cv2.COLOR_BGRA2RGB),
        ("mono8", cv2.COLOR_GRAY2RGB),
        ("yuv422_yuy2", cv2.COLOR_YUV2RGB_YUY2),
    ],
)
def test_pictures_become_the_rgb_of_opencv(build: Build, encoding: str, code: int) -> None:
    program = build("") / "image_cases"
    channels = {"bgr8": 3, "bgra8": 4, "mono8": 1, "yuv422_yuy2": 2}[encoding]
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, channels), np.uint8)
    arguments = [encoding, "0", "480", "640", str(640 * channels), "rgb"]
    done = subprocess.run(
        [str(program), *arguments], input=pixels.tobytes(), stdout=subprocess.PIPE, check=True
    )
    assert done.stdout == cv2.cvtColor(pixels, code).tobytes()


def test_library_is_found_once_installed_and_the_pages_example_runs(
    build: Build, tmp_path: Path
) -> None:
    binary = build("").parents[1]
    prefix = tmp_path / "prefix"
    call(["cmake", "--install", str(binary), "--prefix", str(prefix)])
    source = tmp_path / "user"
    source.mkdir()
    (source / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.22)\n"
        "project(user LANGUAGES CXX)\n"
        "find_package(sage_cuda_mailbox REQUIRED)\n"
        "add_executable(user user.cpp)\n"
        "target_link_libraries(user sage_cuda_mailbox::sage_mailbox)\n"
    )
    [example] = page.examples("cpp", f"test-page-{os.getpid()}.")
    (source / "user.cpp").write_text(example)
    call(["cmake", "-S", str(source), "-B", str(source / "build"), f"-DCMAKE_PREFIX_PATH={prefix}"])
    call(["cmake", "--build", str(source / "build")])
    assert call([str(source / "build" / "user")]).splitlines() == ["7: seen", "128"]


def test_programs_leave_no_mailbox_behind() -> None:
    left = [path.name for path in Path("/dev/shm").glob(f"sage-mailbox.{os.geteuid()}.test-*")]
    alive = {f"-{entry.name}" for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    assert [name for name in left if not any(pid in name for pid in alive)] == []
