"""Brings the virtual environment up to date, doing only what is not done yet."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from environment import wheel_paths
from environment.compilation import steps_done
from environment.executables import link_executables
from environment.interpreter import Interpreter
from environment.interrupts import let_interrupts_end
from environment.progress import Progress
from environment.stamps import Stamps, digest_text
from environment.virtual_environment import VirtualEnvironment, platform_library_folder
from environment.workspace import Package, compiled_packages, python_packages, stage

# Installed before all others: ROS, and what builds our packages on it.
FIRST_GROUP = "build"
# Installed without its own dependencies: only files of it are used.
MEDIA_GROUP = "media"

_PACKAGE_STEP = "package-"


@dataclass(frozen=True)
class Work:
    """What is to be done, each item with the digest that its stamp will hold."""

    groups: dict[str, str]
    compiled: dict[Package, str]
    packages: dict[Package, str]
    obsolete: tuple[str, ...]  # names of packages that are installed, but no longer in src/

    def __bool__(self) -> bool:
        return bool(self.groups or self.compiled or self.packages or self.obsolete)


class Installation:
    """The environment `.venv` of the repository at `root`."""

    def __init__(
        self, root: Path, interpreter: Interpreter, progress: Progress, keep_open: Sequence[int]
    ) -> None:
        self._root = root
        self._interpreter = interpreter
        self._progress = progress
        self._keep_open = keep_open
        self._environment = VirtualEnvironment(root / ".venv", interpreter)
        self._stamps = Stamps(self._environment.prefix / ".set-up")
        self._release = ".".join(str(part) for part in interpreter.release)

    def is_made(self) -> bool:
        """True if the environment is there, made at this place and by this Python release."""
        return self._stamps.is_current("environment", self._environment_digest())

    def work(self, groups: Sequence[str]) -> Work:
        """What is to be done for the requirement `groups` and the packages of the repository."""
        wanted = {group: self._group_digest(group) for group in groups}
        compiled = {p: self._compiled_digest(p) for p in compiled_packages(self._root)}
        packages = {p: digest_text(self._release, p.digest()) for p in python_packages(self._root)}
        names = {package.name for package in (*compiled, *packages)}
        done = {step.removeprefix(_PACKAGE_STEP) for step in self._package_steps()}
        return Work(
            groups={g: d for g, d in wanted.items() if not self._stamps.is_current(g, d)},
            compiled=self._outdated(compiled),
            packages=self._outdated(packages),
            obsolete=tuple(sorted(done - names)),
        )

    def make(self) -> None:
        """Makes the virtual environment; one that is there and sound is taken over."""
        if not self._environment.is_sound():
            with self._progress.step(f"virtual environment with Python {self._release}"):
                self._environment.remove()
                self._run("environment", self._environment.creation_command())
        self._stamps.finish("environment", self._environment_digest())

    def carry_out(self, work: Work) -> None:
        """Does `work`; raises StepFailed. What is done by then is not done again."""
        if "PIP_NO_CACHE_DIR" in self._environment.process_environment():
            self._progress.say("pip's cache cannot be written: everything is loaded anew")
        for name in self._environment.discard_incomplete_packages():
            self._progress.say(f"{name} was left half installed; it is installed again")
        for step in (
            *work.groups,
            *(_PACKAGE_STEP + p.name for p in (*work.compiled, *work.packages)),
        ):
            self._stamps.begin(step)
        self._install_first_group(work)
        rest = [g for g in work.groups if g not in (FIRST_GROUP, MEDIA_GROUP)]
        # One waits for the network and the disk, the other for the compiler.
        with ThreadPoolExecutor(max_workers=2) as both:
            jobs = [
                both.submit(self._install_groups, rest, work),
                both.submit(self._compile, list(work.compiled)),
            ]
        for job in jobs:
            job.result()
        self._install_packages(work)
        self._remove(work.obsolete)

    def _install_first_group(self, work: Work) -> None:
        if FIRST_GROUP not in work.groups:
            return
        with self._progress.step("ROS 2 and the build tools"):
            self._run("requirements-build", self._install_command([FIRST_GROUP]))
            places = wheel_paths.Places(
                python_include=self._interpreter.include,
                numpy_include=str(self._environment.numpy_include),
                library_folder=platform_library_folder(),
                site_packages=self._environment.site_packages,
            )
            wheel_paths.correct_tree(self._environment.prefix, places)
        self._stamps.finish(FIRST_GROUP, work.groups[FIRST_GROUP])

    def _install_groups(self, groups: Sequence[str], work: Work) -> None:
        if not groups:
            return
        with self._progress.step(f"requirements ({', '.join(groups)})"):
            self._run("requirements", self._install_command(groups))
        for group in groups:
            self._stamps.finish(group, work.groups[group])

    def _compile(self, packages: Sequence[Package]) -> None:
        # One after the other: what a package says of its failure is then the end of its log.
        for package in packages:
            name = f"compilation-{package.name}"
            log = self._progress.log(name)
            log.unlink(missing_ok=True)  # the count in it would be that of an earlier set-up
            with self._progress.step(f"compiling {package.name}", partial(steps_done, log)):
                for folder in (self._root / "build").glob(f"{package.name}-*"):
                    shutil.rmtree(folder)
                for wheel in self._wheels.glob(f"{package.name}-*.whl"):
                    wheel.unlink()
                # Only a verbose pip passes on what ninja counts.
                options = ["--verbose", "--no-build-isolation", "--no-deps", "--no-index"]
                target = ["--wheel-dir", str(self._wheels), str(package.folder)]
                self._run(name, self._environment.pip("wheel", *options, *target))

    def _install_packages(self, work: Work) -> None:
        names = [package.name for package in (*work.compiled, *work.packages)]
        folders = stage(list(work.packages), self._root, self._root / "build" / "workspace")
        sources = [str(folder) for folder in folders]
        for package in work.compiled:
            sources += [str(wheel) for wheel in self._wheels.glob(f"{package.name}-*.whl")]
        if MEDIA_GROUP in work.groups:
            names.append("demo media")
            sources += ["-r", str(self._ranges(MEDIA_GROUP))]
        if not sources:
            return
        with self._progress.step(f"installing {', '.join(names)}"):
            # pip before 23.1 (Debian 12, Ubuntu 22.04) else runs setup.py install, which leaves the
            # commands where ROS looks for them and not in bin.
            options = ["--use-pep517", "--no-build-isolation", "--no-deps", "--force-reinstall"]
            self._run("packages", self._environment.pip("install", *options, *sources))
            link_executables(
                self._environment.prefix,
                self._environment.site_packages,
                [package.name for package in work.packages],
            )
            let_interrupts_end(self._environment.site_packages)
        for package, digest in (*work.compiled.items(), *work.packages.items()):
            self._stamps.finish(_PACKAGE_STEP + package.name, digest)
        if MEDIA_GROUP in work.groups:
            self._stamps.finish(MEDIA_GROUP, work.groups[MEDIA_GROUP])

    def _remove(self, names: Sequence[str]) -> None:
        if not names:
            return
        with self._progress.step(f"removing {', '.join(names)}"):
            self._run("removal", self._environment.pip("uninstall", "-y", *names))
            for name in names:
                shutil.rmtree(self._environment.prefix / "lib" / name, ignore_errors=True)
                self._stamps.begin(_PACKAGE_STEP + name)

    def _install_command(self, groups: Sequence[str]) -> list[str]:
        ranges = [item for group in groups for item in ("-r", str(self._ranges(group)))]
        # Bytecode comes with the first import; compiling all of it takes longer than the rest.
        options = ["--no-compile", "-c", str(self._lock)]
        return self._environment.pip("install", *options, *ranges)

    def _run(self, name: str, command: Sequence[str]) -> None:
        environment = self._environment.process_environment()
        self._progress.run(name, command, environment, self._root, self._keep_open)

    def _environment_digest(self) -> str:
        return digest_text(str(self._environment.prefix), self._release)

    def _group_digest(self, group: str) -> str:
        texts = (path.read_text(encoding="utf-8") for path in (self._ranges(group), self._lock))
        return digest_text(self._release, *texts)

    def _compiled_digest(self, package: Package) -> str:
        lines = self._lock.read_text(encoding="utf-8").splitlines()
        basis = [line for line in lines if line.startswith(package.built_with)]
        return digest_text(self._release, package.digest(), *basis)

    def _outdated(self, packages: dict[Package, str]) -> dict[Package, str]:
        return {
            package: digest
            for package, digest in packages.items()
            if not self._stamps.is_current(_PACKAGE_STEP + package.name, digest)
        }

    def _package_steps(self) -> set[str]:
        return {step for step in self._stamps.steps() if step.startswith(_PACKAGE_STEP)}

    def _ranges(self, group: str) -> Path:
        return self._root / "requirements" / f"{group}.in"

    @property
    def _lock(self) -> Path:
        return self._root / "requirements" / "lock.txt"

    @property
    def _wheels(self) -> Path:
        return self._root / "build" / "wheels"
