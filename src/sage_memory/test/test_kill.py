"""kill -9 at any moment: nothing that was acknowledged is lost, all of it is found.

`SAGE_KILLS` says how often.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import runpy
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sage_memory import Memory, Query

KILLS = int(os.environ.get("SAGE_KILLS", "30"))
KILLS_OF_A_STORE = 50
LONGEST_LIFE_S = 0.08
WRITER = Path(__file__).with_name("killed_writer.py")
numbered = runpy.run_path(str(WRITER))["numbered"]
payload = runpy.run_path(str(WRITER))["payload"]
recognised = runpy.run_path(str(WRITER))["recognised"]


def live_and_die(
    context, home: Path, first: int, life_s: float, options: dict | None = None
) -> dict[int, bytes]:
    """Run a writer, kill it `life_s` after its first acknowledgement; what it acknowledged."""
    receive, send = context.Pipe(duplex=False)
    given = {"HOME": str(home), "OPTIONS": options or {}, "FIRST": first, "ACKS": send}
    writer = context.Process(target=runpy.run_path, args=(str(WRITER), given))
    writer.start()
    send.close()
    acknowledged = dict([receive.recv()])
    deadline = time.monotonic() + life_s
    while (left := deadline - time.monotonic()) > 0:
        if receive.poll(left):
            acknowledged.update([receive.recv()])
    os.kill(writer.pid, signal.SIGKILL)
    try:
        while True:  # what it had acknowledged before it died is still in the pipe
            acknowledged.update([receive.recv()])
    except EOFError:
        pass
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
    return acknowledged


def assert_found(memory: Memory, number: int, identifier: bytes) -> None:
    """By meaning of the percept, by meaning of the words, by time and by place."""
    told = numbered(number)
    by_example = Query(example=told.embedding, example_encoder_id="vision-1", limit=1)
    by_text = Query(text_embedding=told.text_embedding, text_encoder_id="words-1", limit=1)
    by_time = Query(start_ns=told.start_ns, end_ns=told.end_ns)
    by_place = Query(place_frame="map", place=told.place.position, place_radius_m=0.4)
    for query in (by_example, by_text, by_time, by_place, replace(by_example, end_ns=told.end_ns)):
        (answer,) = memory.recall(query)
        assert answer.experience.id == identifier
    assert (answer.experience.codes == told.codes).all()
    seen = [(one.model_id, one.labels[0].number) for one in memory.labels(identifier)]
    told_of = [(labels.model_id, labels.labels[0].number) for labels, _ in recognised(number)]
    assert seen == told_of
    if payload(number) is not None:
        assert answer.payload_path is not None, answer.payload_note
        kept = answer.experience
        data = memory.payload_files.read(kept.payload_sha256, kept.payload_media_type)
        assert data == payload(number).data


def kill_often(context, home: Path, kills: int, chance: random.Random) -> dict[int, bytes]:
    """Writers of one store, each killed; all that they acknowledged, found after each kill."""
    acknowledged: dict[int, bytes] = {}
    for kill in range(kills):
        first = 1 + 100_000 * kill
        latest = live_and_die(context, home, first, chance.uniform(0.0, LONGEST_LIFE_S))
        acknowledged.update(latest)
        with Memory.open(home) as memory:  # the dead writer's lock does not hold us up
            memory.verify()
            for number in (min(latest), max(latest)):
                assert_found(memory, number, latest[number])
    with Memory.open(home, read_only=True) as memory:
        for number, identifier in acknowledged.items():
            assert_found(memory, number, identifier)
    return acknowledged


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_no_acknowledged_experience_is_lost_or_unfindable(tmp_path, record_property) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sage_memory"])
    chance = random.Random(20240229)
    found = 0
    for first in range(0, KILLS, KILLS_OF_A_STORE):
        kills = min(KILLS_OF_A_STORE, KILLS - first)
        found += len(kill_often(context, tmp_path / f"store{first}", kills, chance))
    record_property("kills", KILLS)
    record_property("acknowledged", found)
    record_property("lost_or_unfindable", 0)
    assert found >= KILLS
