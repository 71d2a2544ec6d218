"""Programs in forks of one server: each a process of its own, a child of the one that asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sage.run.forked_process import ForkedProcess, ForkServer, become_subreaper
from sage.run.process_commands import executable

LONG_S = 60.0


class Served:
    """A fork server that has loaded `loaded`, a module of this test, and what it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[ForkedProcess] = []
        Path(folder, "loaded.py").write_text("import os\nWHERE = os.getpid()\n")
        self.log = open(folder / "log", "w+b")  # noqa: SIM115 - closed by `end`
        self.server = ForkServer(
            executable("sage_common", "fork_server"), ["loaded", "not_there"], self._start
        )

    def _start(self, words: list[str], descriptors: tuple[int, ...]) -> subprocess.Popen[bytes]:
        path = os.pathsep.join([str(self.folder), *filter(None, sys.path)])
        clean = {k: v for k, v in os.environ.items() if k != "_ROS_WHEELS_BOOTSTRAP_COMPLETE"}
        return subprocess.Popen(
            words,
            env={**clean, "PYTHONPATH": path},
            stdout=self.log,
            stderr=self.log,
            pass_fds=descriptors,
            start_new_session=True,
        )

    def run(self, program: str, *words: str, **environment: str) -> ForkedProcess:
        path = self.folder / f"program_{len(list(self.folder.iterdir()))}.py"
        path.write_text(program)
        self.processes.append(self.server.fork([sys.executable, str(path), *words], environment))
        return self.processes[-1]

    @property
    def text(self) -> str:
        return Path(self.log.name).read_text()

    def end(self) -> None:
        """End what a test has left running."""
        if self.server.process.returncode is None:
            self.server.stop()
        for process in self.processes:
            if process.pid is not None:
                process.kill()
                process.wait(LONG_S)
        become_subreaper(False)
        self.log.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    yield made
    made.end()


def forked(process: ForkedProcess) -> int:
    end_s = time.monotonic() + LONG_S
    while process.poll() is None and process.pid is None:
        assert time.monotonic() < end_s
        time.sleep(0.01)
    assert process.pid is not None
    return process.pid


WAITS = "import signal, sys\nsignal.pause()"


def test_a_program_has_what_was_loaded_and_its_own_words_environment_and_name(served: Served):
    program = """
import loaded, os, sys
assert loaded.WHERE != os.getpid()
print(sys.argv[1:], os.environ["OWN"], os.getsid(0) == os.getpid(), os.getppid())
sys.exit(3)
"""
    process = served.run(program, "--ros-args", "ä", OWN="this one's")
    assert process.wait(LONG_S) == 3, served.text
    assert f"['--ros-args', 'ä'] this one's True {os.getpid()}" in served.text
    assert "not_there" in served.text, "who could not be loaded is named"


def test_it_is_shown_as_itself_and_a_signal_ends_it_alone(served: Served):
    one, other = (served.run(WAITS, f"__node:={name}") for name in ("one", "other"))
    words = Path(f"/proc/{forked(one)}/cmdline")
    end_s = time.monotonic() + LONG_S
    while b"__node:=one" not in words.read_bytes().split(b"\0"):
        assert time.monotonic() < end_s
    assert b"fork_server" not in words.read_bytes()
    one.send_signal(signal.SIGTERM)
    assert one.wait(LONG_S) == -signal.SIGTERM
    assert forked(other) and other.poll() is None
    other.kill()
    assert other.wait() == -signal.SIGKILL


def test_an_error_of_one_ends_only_that_one(served: Served):
    failed, well = served.run("raise ValueError('its own')"), served.run("pass")
    assert failed.wait(LONG_S) == 1 and well.wait(LONG_S) == 0
    assert "ValueError: its own" in served.text


def test_what_it_has_forked_outlives_a_server_and_what_it_has_not_is_not_there(served: Served):
    before = served.run(WAITS)
    forked(before)
    served.server.process.kill()
    served.server.process.wait()
    after = served.run(WAITS)
    assert before.poll() is None and after.poll() is None
    assert after.pid is None
    with pytest.raises(subprocess.TimeoutExpired):
        after.wait(0.1)
    before.kill()
    assert before.wait(LONG_S) == -signal.SIGKILL


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_all_that_was_forked_is_known_after_the_server_was_stopped(served: Served):
    before = children()
    processes = [served.run(WAITS) for _ in range(5)]
    forked(processes[0])
    served.server.stop()
    known = [process for process in processes if process.pid is not None]
    for process in known:
        process.kill()
        process.wait(LONG_S)
    assert children() <= before


def test_a_module_that_starts_a_thread_is_refused_by_name(tmp_path: Path):
    Path(tmp_path, "threaded.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    )
    program = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from sage_common.fork_server import preload
preload(["threaded"])
"""
    clean = {k: v for k, v in os.environ.items() if k != "_ROS_WHEELS_BOOTSTRAP_COMPLETE"}
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**clean, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert "importing threaded started a thread" in ran.stderr
