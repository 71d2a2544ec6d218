"""The newest pictures, kept where their camera wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

mailbox = pytest.importorskip("sage_cuda_mailbox", reason="the mailboxes are not built")

from good_messages import header  # noqa: E402
from mailbox_ends import SHAPE, Camera  # noqa: E402

from sage_common.core.errors import InvalidInput  # noqa: E402
from sage_common.ros.conversions.images import array_to_image  # noqa: E402
from sage_common.ros.tensors.latest_pictures import LatestPictures  # noqa: E402
from sage_common.ros.tensors.output import SLOTS  # noqa: E402
from sage_common.ros.tensors.picture import Picture  # noqa: E402
from sage_common.ros.tensors.reader import TensorGone, TensorReader  # noqa: E402

S = 1_000_000_000
DEPTH = 3


class Messages:
    """Images that were kept."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def nearest(self, wanted_ns: int) -> Any:
        return self.kept[-1] if self.kept else None


class Keeper:
    """Keeps what a camera shows."""

    def __init__(self, camera: Camera) -> None:
        self.camera, self.messages = camera, Messages()
        self.pictures = LatestPictures(self.messages, DEPTH)  # type: ignore[arg-type]
        self.reader = TensorReader(camera.name)
        with pytest.raises(TensorGone):
            self.reader.open(camera.show())

    def keep(self, count: int) -> None:
        for _ in range(count):
            handle = self.camera.show()
            self.pictures.keep(Picture.lent(self.reader.open(handle), handle.header))

    def level(self, wanted_s: float) -> int | None:
        still = self.pictures.nearest(round(wanted_s * S), S // 2)
        return None if still is None else int(still.rgb()[0, 0, 0])


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    camera = Camera()
    made = Keeper(camera)
    yield made
    made.reader.close()
    camera.output.close()


def test_the_nearest_is_copied_and_may_be_asked_for_again(keeper: Keeper) -> None:
    keeper.keep(5)  # at 2 s to 6 s
    assert [keeper.level(at_s) for at_s in (6.0, 4.4, 4.4, 5.1)] == [6, 4, 4, 5]
    assert keeper.level(3.0) is None, "too old"
    assert keeper.level(6.6) is None, "too far"


def test_only_as_many_slots_are_held_as_pictures_are_kept(keeper: Keeper) -> None:
    keeper.keep(10)
    assert keeper.camera.free_slots() == SLOTS - DEPTH
    keeper.pictures.clear()
    assert keeper.camera.free_slots() == SLOTS
    assert keeper.level(11.0) is None


def test_a_copy_stays_what_it_was(keeper: Keeper) -> None:
    keeper.keep(1)
    still = keeper.pictures.nearest(2 * S, S)
    assert still is not None
    keeper.keep(3 * SLOTS)
    assert (still.rgb() == 2).all() and still.header.stamp.sec == 2


def test_a_picture_that_its_camera_took_back_is_not_given(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.keep(1)
    monkeypatch.setattr(Picture, "is_whole", lambda _self: False)
    assert keeper.level(2.0) is None


def test_images_are_given_where_nothing_is_lent(keeper: Keeper) -> None:
    picture = array_to_image(np.full(SHAPE, 200, np.uint8), "rgb8", header(9 * S))
    keeper.messages.kept.append(picture)
    assert keeper.level(9.2) == 200
    assert keeper.level(8.0) is None
    keeper.keep(1)
    assert keeper.level(2.0) == 2
    depth = array_to_image(np.zeros((4, 4), np.float32), "32FC1", header(20 * S))
    keeper.messages.kept.append(depth)
    still = keeper.pictures.nearest(20 * S, S)
    assert still is not None
    with pytest.raises(InvalidInput, match="encoding"):
        still.rgb()
