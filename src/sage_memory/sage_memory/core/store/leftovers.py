"""What earlier stores have left in a home folder: their payloads, and files set aside."""

from __future__ import annotations

import logging
import os
from datetime import datetime, timezone
from pathlib import Path

from sage_common.core.clock import NS_PER_S, Clock
from sage_common.core.home import sync_folder

LOG = logging.getLogger(__name__)
KINDS = ("damaged-*", "payloads.before-*", "memory.db.damaged*", ".before-*")


def set_aside_payloads(home: Path, clock: Clock) -> Path | None:
    """Move the payloads of a store that is gone out of the way of a new one, which has no rows.

    The new store would sweep them away as files that no row names. They may be all that is left
    of a store that was moved aside, or whose backup is about to be put back.

    Returns:
        where they are now; None if there were none.
    """
    folder = home / "payloads"
    if not any(path.is_file() for path in folder.glob("*/*")):
        return None
    stamp = datetime.fromtimestamp(clock.now_ns() / NS_PER_S, timezone.utc).strftime(
        "%Y%m%dT%H%M%SZ"
    )
    aside = home / f"payloads.before-{stamp}"
    number = 1
    while aside.exists():
        number += 1
        aside = home / f"payloads.before-{stamp}-{number}"
    os.rename(folder, aside)
    sync_folder(home)
    LOG.warning(
        "%s: a new store is made, and the payloads of an earlier one are now in %s; "
        "they belong to its memory.db", home, aside,
    )  # fmt: skip
    return aside


def find_leftovers(home: Path) -> list[Path]:
    """What may still hold content that was forgotten: damaged stores, payloads set aside."""
    return sorted(path for kind in KINDS for path in home.glob(kind))
