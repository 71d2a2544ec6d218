"""The text node on the lock-step host: captions of a track, and typed lines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from node_traffic import offsets, texts

from sage_common.ros.lockstep.host import LockstepHost
from sage_sensors.nodes.text_node import TextNode


def test_a_text_track_is_spoken_at_the_ends_of_its_captions(
    host: LockstepHost, text_track: Path
) -> None:
    start_ns = host.clock.now_ns()
    parameters = {"backend": "file", "path": str(text_track), "speaker": "narrator"}
    host.add(TextNode, parameters=parameters)
    host.run_for(3.0)
    said = host.messages("text")
    assert offsets(said, start_ns) == [400_000_000, 1_200_000_000]
    assert {(m.speaker, m.confidence) for m in said} == {("narrator", 1.0)}


def test_typed_lines_are_spoken_and_their_end_is_not_an_error(
    host: LockstepHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"what did you see?\n\nand hear?\n")
    os.close(write_end)
    saved = os.dup(0)
    os.dup2(read_end, 0)
    try:
        host.add(TextNode, parameters={"language": "en"})
        host.run_for(2.0)
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(read_end)
    assert [m.text for m in host.messages("text")] == ["what did you see?", "and hear?"]
    assert "standard input has ended" in texts(host, "info")
    assert texts(host, "error") == ""
