"""Photographs docs/images/page_*.png: the gateway's page during the demo, in a headless Chromium.

Run it in a checkout where Chromium is installed: `python scripts/pictures/page.py`. It plays the
demo's story with openly licensed recordings only (`story_open.yaml`) into a home folder of its
own, opens the printed address, and photographs the first lap ten times, every 7 s, into
build/story; then for docs/images the page at the sizes of a laptop and a phone, in light and dark,
a question and an explanation. It ends with an error if the page said one in its console, or asked
another host.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
import time
from pathlib import Path

from terminal import sage

from sage_bench.operate import browser

PLAYED_S = 150
PATIENCE_S = 200.0
STORY = Path("src/sage_sensors/sage_sensors/demo/story_open.yaml")
GRID_S, SHOTS = 7.0, 10
QUESTION = "a car"
LAPTOP, PHONE = (1366, 768, 1.0, False), (390, 844, 1.5, True)
STARTED = "Number(document.getElementById('fused')?.textContent) >= 0"
NOTICED = "document.querySelectorAll('#noticed li img').length >= 3"
ASKED = f"""
    document.getElementById("question").value = "{QUESTION}";
    document.getElementById("ask").requestSubmit();
    document.getElementById("memory").scrollIntoView({{ behavior: "instant" }})
"""
ANSWERED = """
    document.getElementById("answer-cards").children.length &&
    [...document.querySelectorAll("#answer-cards img")].every((image) => image.complete)
"""


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--story", type=Path, default=Path("build/story"))
    options = parser.parse_args()
    program = browser.chromium()
    if program is None:
        raise SystemExit(f"no Chromium is installed: looked for {', '.join(browser.NAMES)}")
    # Chromium may take longer to start than the first thing to happen.
    with tempfile.TemporaryDirectory() as home, browser.opened(program) as page:
        what = ("--duration", str(PLAYED_S), "--source", str(STORY))
        demo = sage(Path(home), "demo", "--headless", *what)
        with subprocess.Popen(**demo) as playing:
            try:
                photograph(page, address(playing), options.out, options.story)
            finally:
                playing.terminate()
                assert playing.stdout is not None
                options.story.mkdir(parents=True, exist_ok=True)
                (options.story / "report.txt").write_text(playing.stdout.read(), encoding="utf-8")


def address(playing: subprocess.Popen[str]) -> str:
    """Where the demo says that its page is.

    Raises:
        RuntimeError: it ended before it said so.
    """
    assert playing.stdout is not None
    for line in playing.stdout:
        if found := re.search(r"http://\S+", line):
            return found[0]
    raise RuntimeError("the demo printed no address of a page")


def photograph(page: browser.Page, at: str, folder: Path, lap: Path) -> None:
    """Write every picture of the page at an address; those of the first lap into `lap`.

    Raises:
        RuntimeError: the page was not without error, or asked another host.
    """
    host = at.partition("#")[0]
    page.shaped(*LAPTOP)
    page.coloured("light")
    page.open(at)
    page.wait_for(STARTED, PATIENCE_S)
    lap.mkdir(parents=True, exist_ok=True)
    begin_s = time.monotonic()
    for number in range(1, SHOTS + 1):
        page.watch(begin_s + number * GRID_S - time.monotonic())
        (lap / f"{number:02d}.png").write_bytes(page.photograph())
    page.wait_for(NOTICED, PATIENCE_S)
    for name, shape in (("laptop", LAPTOP), ("phone", PHONE)):
        for scheme in ("light", "dark"):
            page.shaped(*shape)
            page.coloured(scheme)
            page.watch(2.0)
            (folder / f"page_{name}_{scheme}.png").write_bytes(page.photograph())
    page.shaped(*LAPTOP)
    page.coloured("light")
    page.value(ASKED)
    page.wait_for(ANSWERED)
    page.watch(1.0)
    (folder / "page_memory.png").write_bytes(page.photograph())
    page.value("scrollTo({ top: 0, behavior: 'instant' })")
    page.value("document.querySelector('#marks button').click()")
    page.wait_for("document.getElementById('sheet').open")
    page.watch(1.0)
    (folder / "page_explain.png").write_bytes(page.photograph())
    if page.errors:
        raise RuntimeError(f"the page said: {page.errors}")
    elsewhere = {asked for asked in page.requests if not asked.startswith(host)}
    if elsewhere:
        raise RuntimeError(f"the page asked elsewhere: {sorted(elsewhere)}")


if __name__ == "__main__":
    main()
