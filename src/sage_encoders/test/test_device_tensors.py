"""Tensors reach a network by DLPack, read where they lie, on whichever device that is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from encoder_inputs import scene

from sage_common.core.errors import InvalidInput
from sage_common.ros.tensors import mailboxes
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.backends.onnx_session import open_session

pytestmark = pytest.mark.skipif(mailboxes.library is None, reason=mailboxes.MISSING)
PICTURE = scene(3)[None]


@pytest.fixture
def lease(request: pytest.FixtureRequest) -> Iterator[object]:
    """A picture in a mailbox, looked at where the camera wrote it."""
    library = mailboxes.library
    mailbox = library.TensorMailbox.create(
        f"device-tensors-{id(request)}", slot_bytes=1 << 18, backend="host"
    )
    reader = mailbox.reader()
    with mailbox.writer().acquire() as written:
        written.array(PICTURE.shape, "uint8")[:] = PICTURE
        slot, generation = written.slot, written.generation
        written.publish()
    with reader.open(slot, generation) as read:
        yield read
    mailbox.close()


class OnAnotherDevice:
    """A tensor that lies on device 3 of a kind; its bytes cannot be had here."""

    def __init__(self, kind: int) -> None:
        self._kind = kind

    def __dlpack_device__(self) -> tuple[int, int]:
        return (self._kind, 3)

    def __dlpack__(self) -> object:
        raise AssertionError("taken, though its device cannot be read")


def test_what_lies_in_a_mailbox_gives_what_an_array_gives(
    vision_model: OnnxModel, lease: object
) -> None:
    wanted = vision_model.run(image=PICTURE)
    found = vision_model.run(image=lease)
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype
        assert found[name].tobytes() == array.tobytes(), name


def test_it_is_read_where_it_lies(models: Path, lease: object) -> None:
    session = open_session(models / "vision_encoder.onnx", "cpu", 1)
    value = session.value_of("image", lease)
    assert value.data_ptr() == lease.numpy().ctypes.data
    assert session.device == "cpu"


def test_bound_and_plain_runs_give_the_same_bytes(models: Path) -> None:
    session = open_session(models / "vision_encoder.onnx", "cpu", 1)
    bound = session.run_bound({"image": onnxruntime.OrtValue.ortvalue_from_numpy(PICTURE)})
    plain = session.run({"image": PICTURE})
    assert [array.tobytes() for array in bound] == [array.tobytes() for array in plain]


@pytest.mark.parametrize("kind", [2, 10], ids=["CUDA", "ROCm"])
def test_a_device_that_cannot_be_read_is_named(vision_model: OnnxModel, kind: int) -> None:
    with pytest.raises(InvalidInput, match=rf"image.*\({kind}, 3\).*host memory"):
        vision_model.run(image=OnAnotherDevice(kind))


def test_a_tensor_of_another_form_is_refused(vision_model: OnnxModel) -> None:
    wrong = onnxruntime.OrtValue.ortvalue_from_numpy(PICTURE.astype(np.float32))
    with pytest.raises(InvalidInput, match="float32"):
        vision_model.run(image=wrong)
