"""What is pinned or forgotten while the memory sleeps is heeded."""

from __future__ import annotations

import pytest
import sleep_home as home
from sleep_home import list_of

from sage_memory.core.engine.schema import experiences
from sage_memory.core.rows.checksums import row_crc32

pytestmark = pytest.mark.usefixtures("small_steps")
PINNED = experiences.columns.keys().index("pinned")


def test_what_is_pinned_during_the_sleep_stays(tmp_path, monkeypatch) -> None:
    with home.opened(tmp_path) as memory:
        ids = home.fill(memory)
        before = {row[1]: row for row in home.content(memory)["experiences"]}
        pinned = []

        def progress(_share: float, stage: str) -> None:
            if stage == "merging" and not pinned:
                pinned.extend(ids[1:4])
                for identifier in pinned:
                    memory.pin(identifier, True).result()

        memory.sleep(home.THOROUGH, progress)
        after = {row[1]: row for row in home.content(memory)["experiences"]}
        for identifier in pinned:
            was = list(before[identifier])
            was[PINNED] = 1
            assert [*was[:-1], row_crc32(was[:-1])] == list(after[identifier])


@pytest.mark.parametrize("change", ["pin", "forget"])
def test_what_changes_after_its_eviction_was_prepared_is_heeded(tmp_path, change) -> None:
    """While one step is written the next one is prepared: it is prepared anew then."""
    with home.opened(tmp_path) as memory:
        ids = home.fill(memory)
        before = {row[1]: row for row in home.content(memory)["experiences"]}
        late = []

        def progress(_share: float, stage: str) -> None:
            if stage == "evicting" and not late:
                late.extend(ids[11:16])  # steps are of 7, in the order of the file
                if change == "forget":
                    memory.forget(late, "asked to").result()
                for identifier in late if change == "pin" else ():
                    memory.pin(identifier, True).result()

        report = memory.sleep(home.THOROUGH, progress)
        assert late and not report.rolled_back
        after = {row[1]: row for row in home.content(memory)["experiences"]}
        listed = {identifier for identifier, _ in list_of(memory)}
        assert listed.isdisjoint(late) and len(listed) > 40
        if change == "forget":
            assert after.keys().isdisjoint(late)
        for identifier in late if change == "pin" else ():
            was = list(before[identifier])
            was[PINNED] = 1
            assert [*was[:-1], row_crc32(was[:-1])] == list(after[identifier])
        memory.verify()
