"""How descriptors of device memory change hands between processes; needs neither GPU nor CUDA."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]


def test_only_the_user_gets_the_creators_memory(tmp_path: Path) -> None:
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")
    if not compiler:
        pytest.skip("there is no C++ compiler")
    program = tmp_path / "handle_exchange_cases"
    folders = ("include", "src", "cuda", "cuda/include")
    sources = (
        "test/cuda/handle_exchange_cases.cpp",
        "cuda/handle_exchange.cpp",
        "src/errors.cpp",
        "src/shared_file.cpp",
    )
    command = [compiler, "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread"]
    command += [f"-I{PACKAGE / folder}" for folder in folders]
    command += [str(PACKAGE / source) for source in sources]
    subprocess.run([*command, "-o", str(program)], check=True)
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all is well" in done.stdout
