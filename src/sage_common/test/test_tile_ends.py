"""Tiles through a mailbox: frame by frame, whole or not at all, and why not if not."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import numpy as np
import pytest

mailbox = pytest.importorskip("sage_cuda_mailbox", reason="the mailboxes are not built")

from mailbox_ends import Lines  # noqa: E402

from sage_common.core.tiles import RECORD_TYPE, TileGrid, TileView  # noqa: E402
from sage_common.ros.tensors import mailboxes  # noqa: E402
from sage_common.ros.tensors.tile_input import TileInput  # noqa: E402
from sage_common.ros.tensors.tile_output import TileOutput  # noqa: E402

S = 1_000_000_000
GRID = TileGrid(848, 480, 3, 5)


def view(at_s: int) -> TileView:
    level = np.full((GRID.rows, GRID.columns), at_s / 1000, np.float32)
    return TileView(at_s * S, "front", GRID, level, level, level)


class Ends:
    """A camera's tiles, and who reads them."""

    def __init__(self) -> None:
        self.name = f"test.{os.getpid()}.{uuid.uuid4().hex}"
        self.log = Lines()
        self.output = TileOutput(self.name, self.log)
        self.input = TileInput(self.name, "front")

    def seen(self, at_s: int) -> int | None:
        found = self.input.nearest(at_s * S, S // 2)
        return None if found is None else found.stamp_ns // S


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.input.close()
    made.output.close()


def test_the_nearest_frame_comes_as_it_was_told(ends: Ends) -> None:
    assert ends.output.open() and ends.output.open()
    for at_s in (1, 2, 3):
        ends.output.publish(view(at_s))
    found = ends.input.nearest(2 * S + 1, S)
    assert found is not None and found.grid == GRID
    np.testing.assert_array_equal(found.salience, view(2).salience)
    assert [ends.seen(at_s) for at_s in (1, 3, 9)] == [1, 3, None]
    assert ends.input.fault == "no tiles near that time"
    assert ends.output.facts() == {"tiles": "mailbox shm", "tiles frames": 3, "tiles refused": 0}


def test_a_frame_that_is_still_written_is_read_when_it_is_whole(ends: Ends) -> None:
    ends.output.open()
    content = view(1).records().tobytes()
    with mailbox.BroadcastMailbox.attach(ends.name).writer() as writer:
        for i in range(15):
            assert ends.seen(1) is None
            writer.push(content[40 * i : 40 * i + 40], RECORD_TYPE, S)
    assert ends.seen(1) == 1


def test_who_lags_knows_what_it_lost_and_sees_the_newest(ends: Ends) -> None:
    ends.output.open()
    ends.output.publish(view(1))
    assert ends.seen(1) == 1
    for at_s in range(2, 202):
        ends.output.publish(view(at_s))
    assert ends.seen(201) == 201
    assert ends.input.lost == 200 * 15 - 2048
    assert ends.input.refused == 0


def test_records_that_are_none_of_ours_are_left_out_or_refused(ends: Ends) -> None:
    ends.output.open()
    good = view(1).records()
    bad = view(2).records()
    bad["salience"][3] = np.nan
    with mailbox.BroadcastMailbox.attach(ends.name).writer() as writer:
        for records, stamp_ns in ((good, S), (bad, 2 * S)):
            for record in records:
                writer.push(b"something else", 7, stamp_ns)
                writer.push(record.tobytes(), RECORD_TYPE, stamp_ns)
    assert [ends.seen(at_s) for at_s in (1, 2)] == [1, None]
    assert ends.input.refused == 1


def test_a_camera_that_is_started_anew_is_found_again(ends: Ends) -> None:
    assert ends.seen(1) is None
    assert ends.name in ends.input.fault
    ends.output.open()
    ends.output.publish(view(1))
    assert ends.seen(1) == 1 and ends.input.fault == ""
    ends.output.close()
    ends.output.publish(view(2))
    assert ends.seen(2) is None
    ends.output.open()
    ends.output.publish(view(3))
    assert ends.seen(3) == 3


def test_without_a_mailbox_it_says_why_once(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailboxes, "library", None)
    monkeypatch.setattr(mailboxes, "MISSING", "not installed")
    assert not ends.output.open() and not ends.output.open()
    assert ends.log.lines == ["tiles are not published: not installed"]
    assert ends.output.facts() == {"tiles": "none: not installed"}
    assert ends.seen(1) is None and ends.input.fault == "not installed"
    assert not TileOutput("", ends.log).open()
    assert TileInput("", "front").nearest(0, S) is None
