"""The parts of a mailbox may go in any order."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from sage_cuda_mailbox import BroadcastMailbox, TensorMailbox, list_mailboxes

RECORDS = ("mailbox", "writer", "reader", "descriptor")
TENSORS = ("mailbox", "writer", "reader", "filling", "looking", "view")


@pytest.mark.parametrize("backend", ["host", "shm"])
def test_parts_of_a_broadcast_mailbox(name: str, backend: str) -> None:
    for order in itertools.permutations(RECORDS):
        parts: dict[str, Any] = {"mailbox": BroadcastMailbox.create(name, backend=backend)}
        parts["writer"] = parts["mailbox"].writer()
        parts["reader"] = parts["mailbox"].reader()
        parts["descriptor"] = BroadcastMailbox.attach(name).reader()
        parts["descriptor"].fileno()
        parts["writer"].push(b"kept")
        for gone in order:
            del parts[gone]
            if "reader" in parts and gone == "mailbox":
                assert parts["reader"].pop().payload == b"kept"
        assert name not in list_mailboxes()


@pytest.mark.parametrize("backend", ["host", "shm"])
def test_parts_of_a_tensor_mailbox(name: str, backend: str) -> None:
    for order in itertools.permutations(TENSORS):
        mailbox = TensorMailbox.create(name, slot_bytes=4096, backend=backend)
        parts: dict[str, Any] = {"mailbox": mailbox}
        parts["writer"] = mailbox.writer()
        parts["reader"] = mailbox.reader()
        with parts["writer"].acquire() as lease:
            lease.array((16,))[:] = 7
            lease.publish()
        parts["looking"] = parts["reader"].next()
        parts["view"] = parts["looking"].numpy()
        parts["filling"] = parts["writer"].acquire()
        del mailbox, lease
        for gone in order:
            del parts[gone]
            if "view" in parts:
                assert (parts["view"] == 7).all()
        assert name not in list_mailboxes()
