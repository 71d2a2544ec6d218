"""The packages of this repository: where they are, and what their installation depends on."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from environment.stamps import digest_files, source_files

# Folders beside src/ that a package's setup.py may install from, as ../../config and so on.
_SHARED_FOLDERS = ("config", "launch", "models")


@dataclass(frozen=True)
class Package:
    """One package in source form."""

    name: str
    folder: Path
    shared_folders: tuple[Path, ...] = ()  # installs files from these, too
    unbuilt_folders: tuple[str, ...] = ()  # its own, of which nothing gets installed
    built_with: tuple[str, ...] = ()  # what lines of the lock begin with that a build depends on

    def digest(self) -> str:
        """Changes when anything that gets installed changes."""
        unbuilt = [self.folder / name for name in self.unbuilt_folders]
        paths = [
            path
            for path in source_files(self.folder)
            if not any(path.is_relative_to(folder) for folder in unbuilt)
        ]
        parts = [digest_files(self.folder, paths)]
        for folder in self.shared_folders:
            parts.append(digest_files(folder, source_files(folder)))
        return "+".join(parts)


def compiled_packages(root: Path) -> list[Package]:
    """The packages that are built by CMake, in the order in which they are built."""
    # Generated code goes with the version of ROS and of numpy that it was generated for.
    standard = ("audio_common_msgs", "tf2_msgs", "vision_msgs")
    interfaces = [*(root / "compat" / name for name in standard), root / "src" / "sage_msgs"]
    packages = [Package(path.name, path, built_with=("ros-", "numpy==")) for path in interfaces]
    mailbox = root / "src" / "sage_cuda_mailbox"
    tools = ("nanobind==", "ros-ament-")
    packages.append(Package(mailbox.name, mailbox, unbuilt_folders=("docs",), built_with=tools))
    return packages


def python_packages(root: Path) -> list[Package]:
    """The Python packages below src/."""
    packages = []
    for setup in sorted((root / "src").glob("*/setup.py")):
        text = setup.read_text(encoding="utf-8")
        shared = [root / name for name in _SHARED_FOLDERS if name in text]
        folders = tuple(folder for folder in shared if folder.is_dir())
        packages.append(Package(setup.parent.name, setup.parent, folders))
    return packages


def stage(packages: list[Package], root: Path, target: Path) -> list[Path]:
    """Copies `packages` and the folders they share to `target`, laid out as below `root`.

    A build in the copy neither litters the sources nor finds what an earlier build left there.
    Returns the folders of the copies.
    """
    shutil.rmtree(target, ignore_errors=True)
    folders = {folder for package in packages for folder in package.shared_folders}
    for source in sorted(folders | {package.folder for package in packages}):
        for path in source_files(source):
            copy = target / path.relative_to(root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
    return [target / package.folder.relative_to(root) for package in packages]
