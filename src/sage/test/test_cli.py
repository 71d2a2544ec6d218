"""The `sage` command line: values that look like options."""

from __future__ import annotations

import re

import pytest

from sage.cli import main, with_values


@pytest.mark.parametrize(
    ("words", "joined"),
    [
        (["--since", "-5m", "a", "dog"], ["--since=-5m", "a", "dog"]),
        (["--until", "-2026-05-01"], ["--until=-2026-05-01"]),
        (["--since=1h", "-5m"], ["--since=1h", "-5m"]),
        (["--limit", "-3"], ["--limit", "-3"]),
        (["--min-salience", "-.5", "--json"], ["--min-salience", "-.5", "--json"]),
        (["-5m"], ["-5m"]),
        (["--json", "--", "-5m"], ["--json", "--", "-5m"]),
        (["--since", "--json"], ["--since", "--json"]),
        ([], []),
    ],
)
def test_a_value_with_a_minus_is_joined_with_its_option(
    words: list[str], joined: list[str]
) -> None:
    assert with_values(words) == joined


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"sage \d+\.\d+\.\d+\n", capsys.readouterr().out)
