"""What was said, quoted in a line that says why something matters, and the line without it."""

from __future__ import annotations

import re

MOST_QUOTED = 120
"""Characters of what was said that are quoted."""
QUOTED = re.compile(r'; "[^"]*"')


def with_quote(line: str, words: str) -> str:
    """The line, with the beginning of the words if there are any."""
    if not words:
        return line
    return f"""{line}; "{words[:MOST_QUOTED].replace('"', "'")}\""""


def without_quotes(line: str) -> str:
    """The line without what was said."""
    return QUOTED.sub("", line)
