"""How long a browser takes to show the page."""

from __future__ import annotations

from sage_bench.operate.browser import opened

PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def first_paints_s(program: str, address: str, count: int) -> list[float]:
    """From the begin of going to the page to something of it on the screen, so many times [s].

    Each time the browser has nothing of it in its cache.

    Args:
        program: the browser.
        address: of the page, with the token.
        count: how often.

    Raises:
        TimeoutError: it is not shown.
    """
    found = []
    with opened(program) as page:
        page.call("Network.setCacheDisabled", cacheDisabled=True)
        for _ in range(count):
            page.call("Page.navigate", url="about:blank")
            page.wait_for("location.href === 'about:blank'")
            page.call("Page.navigate", url=address)
            found.append(page.wait_for(PAINTED) / 1000.0)
    return found
