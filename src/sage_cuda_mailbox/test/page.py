"""The code on the page of the mailboxes."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs/mailbox.md"
EXAMPLE = "example."  # what the names of the page's mailboxes begin with


def examples(language: str, names: str) -> list[str]:
    """Blocks of code in `language`, their mailboxes' names beginning with `names` instead."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return [block.replace(f'"{EXAMPLE}', f'"{names}') for block in blocks]
