"""The virtual environment `.venv` of the repository, and the tools in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from environment.interpreter import Interpreter, without_python_settings


class VirtualEnvironment:
    """Paths and process environment of one virtual environment made by `interpreter`."""

    def __init__(self, prefix: Path, interpreter: Interpreter) -> None:
        self.prefix = prefix
        self._interpreter = interpreter
        release = f"python{interpreter.release[0]}.{interpreter.release[1]}"
        self.python = prefix / "bin" / "python"
        self.site_packages = prefix / "lib" / release / "site-packages"

    @property
    def numpy_include(self) -> Path:
        """The folder of numpy's headers; numpy 2 moved it."""
        new, old = (self.site_packages / "numpy" / name / "include" for name in ("_core", "core"))
        return new if new.is_dir() else old

    def is_sound(self) -> bool:
        """True if it exists, is of the same Python release, and its pip starts."""
        if not self.site_packages.is_dir() or not os.access(self.python, os.X_OK):
            return False
        answer = subprocess.run(
            [str(self.python), "-m", "pip", "--version"],
            env=self.process_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        # pip names the folder it runs from: another one if the environment was copied or moved.
        return answer.returncode == 0 and str(self.site_packages) in answer.stdout

    def remove(self) -> None:
        shutil.rmtree(self.prefix, ignore_errors=True)

    def creation_command(self) -> list[str]:
        return [self._interpreter.executable, "-m", "venv", str(self.prefix)]

    def pip(self, command: str, *arguments: str) -> list[str]:
        quiet = ["--disable-pip-version-check", "--no-input"]
        return [str(self.python), "-m", "pip", *quiet, command, *arguments]

    def process_environment(self) -> Mapping[str, str]:
        """The variables for a tool that works in this environment and nowhere else."""
        variables = without_python_settings(os.environ)
        variables["VIRTUAL_ENV"] = str(self.prefix)
        variables["AMENT_PREFIX_PATH"] = str(self.prefix)
        variables["CMAKE_PREFIX_PATH"] = str(self.prefix)
        variables["PATH"] = f"{self.prefix / 'bin'}{os.pathsep}{variables.get('PATH', os.defpath)}"
        if not can_write(pip_cache(variables)):
            variables["PIP_NO_CACHE_DIR"] = "1"
        variables["CMAKE_BUILD_PARALLEL_LEVEL"] = str(os.cpu_count() or 1)
        return variables

    def discard_incomplete_packages(self) -> list[str]:
        """Removes the records of packages whose installation was interrupted; returns their names.

        pip takes a package for installed once its METADATA is there; INSTALLER comes last.
        """
        discarded = []
        for record in sorted(self.site_packages.glob("*.dist-info")):
            if not (record / "INSTALLER").is_file():
                shutil.rmtree(record)
                discarded.append(record.name.removesuffix(".dist-info"))
        for leftover in self.site_packages.glob("~*"):
            shutil.rmtree(leftover, ignore_errors=True)
        return discarded


def pip_cache(variables: Mapping[str, str]) -> Path:
    """Where pip keeps what it has loaded, whether or not it is there."""
    if variables.get("PIP_CACHE_DIR"):
        return Path(variables["PIP_CACHE_DIR"])
    caches = variables.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(caches, "pip")


def can_write(folder: Path) -> bool:
    """True if files can be made in a folder and the folders in it; if it is missing, above it."""
    above = next(path for path in (folder, *folder.parents) if path.exists())
    inner = above.iterdir() if above == folder and folder.is_dir() else ()
    folders = [above, *(path for path in inner if path.is_dir())]
    return all(path.is_dir() and os.access(path, os.W_OK | os.X_OK) for path in folders)


def base_interpreter(prefix: Path) -> str | None:
    """The Python that the virtual environment `prefix` was made by; None without environment."""
    try:
        lines = (prefix / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    settings = {
        key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)
    }
    release = ".".join(settings.get("version", "").split(".")[:2])
    return os.path.join(settings.get("home", ""), f"python{release}")


def platform_library_folder() -> str:
    """Where this machine has its shared libraries, for instance /usr/lib/x86_64-linux-gnu."""
    multiarch = sysconfig.get_config_var("MULTIARCH")
    folder = f"/usr/lib/{multiarch}"
    return folder if multiarch and os.path.isdir(folder) else "/usr/lib64"
