"""Handles: the messages that say where in a mailbox a tensor lies."""

from __future__ import annotations

import array
from typing import Any

from std_msgs.msg import Header

from sage_common.core.errors import InvalidInput
from sage_msgs.msg import TensorHandle

BACKENDS = ("host", "shm", "cuda_vmm", "cuda_ipc", "pinned")
MAX_DIMENSIONS = 8
_LONGEST_NAME = 128
_HASH_CHARACTERS = 16
_FNV_START, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3


def mailbox_name(topic: str, domain_id: int) -> str:
    """What the mailbox behind a topic of tensors is called: "42.sage.camera.front.tensor".

    Both ends know it from the topic, so that a handle cannot send a reader elsewhere.

    Args:
        topic: full name.
        domain_id: ROS domain.
    """
    name = f"{domain_id}{topic.replace('/', '.')}"
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - _HASH_CHARACTERS - 1]}.{_fnv(name):016x}"


def _fnv(text: str) -> int:
    """FNV-1a, 64 bits."""
    value = _FNV_START
    for byte in text.encode():
        value = (value ^ byte) * _FNV_PRIME % 2**64
    return value


def make_handle(
    mailbox: Any, array_in_slot: Any, lease: Any, header: Header, tag: int, ttl_ms: int
) -> TensorHandle:
    """The handle of a dense tensor that begins where its slot begins.

    Args:
        mailbox: the `sage_cuda_mailbox.TensorMailbox`.
        array_in_slot: the tensor.
        lease: its `WriteLease`.
        header: of the sensor sample.
        tag: number of the tensor.
        ttl_ms: how long readers may keep it [ms].
    """
    message = TensorHandle(header=header, mailbox=mailbox.name, backend=mailbox.backend)
    message.slot, message.generation = lease.slot, lease.generation
    message.shape = array.array("Q", array_in_slot.shape)
    message.strides_bytes = array.array("q", array_in_slot.strides)
    message.dtype, message.device = array_in_slot.dtype.name, mailbox.device
    message.tag, message.ttl_ms = tag, ttl_ms
    return message


def check_handle(message: TensorHandle) -> None:
    """Check what a handle says, without a look at the mailbox.

    Raises:
        InvalidInput: naming the field at fault.
    """
    for field in ("mailbox", "dtype"):
        if not getattr(message, field):
            raise InvalidInput(field, "", "not empty")
    if message.backend not in BACKENDS:
        raise InvalidInput("backend", message.backend, "one of " + ", ".join(BACKENDS))
    dimensions = len(message.shape)
    if not 1 <= dimensions <= MAX_DIMENSIONS or not all(message.shape):
        found = list(message.shape)
        raise InvalidInput("shape", found, f"1 to {MAX_DIMENSIONS} extents above 0")
    if len(message.strides_bytes) != dimensions:
        found = f"{len(message.strides_bytes)} values"
        raise InvalidInput("strides_bytes", found, f"{dimensions} values")


def compare(message: TensorHandle, lease: Any, stamp_ns: int) -> None:
    """Check that a handle names what its slot holds.

    Args:
        message: the handle.
        lease: the `sage_cuda_mailbox.ReadLease` on its slot and generation.
        stamp_ns: of the handle's header [ns].

    Raises:
        InvalidInput: naming the field that differs.
    """
    for field, said, held in (
        ("header.stamp", stamp_ns, lease.stamp_ns),
        ("tag", message.tag, lease.tag),
        ("backend", message.backend, lease.backend),
        ("device", message.device, lease.device),
        ("dtype", message.dtype, lease.dtype),
        ("shape", tuple(message.shape), tuple(lease.shape)),
        ("strides_bytes", tuple(message.strides_bytes), tuple(lease.strides_bytes)),
        ("offset_bytes", message.offset_bytes, lease.offset_bytes),
    ):
        if said != held:
            raise InvalidInput(field, said, f"{held}, as in the mailbox")
