"""run(A + B) equals run(A), --checkpoint, --resume, run(B): every byte of every output."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lockstep_replay
import pytest
from mcap.reader import make_reader
from rich_bag import SECONDS, RichRun

from sage.bags.message import BagMessage
from sage.cli import main
from sage_common.core.diagnosis.node_status import REPORT_PERIOD_S
from sage_common.core.errors import CannotContinue
from sage_common.ros.lockstep.host import LockstepHost

Replay = Callable[..., dict[str, Any]]
CUTS = (0.45, 1.0, 2.713)
"""Ends of the parts [s]: between frames, where timers of all nodes meet, and anywhere."""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def replay(rich_run: RichRun) -> Replay:
    """Runs `sage replay` over the bag in lock-step; its summary."""

    def run(*words: str) -> dict[str, Any]:
        return lockstep_replay.replay(str(rich_run.bag), "--config", str(rich_run.config), *words)

    return run


@pytest.fixture(scope="module")
def suspended_home(replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run that was suspended after 1.5 s left; for copying only."""
    home = tmp_path_factory.mktemp("suspended") / "home"
    replay("--home", str(home), "--duration", "1.5", "--checkpoint")
    return home


@pytest.fixture
def suspended(suspended_home: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(suspended_home, tmp_path / "home")


def outputs(*folders: Path) -> Iterator[BagMessage]:
    """What was published, in the order of publishing."""
    for folder in folders:
        with (folder / f"{folder.name}_0.mcap").open("rb") as stream:
            for schema, channel, message in make_reader(stream).iter_messages(log_time_order=False):
                assert schema is not None
                yield BagMessage(message.log_time, channel.topic, schema.name, message.data)


def digest(messages: Iterator[BagMessage]) -> str:
    """As the summary has it."""
    total = hashlib.sha256()
    for item in messages:
        total.update(f"{item.time_ns} {item.topic} {len(item.data)}\n".encode())
        total.update(item.data)
    return total.hexdigest()


def rows(home: Path) -> dict[str, list[Any]]:
    """Every row of every table of the memory."""
    with sqlite3.connect(f"file:{home / 'memory.db'}?mode=ro", uri=True) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            name: connection.execute(f"SELECT * FROM {name}").fetchall() for (name,) in list(names)
        }


def test_parts_that_are_resumed_give_what_one_run_gives(
    tmp_path: Path, rich_run: RichRun, replay: Replay
) -> None:
    home = ["--home", str(tmp_path / "parts")]
    starts = (0.0, *CUTS)
    for number, start in enumerate(starts):
        words = ["-o", str(tmp_path / f"part{number}"), *home]
        words += ["--resume"] if number else []
        if number < len(CUTS):
            words += ["--duration", repr(CUTS[number] - start), "--checkpoint"]
        assert replay(*words)["errors"] == []

    parts = [tmp_path / f"part{number}" for number in range(len(starts))]
    assert digest(outputs(*parts)) == rich_run.summary["digest"]
    counts = rich_run.summary["messages"]
    for modality in ("vision", "audio", "proprioception", "language", "motor"):
        assert counts[f"/sage/{modality}/salience"] >= 3
    assert counts["/sage/experience"] >= 3
    assert counts["/sage/fusion/weights"] > 10, "outcomes were learned from"
    assert counts["/diagnostics"] >= 15 * SECONDS / REPORT_PERIOD_S, "counters go on, too"
    assert rows(rich_run.home) == rows(tmp_path / "parts"), "ids, clocks, vectors"


def test_a_part_that_is_not_resumed_gives_something_else(
    tmp_path: Path, suspended: Path, replay: Replay
) -> None:
    """The control: what is left matters to what comes out."""
    words = ["--home", str(suspended), "--resume", "--duration", "0.5"]
    resumed = replay(*words, "-o", str(tmp_path / "resumed"))
    fresh = replay("--start", "1.5", "--duration", "0.5", "-o", str(tmp_path / "fresh"))
    assert resumed["messages"]["/sage/vision/puzzle"] == fresh["messages"]["/sage/vision/puzzle"]
    assert "/sage/audio/puzzle" not in fresh["messages"], "a second of sound must come first"
    assert resumed["messages"]["/sage/audio/puzzle"] == 5
    saliences = [
        [m.data for m in outputs(tmp_path / name) if m.topic == "/sage/vision/salience"][:10]
        for name in ("resumed", "fresh")
    ]
    assert all(one != other for one, other in zip(*saliences, strict=True))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--checkpoint"], "--home DIR"),
        (["--resume"], "--home DIR"),
        (["--resume", "--home", "{home}"], "a run that --checkpoint suspended"),
        (["--resume", "--start", "1", "--home", "{home}"], "the bag goes on"),
    ],
)
def test_what_is_missing_is_named(
    rich_run: RichRun,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    given = [word.format(home=tmp_path / "home") for word in words]
    assert main(["replay", str(rich_run.bag), "--lockstep", *given]) == 2
    assert said in capsys.readouterr().err


def test_without_lockstep_nothing_can_be_suspended(
    rich_run: RichRun, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(rich_run.bag), "--checkpoint"]) == 2
    assert "--lockstep, too" in capsys.readouterr().err


def test_a_recording_cannot_be_suspended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["replay", "recording", "--lockstep", "--checkpoint", "--home", str(tmp_path)]
    assert main(words) == 2
    assert "expected a bag" in capsys.readouterr().err


def test_a_run_that_cannot_be_suspended_leaves_no_output(
    tmp_path: Path,
    rich_run: RichRun,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_host: object) -> None:
        assert (tmp_path / "out").exists()
        raise CannotContinue("sound is being resampled")

    monkeypatch.setattr("sage.replay.suspended_run.snapshot_of", refuse)
    words = ["--lockstep", "--checkpoint", "--duration", "0.5", "--home", str(tmp_path / "home")]
    assert main(["replay", str(rich_run.bag), *words, "-o", str(tmp_path / "out")]) == 2
    assert "sound is being resampled" in capsys.readouterr().err
    assert not (tmp_path / "out").exists() and not (tmp_path / "home").exists()


def test_a_run_that_cannot_be_suspended_again_can_be_resumed_as_before(
    suspended: Path, rich_run: RichRun, replay: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_host: object) -> None:
        raise CannotContinue("sound is being resampled")

    home, before = suspended, rows(suspended)
    with monkeypatch.context() as patched:
        patched.setattr("sage.replay.suspended_run.snapshot_of", refuse)
        words = ["--lockstep", "--checkpoint", "--resume", "--home", str(home)]
        words += ["--config", str(rich_run.config)]
        assert main(["replay", str(rich_run.bag), *words]) == 2
    assert rows(home) == before, "what the refused run remembered is not in it"
    assert replay("--home", str(home), "--resume")["errors"] == []
    assert rows(home) == rows(rich_run.home)


def test_a_node_that_cannot_be_suspended_is_refused_before_anything_is_played(
    tmp_path: Path,
    rich_run: RichRun,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_node: object) -> None:
        raise CannotContinue("a camera goes on without us")

    monkeypatch.setattr("sage_common.ros.node.SageNode.snapshot", refuse)
    monkeypatch.setattr(LockstepHost, "run_until", lambda *_: pytest.fail("was played"))
    words = ["--lockstep", "--checkpoint", "--home", str(tmp_path / "home")]
    assert main(["replay", str(rich_run.bag), *words]) == 2
    assert "a camera goes on without us" in capsys.readouterr().err


def test_another_graph_or_memory_is_refused(
    suspended: Path, rich_run: RichRun, capsys: pytest.CaptureFixture[str]
) -> None:
    left = suspended / "state" / "lockstep.state"

    def refused(*words: str) -> str:
        given = [str(rich_run.bag), "--lockstep", "--resume", "--home", str(suspended), *words]
        assert main(["replay", *given]) == 2
        return capsys.readouterr().err

    assert "motor_scorer" in refused(), "without the stream of vectors"
    config = ["--config", str(rich_run.config)]
    for path in suspended.glob("memory.db*"):
        path.unlink()
    assert "experiences = 0" in refused(*config)
    content = bytearray(left.read_bytes())
    content[len(content) // 2] ^= 1
    left.write_bytes(content)
    assert "checksum" in refused(*config)
    left.write_bytes(content[: len(content) // 3])
    assert "checksum" in refused(*config)
