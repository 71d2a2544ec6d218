"""Draws docs/images/status.svg, recall_words.svg and recall_sound.svg: a terminal beside the demo.

Run it in a checkout: `python scripts/pictures/terminal.py --sound CLIP`. It plays the demo's story
with openly licensed recordings only (`story_open.yaml`) into a home folder of its own, draws
`sage status` at its most salient moment, then asks its memory by words and by a sound, and draws
what the terminal shows, as it came.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from sage.graph.runtime_file import running_graph

STORY = "src/sage_sensors/sage_sensors/demo/story_open.yaml"
COLUMNS = 104
PLAYED_S, WATCHED_S = 60, "40"
PATIENCE_S = 60.0
DEMO = ("demo", "--source", STORY, "--headless", "--duration", str(PLAYED_S))
WORDS = ("recall", "a dog barking", "--limit", "1", "--show")
SOUND = ("recall", "--modality", "audio", "--limit", "1", "--show", "--sound")
FONT_FACES = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sound", type=Path, required=True, help="a sound file to ask with")
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with subprocess.Popen(**sage(home, *DEMO)):
            wait_for_graph(home)
            answer(
                home, "status", "--svg", str(options.out / "status.svg"), "--duration", WATCHED_S
            )
        for name, words in (("words", WORDS), ("sound", (*SOUND, str(options.sound)))):
            shown = answer(home, *words)
            typed = [Path(word).name if "/" in word else word for word in words]
            drawn = picture(f"sage {shlex.join(typed)}", shown.replace(folder, "~/.sage"))
            (options.out / f"recall_{name}.svg").write_text(drawn, encoding="utf-8")


def wait_for_graph(home: Path) -> None:
    """Until a graph runs in this home folder.

    Raises:
        TimeoutError: none does within a minute.
    """
    end = time.monotonic() + PATIENCE_S
    while running_graph(home) is None:
        if time.monotonic() > end:
            raise TimeoutError(f"no graph runs in {home} after {PATIENCE_S:g} s")
        time.sleep(0.1)


def answer(home: Path, *words: str) -> str:
    """What `sage WORDS` writes to a terminal of `COLUMNS` columns."""
    return subprocess.run(**sage(home, *words), check=True).stdout


def sage(home: Path, *words: str) -> dict[str, Any]:
    """How `sage WORDS` is started as if in a terminal."""
    environment = {
        "SAGE_HOME": str(home),
        "COLUMNS": str(COLUMNS),
        "FORCE_COLOR": "1",
        "COLORTERM": "truecolor",
    }
    return {
        "args": [str(Path(sys.prefix, "bin", "sage")), *words],
        "env": os.environ | environment,
        "stdout": subprocess.PIPE,
        "text": True,
    }


def picture(command: str, shown: str) -> str:
    """An SVG of a terminal with a command and what it wrote, without fonts from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
    console.print(Text.from_ansi(shown.rstrip("\n")))
    drawn = console.export_svg(title="the memory of the demo", unique_id="sage")
    return FONT_FACES.sub("", drawn).replace("Fira Code", "DejaVu Sans Mono")


if __name__ == "__main__":
    main()
