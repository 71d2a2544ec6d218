"""What the answer of a graph names leads to the payloads of its home, and to no other file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sage.recall.messages import reply_of
from sage.recall.payload_reading import payload_of
from sage.recall.question import Question
from sage_common.core.errors import InvalidInput
from sage_msgs.msg import Experience
from sage_msgs.srv import Recall

ID = "018bcfe5-6800-7000-8000-000000000001"


def response(identifier: str = ID, path: str = "") -> Recall.Response:
    told = Recall.Response(success=True, experiences=[Experience(id=identifier)], scores=[0.5])
    told.reasons, told.payload_paths = ["near"], [path]
    return told


@pytest.mark.parametrize("identifier", ["../../out", "", "/etc/passwd", f"{ID}/../x"])
def test_an_id_that_is_no_uuid_is_refused(identifier: str) -> None:
    with pytest.raises(InvalidInput, match="a UUID"):
        reply_of(response(identifier), Question())


def test_only_a_file_in_the_payload_folder_is_read(tmp_path: Path) -> None:
    inside, outside = tmp_path / "payloads" / "ab" / "x.webp", tmp_path / "secret"
    inside.parent.mkdir(parents=True)
    inside.write_bytes(b"seen")
    outside.write_bytes(b"mine")
    (answer,) = reply_of(response(path=str(inside)), Question()).answers
    assert payload_of(answer, tmp_path) == b"seen"
    link = inside.with_name("y.webp")
    link.symlink_to(outside)
    for hostile in (outside, inside.parent / ".." / ".." / "secret", link):
        with pytest.raises(InvalidInput, match="a file in"):
            payload_of(replace(answer, payload=str(hostile)), tmp_path)
