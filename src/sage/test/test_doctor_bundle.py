"""`sage doctor --bundle`: what is in the file, who may read it, and what never is in it."""

from __future__ import annotations

import json
import os
import stat
import tarfile
from pathlib import Path

import pytest

from sage.cli import main
from sage.doctor import bundle, graph_snapshot
from sage.doctor.bundle import LEFT_OUT, write_bundle
from sage.doctor.finding import Finding
from sage.doctor.redaction import Redaction, is_secret
from sage.graph.runtime_file import GraphLock, RunningGraph
from sage_common.core.errors import InvalidInput

SAID = "grandmother keeps her pills in the blue tin"
SECRETS = {
    "SAGE_MEMORY_KEY": "0123456789abcdef-of-the-store",
    "PGPASSWORD": "correct horse battery",
    "GITHUB_TOKEN": "ghp_aVeryPrivateToken",
    "SAGE_SOMETHING": "https://robot:hunter2hunter2@fleet.example/db",
    "UNRELATED": "what a shell happens to hold",
}
LOG = f"""[INFO] [1763754062.0] [sage.memory]: {SAID}: within 2 m of here
[WARN] [1763754063.0] [sage.memory]: not learnt from what was said: text = '{SAID}': expected less
[WARN] [1763754064.0] [sage.fusion]: audio: novelty 0.97; "{SAID}
[ERROR] [1763754065.0] [sage.memory]: no server: {SECRETS["PGPASSWORD"]} is refused
Traceback (most recent call last):
  ValueError: "{SAID}" isn't 'it'
[WARN] [1763754066.0] [sage.gateway]: http://127.0.0.1:8080/?token=f00dbabe was asked for
[ERROR] [1763754067.0] [sage.camera]: the disk is full
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which all that is private lies in plain text."""
    folder = tmp_path / "home"
    for name in ("log", "state", "payloads/ab", "run"):
        (folder / name).mkdir(parents=True)
    for name in ("memory.db", "memory.db-wal", "state/fusion.npz", "payloads/ab/abcd", "run/token"):
        (folder / name).write_text(f"{SAID} {' '.join(SECRETS.values())}")
    (folder / "log" / "container_123_1763754062000.log").write_text(LOG)
    (folder / "log" / "notes.txt").write_text(SAID)
    (folder / "log" / "other_124_1763754062000.log").symlink_to(folder / "memory.db")
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SAGE_HOME", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ROS_LOG_DIR", raising=False)
    return folder


def unheard(running: RunningGraph) -> dict[str, object]:
    """Stands in for the profile: of a graph that is sick."""
    raise TimeoutError("no governor was heard")


def contents(path: Path) -> dict[str, str]:
    """The texts in a bundle, by file name without the folder."""
    with tarfile.open(path) as archive:
        found = {}
        for entry in archive.getmembers():
            file = archive.extractfile(entry)
            assert file is not None and entry.isfile()
            folder, _, name = entry.name.partition("/")
            assert folder == path.name.removesuffix(".tar.gz")
            found[name] = file.read().decode()
        return found


def test_nothing_private_is_in_it(home: Path, tmp_path: Path) -> None:
    findings = [Finding("database", "error", f"{SECRETS['SAGE_SOMETHING']} in {tmp_path}")]
    write_bundle(tmp_path / "report.tar.gz", home, findings, unheard)
    every = "\n".join(contents(tmp_path / "report.tar.gz").values())
    private = [SAID, "grandmother", "blue tin", "f00dbabe", "hunter2hunter2", str(tmp_path)]
    private += [value for name, value in SECRETS.items() if name != "SAGE_SOMETHING"]
    assert [text for text in private if text in every] == []


def test_what_helps_is_in_it_and_the_manifest_says_what(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.tar.gz"
    manifest = write_bundle(path, home, [Finding("GPU", "warn", "none", "buy one")], unheard)
    found = contents(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = json.loads(found["manifest.json"])
    assert written == json.loads(json.dumps(manifest)) and written["left_out"] == list(LEFT_OUT)
    assert {*written["files"], "manifest.json"} == set(found)
    assert all(len(found[n].encode()) == item["bytes"] for n, item in written["files"].items())
    assert json.loads(found["doctor.json"])[0]["fix"] == "buy one"
    assert "numpy" in json.loads(found["versions.json"])["packages"]
    assert json.loads(found["machine.json"])["cores"] == os.cpu_count()
    variables = json.loads(found["environment.json"])
    assert variables["SAGE_HOME"] == "~/home" and "UNRELATED" not in variables
    log = found["logs/container_123_1763754062000.log"].splitlines()
    assert log[-1].endswith("[sage.camera]: the disk is full")
    assert log[0].endswith("not learnt from what was said: text = '***': expected less")
    assert len(log) == 7 and len([name for name in found if name.startswith("logs/")]) == 1
    assert written["missing"]["parameters.json"] == "no graph runs in this home"


@pytest.mark.parametrize(
    "name", ["report.zip", ".tar.gz", "there.tar.gz", "link.tar.gz", "no/a.tar.gz"]
)
def test_a_file_that_cannot_be_written_is_refused_at_once(
    name: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there.tar.gz").write_text("older")
    (tmp_path / "link.tar.gz").symlink_to(tmp_path / "nowhere")
    assert main(["doctor", "--bundle", str(tmp_path / name)]) == 2
    assert "bundle = " in capsys.readouterr().err
    assert (tmp_path / "there.tar.gz").read_text() == "older"
    with pytest.raises(InvalidInput, match="bundle"):
        write_bundle(tmp_path / name, home, [], unheard)


def test_parameters_of_a_running_graph_are_in_it_but_not_what_is_called_a_secret(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_snapshot, "diagnostics", lambda *given: {"/sage/memory": "well"})
    monkeypatch.setattr(bundle, "enter", lambda environment: None)
    running = RunningGraph(1, 66, "/sage", "nano", "rtsp://me:hunter2@camera/1", network=False)
    lock = GraphLock(home, running)
    values = {"model_url": "https://me:hunter2@host", "api_key": "abcdefgh", "max_tokens": 7}
    lock.write_parameters({"/sage/orchestrator": values})
    try:
        manifest = write_bundle(tmp_path / "report.tar.gz", home, [], unheard)
    finally:
        lock.release()
    found = contents(tmp_path / "report.tar.gz")
    assert json.loads(found["parameters.json"])["/sage/orchestrator"] == {
        "model_url": "https://***@host", "api_key": "***", "max_tokens": 7
    }  # fmt: skip
    assert "hunter2" not in "\n".join(found.values())
    assert "well" in found["diagnostics.json"]
    assert manifest["missing"]["profile.json"] == "TimeoutError: no governor was heard"


def test_logs_are_bounded(home: Path, tmp_path: Path) -> None:
    for number in range(22):
        line = f"[WARN] [1763754062.0] [sage.camera]: line {number} of many\n"
        path = home / "log" / f"container_{1000 + number}_1763754062000.log"
        path.write_text(line * 2_500)
        os.utime(path, (2e9 + number, 2e9 + number))
    write_bundle(tmp_path / "report.tar.gz", home, [], unheard)
    logs = {n: t for n, t in contents(tmp_path / "report.tar.gz").items() if n.startswith("logs/")}
    assert len(logs) == 20 and max(map(len, logs.values())) <= 100_000
    assert "logs/container_1021_1763754062000.log" in logs


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("PGPASSWORD", True), ("SAGE_MEMORY_KEY", True), ("HF_TOKEN", True), ("api_key", True),
        ("SAGE_MEMORY_KEY_FILE", False), ("model_token_file", False), ("ROS_DOMAIN_ID", False),
        ("keyboard", False),
    ],
)  # fmt: skip
def test_names_tell_secrets(name: str, secret: bool) -> None:
    assert is_secret(name) is secret


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("x = 'it''s mine': expected y", "x = '***': expected y"),
        ("the driver's picture isn't there", "the driver's picture isn't there"),
        ("x = 'cut off...", "x = '***'"),
        ("audio; “said aloud”", "audio; '***'"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("rtsp://me:pw@camera/1", "rtsp://***@camera/1"),
        ("/home/me/x is full", "~/x is full"),
    ],
)
def test_lines_lose_what_is_private(line: str, shown: str) -> None:
    assert Redaction({"HOME": "/home/me"}).message(line) == shown
