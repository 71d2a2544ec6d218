"""Every wrong argument is refused by an error that names it, its value and what was expected."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sage_cuda_mailbox as module
from sage_cuda_mailbox import (
    BroadcastMailbox,
    DamagedHeader,
    InvalidArgument,
    MailboxError,
    NameTaken,
    NoSuchMailbox,
    NotAMailbox,
    OutOfMemory,
    TensorMailbox,
    WrongDtype,
    WrongKind,
    WrongOwner,
    WrongSize,
    WrongVersion,
)

BAD_NAMES = [3, None, b"bytes", "", "a/b", "../up", ".hidden", "-option", "x" * 129, "ä", "\ud800"]
RECORDS: list[tuple[dict[str, Any], str]] = [
    ({"cell_bytes": 65}, "cell_bytes is 65, expected 64, 128, 192 or 256"),
    ({"cell_bytes": 320}, "cell_bytes is 320"),
    ({"cell_bytes": -64}, "cell_bytes is -64, expected an integer from 0"),
    ({"cell_bytes": 64.0}, "cell_bytes is 64.0, expected an integer"),
    ({"cell_bytes": "64"}, "cell_bytes is '64'"),
    ({"cell_count": 3}, "cell_count is 3, expected a power of two"),
    ({"cell_count": 1}, "cell_count is 1"),
    ({"cell_count": 1 << 25}, "cell_count is 33554432"),
    ({"cell_count": 1 << 80}, "cell_count is 1208925819614629174706176"),
    ({"place_count": 0}, "place_count is 0, expected 1 to 256"),
    ({"place_count": 257}, "place_count is 257"),
    ({"place_count": True}, "place_count is True, expected an integer"),
    ({"backend": "disk"}, "backend is 'disk', expected one of host, shm"),
    ({"backend": 1}, "backend is 1"),
    ({"backend": "pinned"}, "backend is pinned, expected host or shm"),
]
TENSORS: list[tuple[dict[str, Any], str]] = [
    ({"slot_bytes": 0}, "slot_bytes is 0"),
    ({"slot_bytes": (1 << 36) + 1}, "slot_bytes is 68719476737"),
    ({"slot_bytes": None}, "slot_bytes is None"),
    ({"slot_count": 0}, "slot_count is 0"),
    ({"slot_count": 4097}, "slot_count is 4097"),
    ({"place_count": 0}, "place_count is 0"),
    ({"place_count": 257}, "place_count is 257"),
    ({"ttl_ms": -1}, "ttl_ms is -1"),
    ({"ttl_ms": float("nan")}, "ttl_ms is nan"),
    ({"ttl_ms": float("inf")}, "ttl_ms is inf"),
    ({"ttl_ms": "soon"}, "ttl_ms is 'soon'"),
    ({"backend": "gpu"}, "backend is 'gpu'"),
]


@pytest.mark.parametrize("kind", [BroadcastMailbox, TensorMailbox])
@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_names(kind: Any, name: object) -> None:
    options = {"slot_bytes": 1} if kind is TensorMailbox else {}
    with pytest.raises(InvalidArgument, match=r"^name is "):
        kind.create(name, **options)
    with pytest.raises(InvalidArgument, match=r"^name is "):
        kind.attach(name)


@pytest.mark.parametrize(("options", "text"), RECORDS)
def test_options_of_records(name: str, options: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        BroadcastMailbox.create(name, **options)
    assert str(error.value).startswith(text)


@pytest.mark.parametrize(("options", "text"), TENSORS)
def test_options_of_tensors(name: str, options: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        TensorMailbox.create(name, **{"slot_bytes": 4096, **options})
    assert str(error.value).startswith(text)


@pytest.mark.parametrize("backend", ["host", "shm"])
def test_a_name_that_is_taken_and_one_that_nobody_has(name: str, backend: str) -> None:
    with BroadcastMailbox.create(name, backend=backend):
        with pytest.raises(NameTaken, match=name):
            BroadcastMailbox.create(name, backend=backend)
        with pytest.raises(WrongKind, match=r"holds records, expected tensors"):
            TensorMailbox.attach(name)
    with (
        TensorMailbox.create(name, slot_bytes=1, backend=backend),
        pytest.raises(WrongKind, match=r"holds tensors, expected records"),
    ):
        BroadcastMailbox.attach(name)
    for kind in (BroadcastMailbox, TensorMailbox):
        with pytest.raises(NoSuchMailbox, match=name):
            kind.attach(name)


def test_what_does_not_fit_into_memory(name: str) -> None:
    with pytest.raises(OutOfMemory, match=r"has no room for a mailbox of 281\d+ bytes"):
        TensorMailbox.create(name, slot_bytes=1 << 36, slot_count=4096)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("text",), "payload is 'text', expected bytes"),
        ((3,), "payload is 3"),
        ((np.zeros((4, 4), np.uint8)[:, ::2],), "payload is array"),
        ((b"x" * 41,), "payload is 41 bytes, expected at most 40"),
        ((b"", -1), "type is -1, expected an integer from 0 to 65535"),
        ((b"", 65536), "type is 65536"),
        ((b"", "a"), "type is 'a'"),
        ((b"", 0, 1 << 63), "stamp_ns is 9223372036854775808"),
        ((b"", 0, 0.5), "stamp_ns is 0.5"),
    ],
)
def test_pushes(name: str, arguments: tuple[Any, ...], text: str) -> None:
    with BroadcastMailbox.create(name) as mailbox:
        with pytest.raises(InvalidArgument) as error:
            mailbox.writer().push(*arguments)
        assert str(error.value).startswith(text)
        assert mailbox.statistics()["records"] == 0


@pytest.mark.parametrize("limit", [0, -1, 1.5, None])
def test_limits(name: str, limit: Any) -> None:
    with (
        BroadcastMailbox.create(name) as mailbox,
        pytest.raises(InvalidArgument, match=r"^limit is .*, expected an integer from 1 on"),
    ):
        mailbox.reader().pop_many(limit)


@pytest.mark.parametrize("timeout_s", [-0.1, float("nan"), float("inf"), 1e10, "long", True])
def test_timeouts(name: str, timeout_s: Any) -> None:
    with (
        BroadcastMailbox.create(name) as mailbox,
        pytest.raises(InvalidArgument, match=r"^timeout_s is "),
    ):
        mailbox.reader().wait(timeout_s)


@pytest.mark.parametrize("oldest", [1, None, "yes"])
def test_where_a_reader_begins(name: str, oldest: Any) -> None:
    with (
        BroadcastMailbox.create(name) as mailbox,
        pytest.raises(InvalidArgument, match=r"^oldest is .*, expected True or False"),
    ):
        mailbox.reader(oldest=oldest)


@pytest.mark.parametrize("when_full", ["", "wait", 1, None])
def test_policies(name: str, when_full: Any) -> None:
    with TensorMailbox.create(name, slot_bytes=1) as mailbox:
        with pytest.raises(InvalidArgument, match=r"^when_full is .*, expected 'refuse' or"):
            mailbox.writer().acquire(when_full)
        assert mailbox.statistics()["refused"] == 0


@pytest.mark.parametrize(
    ("action", "text"),
    [
        (lambda lease: lease.array((4097,)), "shape is (4097,) of uint8, expected at most 4096"),
        (lambda lease: lease.array((1 << 62, 1 << 62)), "shape is (4611686018427387904,"),
        (lambda lease: lease.array((-1,)), "shape is -1, expected an integer from 0 on"),
        (lambda lease: lease.array((1.5,)), "shape is 1.5"),
        (lambda lease: lease.array("12"), "shape is '12', expected integers"),
        (lambda lease: lease.array(None), "shape is None"),
        (lambda lease: lease.array((1,) * 9), "number of dimensions is 9, expected at most 8"),
        (lambda lease: lease.array((1,), "text"), "dtype is 'text', expected what numpy.dtype"),
        (lambda lease: lease.array((1,), None), "dtype is None"),
        (lambda lease: lease.array((1,), "S4"), "dtype is 'bytes32', expected one of bool, int8"),
        (lambda lease: lease.array((1,), object), "dtype is 'object'"),
        (lambda lease: lease.array((1,), ">f4"), "dtype is '>f4', expected this machine's byte"),
        (
            lambda lease: lease.array((4,), "uint8", 4093),
            "shape is (4,) of uint8, expected at most 3",
        ),
        (lambda lease: lease.array((4,), "uint8", 5000), "offset_bytes is 5000, expected at most"),
        (lambda lease: lease.array((4,), "uint8", -1), "offset_bytes is -1"),
        (lambda lease: lease.describe((2, 2), "uint8", (1,)), "strides_bytes is 1 numbers"),
        (lambda lease: lease.describe((2,), "uint8", (5000,)), "strides_bytes is 1 steps of 5000"),
        (lambda lease: lease.describe((2,), "uint8", ("a",)), "strides_bytes is 'a'"),
        (lambda lease: lease.copy(np.zeros(5000, np.uint8)), "shape is (5000,) of uint8"),
        (lambda lease: lease.copy(np.array(["text"])), "dtype is 'str128'"),
        (lambda lease: lease.publish(), "tensor is not described, expected array(), describe()"),
    ],
)
def test_descriptions(name: str, action: Callable[[Any], None], text: str) -> None:
    with TensorMailbox.create(name, slot_bytes=4096) as mailbox, mailbox.writer() as writer:
        lease = writer.acquire()
        with pytest.raises(InvalidArgument) as error:
            action(lease)
        assert str(error.value).startswith(text)
        assert lease.is_open
        lease.abandon()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"tag": -1}, "tag is -1"),
        ({"tag": 1 << 64}, "tag is 18446744073709551616"),
        ({"tag": "a"}, "tag is 'a'"),
        ({"stamp_ns": 1 << 63}, "stamp_ns is 9223372036854775808"),
        ({"ttl_ms": -1}, "ttl_ms is -1"),
        ({"ttl_ms": float("inf")}, "ttl_ms is inf"),
    ],
)
def test_publications(name: str, options: dict[str, Any], text: str) -> None:
    with (
        TensorMailbox.create(name, slot_bytes=4096) as mailbox,
        mailbox.writer().acquire() as lease,
    ):
        array = lease.array((4,))
        with pytest.raises(InvalidArgument) as error:
            lease.publish(**options)
        assert str(error.value).startswith(text)
        assert lease.is_open
        assert array.flags.writeable
        assert lease.publish() == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((4, 1), "slot is 4, expected an integer from 0 to 3"),
        ((-1, 1), "slot is -1"),
        (("a", 1), "slot is 'a'"),
        ((0, -1), "generation is -1"),
        ((0, 1 << 64), "generation is 18446744073709551616"),
        ((0, None), "generation is None"),
    ],
)
def test_handles(name: str, arguments: tuple[Any, ...], text: str) -> None:
    with TensorMailbox.create(name, slot_bytes=4096) as mailbox:
        with pytest.raises(InvalidArgument) as error:
            mailbox.reader().open(*arguments)
        assert str(error.value).startswith(text)


def test_what_a_tensor_is_expected_to_be(name: str) -> None:
    with TensorMailbox.create(name, slot_bytes=4096) as mailbox:
        reader = mailbox.reader()
        with mailbox.writer().acquire() as lease:
            lease.array((2, 3), "float32")
            lease.publish()
        with reader.next() as lease:
            assert lease.numpy("float32", (2, 3)).shape == (2, 3)
            with pytest.raises(WrongDtype, match=r"^dtype is float32, expected uint8$"):
                lease.numpy("uint8")
            with pytest.raises(WrongDtype, match=r"^shape is \(2, 3\), expected \(3, 2\)$"):
                lease.numpy(shape=(3, 2))
            with pytest.raises(InvalidArgument, match=r"^dtype is 'nothing'"):
                lease.numpy("nothing")


def test_errors_are_one_family() -> None:
    errors = [getattr(module, name) for name in module.__all__ if name[0].isupper()]
    errors = [error for error in errors if issubclass(error, Exception)]
    assert all(issubclass(error, MailboxError) for error in errors)
    assert all(error.__doc__ for error in errors)
    assert {error.__name__: [base.__name__ for base in error.__bases__] for error in errors} == {
        "MailboxError": ["Exception"],
        "OpenError": ["MailboxError"],
        "NameTaken": ["OpenError", "FileExistsError"],
        "NoSuchMailbox": ["OpenError", "FileNotFoundError"],
        "OutOfMemory": ["OpenError", "MemoryError"],
        "WrongBackend": ["OpenError"],
        "NotAMailbox": ["OpenError"],
        "WrongOwner": ["NotAMailbox", "PermissionError"],
        "WrongVersion": ["NotAMailbox"],
        "WrongKind": ["NotAMailbox", "TypeError"],
        "WrongSize": ["NotAMailbox"],
        "DamagedHeader": ["NotAMailbox"],
        "NoFreePlace": ["MailboxError"],
        "SendError": ["MailboxError"],
        "Full": ["SendError", "BlockingIOError"],
        "Busy": ["SendError", "BlockingIOError"],
        "ReceiveError": ["MailboxError"],
        "Expired": ["ReceiveError", "TimeoutError"],
        "GenerationMismatch": ["ReceiveError", "LookupError"],
        "NotLeased": ["MailboxError", "RuntimeError"],
        "Closed": ["MailboxError", "EOFError"],
        "Inherited": ["MailboxError", "RuntimeError"],
        "CorruptMailbox": ["MailboxError"],
        "SystemCallError": ["MailboxError", "OSError"],
        "InUse": ["MailboxError", "RuntimeError"],
        "WrongDtype": ["MailboxError", "TypeError"],
        "InvalidArgument": ["MailboxError", "ValueError"],
    }


@pytest.mark.parametrize(
    ("change", "raised", "match"),
    [
        (lambda file: file.chmod(0o640), WrongOwner, "mode is 0640, expected 0600"),
        (lambda file: _overwrite(file, 0, b"X"), NotAMailbox, "does not begin with SAGEMBX"),
        (
            lambda file: _overwrite(file, 8, b"\x09"),
            WrongVersion,
            "layout_version is 9, expected 1",
        ),
        (lambda file: _overwrite(file, 24, b"\x80"), DamagedHeader, "the header's checksum is"),
        (lambda file: os.truncate(file, 100), WrongSize, "shorter than a header"),
        (lambda file: os.truncate(file, 4096), WrongSize, "it has 4096 bytes"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_by_type(
    name: str, change: Callable[[Path], object], raised: type[Exception], match: str
) -> None:
    with BroadcastMailbox.create(name, cell_count=1024):
        file = Path(f"/dev/shm/sage-mailbox.{os.geteuid()}.{name}")
        change(file)
        with pytest.raises(NotAMailbox, match=match) as error:
            BroadcastMailbox.attach(name)
        assert type(error.value) is raised
        assert name in str(error.value)
        file.unlink()  # its creator no longer takes it for its own


def _overwrite(file: Path, at: int, content: bytes) -> None:
    with file.open("r+b") as opened:
        opened.seek(at)
        opened.write(content)
