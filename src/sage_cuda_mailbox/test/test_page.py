"""The Python examples on the page of the mailboxes do what it says."""

from __future__ import annotations

import re

import page
import pytest

from sage_cuda_mailbox import BroadcastMailbox


def test_examples_print_what_the_page_says(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    examples = page.examples("python", f"{name}.")
    assert len(examples) == 3
    for number, example in enumerate(examples):
        exec(compile(example, f"example {number} of {page.PAGE.name}", "exec"), {})
        assert capsys.readouterr().out.splitlines() == re.findall(r"# prints (.*)$", example, re.M)


@pytest.mark.parametrize(
    ("cell_bytes", "payload_bytes"), [(64, 40), (128, 104), (192, 168), (256, 232)]
)
def test_payloads_are_as_long_as_the_page_says(
    name: str, cell_bytes: int, payload_bytes: int
) -> None:
    assert f" {payload_bytes} |" in page.PAGE.read_text()
    with BroadcastMailbox.create(name, cell_bytes=cell_bytes) as mailbox:
        assert mailbox.payload_bytes == payload_bytes
