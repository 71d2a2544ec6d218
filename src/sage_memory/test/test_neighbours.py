"""Two processes and one store: one writes, any number reads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from sage_memory import (
    Memory,
    MemoryFailure,
    Query,
    StoreLocked,
    StoreMissing,
)


def test_second_writer_is_told_who_holds_the_store(tmp_path) -> None:
    with Memory.open(tmp_path):
        with pytest.raises(StoreLocked, match=f"in use by process {os.getpid()}") as caught:
            Memory.open(tmp_path)
        assert caught.value.pid == os.getpid()
    Memory.open(tmp_path).close()


def test_a_writer_of_another_process_is_told_too(tmp_path, experience) -> None:
    program = (
        "import pathlib, sys; from sage_memory import Memory, Query, StoreLocked\n"
        "home = pathlib.Path(sys.argv[1])\n"
        "try: Memory.open(home)\n"
        "except StoreLocked as error: print(error.pid)\n"
        "print(len(Memory.open(home, read_only=True).recall(Query())))"
    )
    with Memory.open(tmp_path) as memory:
        memory.remember(experience()).result()
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.split() == [str(os.getpid()), "1"]


def test_reader_follows_the_writer_and_cannot_write(tmp_path, experience) -> None:
    with pytest.raises(StoreMissing, match="no store here"):
        Memory.open(tmp_path, read_only=True)
    with Memory.open(tmp_path) as writer:
        writer.remember(experience(0)).result()
        with Memory.open(tmp_path, read_only=True) as reader:
            assert len(reader.recall(Query())) == 1
            kept = [writer.remember(experience(i)).result() for i in range(1, 40)]
            assert len(reader.recall(Query(limit=100))) == 40
            like = Query(example=kept[5].embedding, example_encoder_id="vision-1-abc")
            assert reader.recall(like)[0].experience.id == kept[5].id
            writer.forget([kept[5].id], "").result()
            assert reader.recall(like)[0].experience.id != kept[5].id
            reader.verify()
            with pytest.raises(MemoryFailure, match="read-only"):
                reader.remember(experience(99))


def test_a_reader_beside_a_busy_writer_never_stumbles(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as writer:
        first = writer.remember(experience(0)).result()
        stop = threading.Event()

        def write() -> None:
            number = 1
            while not stop.is_set():
                writer.remember(experience(number)).result()
                number += 1

        thread = threading.Thread(target=write)
        thread.start()
        try:
            with Memory.open(tmp_path, read_only=True) as reader:
                seen = [0]
                while len(seen) < 12:
                    for memory in (reader, writer):
                        answers = memory.recall(Query(example_id=first.id, limit=1000))
                        assert first.id not in {a.experience.id for a in answers}
                    seen.append(len(reader.recall(Query(limit=1000))))
                    reader.verify()
                    writer.verify()
        finally:
            stop.set()
            thread.join()
    assert seen == sorted(seen) and seen[-1] > seen[1]
