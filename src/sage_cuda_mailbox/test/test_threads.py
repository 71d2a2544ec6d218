"""Mailboxes between threads: reading many records at once lets others run."""

from __future__ import annotations

import threading

import numpy as np

from sage_cuda_mailbox import BroadcastMailbox

WRITERS = 3
COUNT = 20_000


def test_order_and_accounting_while_threads_write(name: str) -> None:
    with BroadcastMailbox.create(name, cell_count=1024, backend="host") as mailbox:

        def push() -> None:
            with mailbox.writer() as writer:
                for number in range(COUNT):
                    writer.push(number.to_bytes(8, "little"), writer.producer)

        reader = mailbox.reader()
        threads = [threading.Thread(target=push) for _ in range(WRITERS)]
        for thread in threads:
            thread.start()
        seen = []
        while reader.next_sequence < WRITERS * COUNT and reader.wait(60):
            seen.append(reader.pop_many(4096))
        for thread in threads:
            thread.join()
    records = np.concatenate(seen)
    assert len(records) + reader.lost == WRITERS * COUNT
    assert (np.diff(records["sequence"].astype(np.int64)) > 0).all()
    assert (records["length"] == 8).all()
