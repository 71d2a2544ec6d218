"""A graph that serves its page, run by `sage run`, and what its processes take."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import psutil

from sage.run.supervisor import FORK_SERVER

STREAM = "/api/events?also=camera"
"""What the page asks for when it is opened."""
START_S, END_S = 120.0, 60.0
POLL_S = 0.2
NAME = re.compile(r"__node:=(\w+)")
MB = 2.0**20


@dataclass(frozen=True)
class Taken:
    """What a process took in a while.

    Attributes:
        cpu: share of a core [%].
        pss_mb, private_mb: at the end: proportional, and what no other process has [MB].
    """

    cpu: float
    pss_mb: float
    private_mb: float


class PageGraph:
    """A running graph.

    Args:
        process: `sage run`.
        home: its home folder.
        said: what it has written to stderr.

    Attributes:
        address: of the page, with the token; empty: it has none.
    """

    def __init__(self, process: psutil.Process, home: Path, said: Path) -> None:
        self.process, self.home = process, home
        found = re.search(r"^page: (\S+)", said.read_text(errors="replace"), re.MULTILINE)
        self.address = found[1] if found else ""

    @property
    def port(self) -> int:
        """Of the page, on this machine."""
        return int(self.address.partition("/#")[0].rpartition(":")[2])

    @property
    def token(self) -> str:
        """That opens it."""
        return self.address.partition("#token=")[2]

    @property
    def nodes(self) -> dict[str, psutil.Process]:
        """The processes of nodes, by name; "container" is one of all nodes."""
        children = self.process.children(recursive=True)
        words = {child: " ".join(child.cmdline()) for child in children}
        named = {n[1]: c for c, line in words.items() if (n := NAME.search(line))}
        whole = [c for c, line in words.items() if "--graph" in line and FORK_SERVER not in line]
        return named or {"container": whole[0]}

    def ask(self, path: str) -> bytes:
        """The answer of the gateway.

        Raises:
            OSError: there is none.
        """
        connection = HTTPConnection("127.0.0.1", self.port, timeout=START_S)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            return connection.getresponse().read()
        finally:
            connection.close()

    def is_answered(self) -> bool:
        """Whether the gateway is there, and knows of fused salience."""
        try:
            return b"sage_salience " in self.ask("/metrics")
        except OSError:
            return False


@contextmanager
def page_graph(composed: bool, more: Sequence[str] = ()) -> Iterator[PageGraph]:
    """A graph of synthetic sensors, which ends with the block.

    Args:
        composed: all nodes in one process, or one a node.
        more: options of `sage run`.

    Raises:
        RuntimeError: it ended, or was not there in time; the end of what it wrote.
    """
    mode = "--composed" if composed else "--processes"
    with tempfile.TemporaryDirectory(prefix="sage_page_") as folder:
        home, said = Path(folder, "home"), Path(folder, "said.txt")
        home.mkdir(0o700)
        words = ["run", "--source", "synthetic", "--home", str(home), mode, *more]
        program = [sys.executable, str(Path(sys.prefix, "bin", "sage")), *words]
        with said.open("wb") as err:
            process = subprocess.Popen(
                program, stdout=subprocess.DEVNULL, stderr=err, start_new_session=True,
                env={**os.environ, "ROS_LOG_DIR": str(Path(folder, "log"))},
            )  # fmt: skip
        try:
            yield _started(process, home, said)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _started(process: subprocess.Popen[bytes], home: Path, said: Path) -> PageGraph:
    end_s = time.monotonic() + START_S
    while time.monotonic() < end_s and process.poll() is None:
        graph = PageGraph(psutil.Process(process.pid), home, said)
        if graph.is_answered() if graph.address else _runs(home):
            return graph
        time.sleep(POLL_S)
    text = said.read_text(errors="replace")[-2000:]
    raise RuntimeError(f"the graph was not there within {START_S:g} s: {text}")


def _runs(home: Path) -> bool:
    """Whether the memory, which starts last, has its store open."""
    return (home / "memory.db").exists()


def taken(process: psutil.Process, seconds: float, meanwhile: Callable[[float], object]) -> Taken:
    """What a process takes in some seconds, in which `meanwhile` is called with them.

    Raises:
        psutil.NoSuchProcess: it has ended.
    """
    begin_s, before_s = time.monotonic(), cpu_s(process)
    meanwhile(seconds)
    share = (cpu_s(process) - before_s) / (time.monotonic() - begin_s)
    memory = process.memory_full_info()
    return Taken(100.0 * share, memory.pss / MB, memory.uss / MB)


def cpu_s(process: psutil.Process) -> float:
    """Processor time of all threads so far [s].

    Raises:
        psutil.NoSuchProcess: it has ended.
    """
    times = process.cpu_times()
    return float(times.user + times.system)
