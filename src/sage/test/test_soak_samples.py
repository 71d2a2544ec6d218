"""What of a graph is looked at: processes by their parents, what they hold, and the file of it."""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sage.soak.family import family_of
from sage.soak.sample import Sample, sample_of
from sage.soak.samples_file import Look, ProcessLook, SamplesFile, read_samples
from sage.soak.shared_memory import MB, graph_shared_mb, host_shared_mb
from sage_common.core.errors import InvalidInput

HOLDER = """
import sys, threading
held = bytearray(b"x" * (64 << 20))
files = [open("/dev/null") for _ in range(7)]
threading.Thread(target=threading.Event().wait, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


def held_process(*words: str) -> subprocess.Popen[bytes]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", HOLDER, *words], **pipes)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    return process


def test_a_process_is_sampled_and_found_by_its_parent() -> None:
    with held_process("--ros-args", "-r", "__node:=holder") as process:
        found = sample_of(process.pid)
        family = family_of(os.getpid())
        process.communicate()
    assert 64.0 < found.anonymous_mb < 128.0
    assert found.anonymous_mb < found.pss_mb + 1.0
    assert found.threads == 2
    assert found.descriptors == 10
    assert found.cpu_s > 0.0
    assert family[os.getpid()] == "command"
    assert family[process.pid] == "holder"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--graph", json.dumps([{"name": "fusion"}, {"name": "memory"}])], "container"),
        (["--graph", json.dumps([{"name": "thermometer_encoder"}])], "thermometer_encoder"),
        (["plugin look", "1"], "plugin look"),
        ([], Path(sys.executable).name),
    ],
)
def test_a_process_is_called_by_what_it_runs(words: list[str], name: str) -> None:
    with held_process(*words) as process:
        assert family_of(os.getpid())[process.pid] == name
        process.communicate()


def test_a_process_that_has_ended_is_none() -> None:
    with pytest.raises((FileNotFoundError, ProcessLookupError)):
        sample_of(2**22 + 1)
    assert family_of(2**22 + 1) == {2**22 + 1: "command"}
    assert graph_shared_mb([2**22 + 1]) == 0.0


def test_shared_memory_counts_each_mapped_file_once_and_removed_ones_too(tmp_path: Path) -> None:
    mapped = []
    for name in ("first", "second"):
        with (tmp_path / name).open("w+b") as file:
            file.write(b"x" * 2 * MB)
            file.flush()
            os.fsync(file.fileno())
            mapped += [mmap.mmap(file.fileno(), 0) for _ in range(2)]
    (tmp_path / "second").unlink()
    pids = [os.getpid(), os.getpid()]
    assert graph_shared_mb(pids, tmp_path) == pytest.approx(4.0, abs=0.1)
    for memory in mapped:
        memory.close()
    assert graph_shared_mb(pids, tmp_path) == 0.0
    assert host_shared_mb(tmp_path) > 0.0


def look(time_s: float) -> Look:
    process = ProcessLook("memory", 7, Sample(1.5, 30.0, 40.0, 5, 9), 12)
    return Look(time_s, 0.5, 3.0, 4.0, 1000.0, {"memory: late": 1}, (process,))


def test_what_was_written_is_read_again_without_a_line_that_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "soak.jsonl"
    file = SamplesFile(path, {"profile": "nano"})
    file.add(look(0.0))
    file.add(look(10.0))
    found = read_samples(path)  # while it is still written
    assert found.header == {"profile": "nano"}
    assert found.looks == [look(0.0), look(10.0)]
    file.close()
    path.write_text(path.read_text()[:-20])
    assert read_samples(path).looks == [look(0.0)]
    with pytest.raises(FileExistsError):
        SamplesFile(path, {})


@pytest.mark.parametrize("text", ["", "no JSON\n", '{}\n{"time_s": 1}\n'])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other"
    path.write_text(text)
    with pytest.raises(InvalidInput, match="a file that sage soak has written"):
        read_samples(path)
