"""Which Debian packages are missing, found by looking for what is really needed of them."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from environment.interpreter import Interpreter
from environment.progress import Progress

MINIMUM_CMAKE = (3, 22)
SOUND_SERVER = ("pulseaudio", "pulseaudio-utils", "libasound2-plugins")


@dataclass(frozen=True)
class Findings:
    """What a look at the machine found."""

    cxx_compiler: bool
    cmake: tuple[int, int] | None  # version (major, minor); None: no cmake
    python_headers: bool  # Python.h of the chosen interpreter
    python_venv: bool  # the chosen interpreter can make a virtual environment with pip
    portaudio: bool  # the shared library, for live microphones
    sound_server: bool  # PulseAudio, its tools, and ALSA's way to it, for tests of microphones


@dataclass(frozen=True)
class Missing:
    """Debian packages to install: those without which nothing works, and those for one feature."""

    required: tuple[str, ...]
    optional: tuple[str, ...]


class MissingPackages(Exception):
    """Debian packages are missing and may not be installed from here."""


def look(interpreter: Interpreter) -> Findings:
    """Looks at this machine."""
    return Findings(
        cxx_compiler=any(shutil.which(name) for name in ("c++", "g++", "clang++")),
        cmake=_cmake_version(),
        python_headers=(Path(interpreter.include) / "Python.h").is_file(),
        python_venv=interpreter.has_ensurepip,
        portaudio=_loads("libportaudio.so.2"),
        sound_server=all(shutil.which(name) for name in ("pulseaudio", "pactl", "pacat"))
        and any(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so")),
    )


def missing_packages(
    findings: Findings, python_version: tuple[int, int], for_tests: bool
) -> Missing:
    """The Debian packages that bring what `findings` lacks; `python_version` names Python's."""
    python = f"python{python_version[0]}.{python_version[1]}"
    required = []
    if not findings.cxx_compiler:
        required.append("g++")
    if findings.cmake is None or findings.cmake < MINIMUM_CMAKE:
        required.append("cmake")
    if not findings.python_headers:
        required.append(f"{python}-dev")
    if not findings.python_venv:
        required.append(f"{python}-venv")
    optional: tuple[str, ...] = () if findings.portaudio else ("libportaudio2",)
    if for_tests and not findings.sound_server:
        optional += SOUND_SERVER
    return Missing(tuple(required), optional)


def install_line(packages: Sequence[str]) -> str:
    """One line that can be pasted into a shell."""
    return f"sudo apt-get install -y {' '.join(packages)}"


def can_install() -> bool:
    """True where this process may install Debian packages."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Sequence[str], progress: Progress) -> None:
    """Installs `packages`. Raises StepFailed."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    progress.run("apt-update", ["apt-get", "update", "-q"], environment, Path("/"))
    options = ["-y", "-q", "--no-install-recommends"]
    progress.run("apt", ["apt-get", "install", *options, *packages], environment, Path("/"))


def _cmake_version() -> tuple[int, int] | None:
    if shutil.which("cmake") is None:
        return None
    # A cmake that does not run counts as none.
    answer = subprocess.run(["cmake", "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"version (\d+)\.(\d+)", answer.stdout)
    return (int(match[1]), int(match[2])) if match else None


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
