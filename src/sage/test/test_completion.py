"""Completion of `sage` by the tab key, as bash itself completes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sage.cli import command_modules
from sage.completion import SHELLS, script

# What readline does at the tab key, without a terminal: words, place of the cursor, the function.
ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
name=$(complete -p sage | sed 's/.*-F \\([^ ]*\\).*/\\1/')
"$name" sage "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def completion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "sage"
    path.write_text(script(command_modules(), "bash"))
    return path


def completed(completion: Path, *words: str, folder: Path | None = None) -> list[str]:
    """What bash offers for the last of the words."""
    answer = subprocess.run(
        ["bash", "--norc", "-c", ASK, "bash", str(completion), "sage", *words],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [line.strip() for line in answer.stdout.splitlines() if line.strip()]


def test_commands_are_offered_those_of_other_packages_too(completion: Path) -> None:
    assert {"recall", "record", "replay"} <= set(completed(completion, "re"))
    assert completed(completion, "ben") == ["bench"]


def test_options_and_choices_of_a_command_are_offered(completion: Path) -> None:
    assert completed(completion, "record", "--sal") == ["--salient"]
    assert completed(completion, "run", "--profile", "") == ["nano", "thor"]
    assert completed(completion, "plugins", "lo") == ["load"]


def test_paths_are_offered_where_one_is_expected(completion: Path, tmp_path: Path) -> None:
    (tmp_path / "walk.mcap").touch()
    (tmp_path / "walks").mkdir()
    found = completed(completion, "replay", "--config", "wal", folder=tmp_path)
    assert {name.rstrip("/") for name in found} == {"walk.mcap", "walks"}
    found = completed(completion, "status", "--home", "wal", folder=tmp_path)
    assert {name.rstrip("/") for name in found} == {"walks"}


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_is_served_and_those_that_are_here_can_read_it(
    shell: str, tmp_path: Path
) -> None:
    text = script({"record": "sage.commands.graph.record"}, shell)
    assert "salient" in text
    if shutil.which(shell):
        path = tmp_path / "completion"
        path.write_text(text)
        subprocess.run([shell, "-n", str(path)], check=True)
