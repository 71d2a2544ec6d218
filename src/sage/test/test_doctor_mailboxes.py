"""What the doctor says of mailboxes."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from sage.doctor.finding import Finding
from sage.doctor.mailboxes import left_segments, library
from sage_common.ros.tensors import mailboxes

MAKER = """
import sys, time, sage_cuda_mailbox as m
kept = m.TensorMailbox.create(sys.argv[1], slot_bytes=4096)
print("made", flush=True)
time.sleep(600)
"""


def header(**changed: int) -> bytes:
    """Of a mailbox that this process made."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    namespace = os.stat("/proc/self/ns/pid").st_ino
    creator = {"pid": os.getpid(), "ticks": ticks, "namespace": namespace, "closed": 0, **changed}
    made = bytearray(4096)
    struct.pack_into("<8sIIQ", made, 0, b"SAGEMBX\0", 1, 2, 4_000_000)
    struct.pack_into("<I4xQQ", made, 64, creator["pid"], creator["ticks"], creator["namespace"])
    struct.pack_into("<I", made, 128, creator["closed"])
    return bytes(made)


def found(folder: Path, content: bytes) -> Finding:
    (folder / f"sage-mailbox.{os.getuid()}.42.front").write_bytes(content)
    (folder / f"sage-mailbox.{os.getuid()}..lock").touch()
    (folder / "sage-mailbox.99999.of_another").write_bytes(b"")
    (finding,) = left_segments(folder)
    assert finding.name == "mailbox 42.front"
    return finding


def test_a_mailbox_in_use_is_well(tmp_path: Path) -> None:
    finding = found(tmp_path, header())
    assert (finding.level, finding.fix) == ("ok", "")
    assert finding.text == f"tensors, 4.0 MB, creator {os.getpid()} alive"


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"ticks": 1}, "dead"), ({"pid": 2**22 + 1}, "dead"), ({"closed": 1}, "closed it")],
)
def test_what_is_left_is_named_with_its_mend(
    tmp_path: Path, changed: dict[str, int], said: str
) -> None:
    finding = found(tmp_path, header(**changed))
    assert finding.level == "warn" and finding.text.endswith(said)
    assert "sweep_stale()" in finding.fix


def test_of_another_container_nothing_is_claimed(tmp_path: Path) -> None:
    finding = found(tmp_path, header(namespace=1, ticks=1))
    assert finding.level == "ok" and finding.text.endswith("in another container")


@pytest.mark.parametrize(
    "content",
    [b"", b"junk", b"\0" * 4096, header()[:100]],
    ids=["empty", "junk", "zeros", "cut off"],
)
def test_what_is_no_mailbox_is_named_with_its_mend(tmp_path: Path, content: bytes) -> None:
    finding = found(tmp_path, content)
    assert finding.level == "warn" and "no mailbox" in finding.text
    assert finding.fix == f"rm {tmp_path}/sage-mailbox.{os.getuid()}.42.front"


def test_without_the_library_the_doctor_says_what_that_means(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mailboxes, "library", None)
    monkeypatch.setattr(mailboxes, "MISSING", "not installed")
    finding = library()
    assert (finding.level, finding.text) == ("warn", "not installed")
    assert "images" in finding.fix


@pytest.mark.skipif(mailboxes.library is None, reason=mailboxes.MISSING)
def test_the_file_of_a_creator_that_was_killed_is_found() -> None:
    name = f"test.{os.getpid()}.{uuid.uuid4().hex}"
    with subprocess.Popen(
        [sys.executable, "-c", MAKER, name], stdout=subprocess.PIPE, text=True
    ) as maker:
        assert maker.stdout is not None and maker.stdout.readline() == "made\n"
        before = {finding.name: finding for finding in left_segments()}
        maker.send_signal(signal.SIGKILL)
    after = {finding.name: finding for finding in left_segments()}
    mailboxes.library.sweep_stale()
    assert before[f"mailbox {name}"].text.endswith("alive")
    assert after[f"mailbox {name}"].text.endswith("dead")
    assert f"mailbox {name}" not in {finding.name for finding in left_segments()}
