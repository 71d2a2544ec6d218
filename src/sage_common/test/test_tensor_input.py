"""How a node gets pictures: lent by a mailbox, or as images, and from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

mailbox = pytest.importorskip("sage_cuda_mailbox", reason="the mailboxes are not built")

from good_messages import header  # noqa: E402
from mailbox_ends import SHAPE, Camera, Lines  # noqa: E402

from sage_common.core.errors import InvalidInput  # noqa: E402
from sage_common.core.health import InputHealth  # noqa: E402
from sage_common.ros.conversions.images import array_to_image  # noqa: E402
from sage_common.ros.tensors import mailboxes  # noqa: E402
from sage_common.ros.tensors.input import TensorInput  # noqa: E402
from sage_common.ros.tensors.output import SLOTS  # noqa: E402
from sage_common.ros.tensors.picture import Picture  # noqa: E402
from sage_common.ros.tensors.reader import TensorReader  # noqa: E402

S = 1_000_000_000


class Node:
    """A node that takes pictures, on a clock of its own."""

    def __init__(self, mailbox_name: str) -> None:
        self.taken: list[Picture] = []
        self.log = Lines()
        self.now_ns = 5 * S
        self.image_subscriptions = 0
        self.handles = InputHealth("handles", 30.0, 0.5)
        self.images = InputHealth("images", 30.0, 0.5)
        self.input = TensorInput(self.taken.append, self.log, lambda: self.now_ns)
        self.input.connect(
            TensorReader(mailbox_name), self._subscribe_images, self.handles, self.images
        )
        self.input.tick()

    def _subscribe_images(self) -> Callable[[], None]:
        self.image_subscriptions += 1

        def end() -> None:
            self.image_subscriptions -= 1

        return end

    def hear(self, handle: Any) -> None:
        """A good handle, as behind its gate."""
        self.input.on_handle(handle)
        self.handles.accept(self.now_ns)

    def see(self, message: Any) -> None:
        """A good image, as behind its gate."""
        self.input.on_image(message)
        self.images.accept(self.now_ns)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.25)):
            self.now_ns += S // 4
            self.input.tick()

    @property
    def transport(self) -> str:
        return str(self.input.facts()["transport"])


@pytest.fixture
def node(camera: Camera) -> Iterator[Node]:
    """Attached: it has missed the first picture, as everybody who comes later."""
    made = Node(camera.name)
    made.hear(camera.show())
    assert made.taken == [] and made.input.late == 1
    yield made
    made.input.close()


def image(stamp_ns: int, level: int = 9) -> Any:
    return array_to_image(np.full(SHAPE, level, np.uint8), "rgb8", header(stamp_ns))


def test_pictures_are_looked_at_where_they_were_written(camera: Camera, node: Node) -> None:
    node.hear(camera.show())
    (picture,) = node.taken
    assert (picture.pixels == camera.shown).all() and picture.header == camera.header()
    assert not picture.pixels.flags.writeable
    assert node.transport == "mailbox shm" and node.image_subscriptions == 0
    assert picture.is_whole() and picture.release()


def test_pictures_go_back_when_released_and_when_nobody_has_them_any_more(
    camera: Camera, node: Node
) -> None:
    for _ in range(4):
        node.hear(camera.show())
    assert camera.free_slots() == SLOTS - 4
    assert node.taken[0].release()
    assert camera.free_slots() == SLOTS - 3
    with pytest.raises(ZeroDivisionError), node.taken[1]:
        raise ZeroDivisionError
    assert camera.free_slots() == SLOTS - 2
    pixels = node.taken[2].pixels
    node.taken.clear()
    assert camera.free_slots() == SLOTS - 1, "the pixels alone keep it"
    del pixels
    assert camera.free_slots() == SLOTS


def test_a_picture_that_was_kept_too_long_says_that_it_is_worth_nothing(
    camera: Camera, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sage_common.ros.tensors.output.TTL_MS", 1)
    camera.output.close()
    node.hear(camera.show())
    node.hear(camera.show())
    assert node.taken[0].is_whole()
    for _ in range(20 * SLOTS):  # more than a millisecond's worth, and every slot
        camera.show()
        if not node.taken[0].is_whole():
            break
    assert not node.taken[0].is_whole() and not node.taken[0].release()


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("mailbox", "1.sage.camera.rear.tensor", "mailbox"),
        ("mailbox", "../../etc/passwd", "mailbox"),
        ("mailbox", "x" * 500, "mailbox"),
        ("slot", SLOTS, "slot"),
        ("slot", 2**32 - 1, "slot"),
        ("tag", 12345, "tag"),
        ("dtype", "float32", "dtype"),
        ("shape", [3, 16, 12], "shape"),
        ("shape", [2**40, 16, 3], "shape"),
        ("strides_bytes", [-48, 3, 1], "strides_bytes"),
        ("offset_bytes", 2**60, "offset_bytes"),
        ("device", 0, "device"),
        ("backend", "cuda_vmm", "backend"),
    ],
)
def test_a_handle_that_lies_is_refused_by_name_and_keeps_nothing(
    camera: Camera, node: Node, field: str, value: Any, named: str
) -> None:
    handle = camera.show()
    setattr(handle, field, value)
    with pytest.raises(InvalidInput) as refused:
        node.input.on_handle(handle)
    assert refused.value.field == named
    del refused
    node.hear(camera.show())
    assert [int(picture.pixels[0, 0, 0]) for picture in node.taken] == [camera.shown]
    node.taken.clear()
    assert camera.free_slots() == SLOTS


def test_a_handle_with_the_stamp_of_another_picture_is_refused(camera: Camera, node: Node) -> None:
    handle = camera.show()
    handle.header.stamp.nanosec += 1
    with pytest.raises(InvalidInput, match=r"header\.stamp"):
        node.input.on_handle(handle)


@pytest.mark.parametrize("generation", [0, 7, 2**44 - 1, 2**64 - 1])
def test_another_generation_counts_as_late_and_is_not_logged(
    camera: Camera, node: Node, generation: int
) -> None:
    handle = camera.show()
    handle.generation = generation
    node.hear(handle)
    assert node.taken == [] and node.input.late == 2
    assert node.log.lines == []


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((12, 16), "uint8"),
        ((12, 16, 4), "uint8"),
        (SHAPE, "float32"),
        ((1, 20000, 3), "uint8"),
    ],
)
def test_a_tensor_that_is_no_picture_is_refused(
    camera: Camera, node: Node, shape: tuple[int, ...], dtype: str
) -> None:
    node.hear(camera.show((400, 400, 3)))  # a mailbox with room for all of them
    with pytest.raises(InvalidInput, match="shape" if dtype == "uint8" else "dtype"):
        node.input.on_handle(camera.show(shape, dtype))


def test_a_mailbox_that_is_not_here_is_said_once_and_images_are_taken_instead(
    camera: Camera,
) -> None:
    node = Node(camera.name)
    handle = camera.show()
    camera.output.close()
    node.hear(handle)
    node.hear(handle)
    assert node.image_subscriptions == 1
    assert len(node.log.lines) == 1 and "there is no mailbox" in node.log.lines[0]
    assert node.transport.startswith("image (there is no mailbox ")
    assert (node.handles.max_age_s, node.images.max_age_s) == (0.0, 0.5)
    node.input.on_image(image(7))
    assert (node.taken[0].pixels == 9).all() and node.taken[0].release()
    node.input.close()
    assert node.image_subscriptions == 0


def test_it_goes_back_to_the_mailbox_as_soon_as_it_can(camera: Camera, node: Node) -> None:
    node.wait(1.5)
    assert node.transport == "none (neither tensor nor image came)"
    assert node.image_subscriptions == 1
    node.see(image(3 * S))
    assert node.transport == "image (no tensor came)"
    late = image(4 * S)
    camera.shown = 2
    node.hear(camera.show())
    assert node.image_subscriptions == 0 and node.transport == "mailbox shm"
    assert (node.handles.max_age_s, node.images.max_age_s) == (0.5, 0.0)
    node.input.on_image(late)
    assert len(node.taken) == 1, "the frame that came both ways is given once; late images are not"
    node.hear(camera.show())
    assert len(node.taken) == 2


def test_nothing_is_said_while_no_camera_publishes_anything(camera: Camera, node: Node) -> None:
    node.wait(30.0)
    node.see(image(3 * S))  # it begins, with both
    node.wait(0.5)
    node.hear(camera.show())
    node.wait(0.5)
    assert node.transport == "mailbox shm" and node.log.lines == []


def test_it_says_that_it_takes_images_and_that_it_is_back(camera: Camera, node: Node) -> None:
    node.wait(1.5)
    for second in range(3, 6):
        node.see(image(second * S))
        node.wait(1.0)
    (said,) = node.log.lines
    assert said == "images: taken instead of handles: no tensor came"
    node.hear(camera.show())
    assert node.log.lines[1:] == ["handles: taken again, and no longer images"]


def test_a_camera_that_comes_and_goes_is_told_of_once_a_minute(camera: Camera, node: Node) -> None:
    for round_number in range(6):
        node.wait(1.5)
        for step in range(3):
            node.see(image((10 * round_number + step) * S))
            node.wait(1.0)
        node.hear(camera.show())
    assert len(node.log.lines) == 2
    node.wait(60.0)
    node.see(image(100 * S))
    node.wait(2.0)
    assert node.log.lines[2:] == ["images: taken instead of handles: no tensor came"]


def test_a_node_that_ends_does_not_say_that_it_is_back(camera: Camera, node: Node) -> None:
    node.wait(1.5)
    node.see(image(3 * S))
    node.wait(2.0)
    node.input.close()
    assert len(node.log.lines) == 1


def test_a_slow_camera_is_waited_for(camera: Camera, node: Node) -> None:
    for _ in range(3):
        node.wait(2.0)
        node.hear(camera.show())
    node.wait(4.0)
    assert node.transport == "mailbox shm" and node.image_subscriptions == 0


def test_a_mailbox_that_was_made_anew_is_attached_anew(camera: Camera, node: Node) -> None:
    camera.output.close()
    node.hear(camera.show())
    node.hear(camera.show())
    assert [int(picture.pixels[0, 0, 0]) for picture in node.taken] == [camera.shown]
    assert int(camera.fact("readers")) == 1


def test_handles_that_did_not_arrive_are_counted(camera: Camera, node: Node) -> None:
    handles = [camera.show() for _ in range(6)]
    for index in (0, 1, 4):
        node.hear(handles[index])
    assert (node.input.missed, node.input.late) == (2, 1)
    camera.output.close()
    node.hear(camera.show())
    node.hear(camera.show())
    assert (node.input.missed, node.input.late) == (4, 2), "one not sent on, one late"
    again = Camera()  # one that begins to count anew
    again.output._name = camera.name
    camera.output.close()
    node.hear(again.show())
    node.hear(again.show())
    again.output.close()
    assert node.input.missed == 4


def test_a_closed_mailbox_still_gives_what_was_published(camera: Camera, node: Node) -> None:
    handle = camera.show()
    camera.output.close()
    node.hear(handle)
    assert len(node.taken) == 1 and node.transport == "mailbox shm"


def test_an_inactive_node_holds_nothing(camera: Camera, node: Node) -> None:
    node.hear(camera.show())
    node.taken.clear()
    camera.show()
    assert camera.free_slots() == SLOTS - 1
    node.input.close()
    assert camera.free_slots() == SLOTS and int(camera.fact("readers")) == 0
    node.hear(camera.show())
    node.hear(camera.show())
    assert len(node.taken) == 1


def test_without_the_library_images_are_taken(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = camera.show()
    node = Node(camera.name)
    monkeypatch.setattr(mailboxes, "library", None)
    monkeypatch.setattr(mailboxes, "MISSING", "not installed")
    node.hear(handle)
    assert node.transport == "image (not installed)"
