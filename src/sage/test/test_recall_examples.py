"""`sage recall`: examples and places as they are given."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from memory_homes import experience
from recall_command import tone

from sage.commands.memory import recall
from sage.recall.examples import read_image, read_puzzle, read_sound
from sage.recall.question import Spot, parse_spot
from sage_common.core.errors import InvalidInput
from sage_encoders.core.sound_example import WINDOW


def test_examples_are_read_from_files(tmp_path: Path) -> None:
    codes = experience(1).codes
    rows = [" ".join(map(str, row)) for row in codes]
    (tmp_path / "puzzle.txt").write_text("\n".join(rows) + "\n\n")
    np.testing.assert_array_equal(read_puzzle(tmp_path / "puzzle.txt"), codes)
    (tmp_path / "puzzle.txt").write_text("\n".join(rows[:29]))
    with pytest.raises(InvalidInput, match="29 lines"):
        read_puzzle(tmp_path / "puzzle.txt")
    (tmp_path / "puzzle.txt").write_text("\n".join([*rows[:4], "x" * 30, *rows[5:]]))
    with pytest.raises(InvalidInput, match="line 5"):
        read_puzzle(tmp_path / "puzzle.txt")
    (tmp_path / "none.png").write_bytes(b"no picture")
    with pytest.raises(InvalidInput, match=r"image = .*expected a picture"):
        read_image(tmp_path / "none.png")
    cv2.imwrite(str(tmp_path / "dot.png"), np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(InvalidInput, match="at least 8 px each way, not of 1 x 1 px"):
        read_image(tmp_path / "dot.png")
    grey = np.random.default_rng(1).integers(126, 130, (240, 320, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    with pytest.raises(InvalidInput, match="a picture that shows something"):
        read_image(tmp_path / "grey.png")
    (tmp_path / "none.wav").write_bytes(b"no sound")
    with pytest.raises(InvalidInput, match=r"sound = .*expected WAV"):
        read_sound(tmp_path / "none.wav")
    soundfile.write(tmp_path / "silence.wav", np.zeros(16000, np.float32), 16000)
    with pytest.raises(InvalidInput, match="a sound that is not silent in its last 2 s"):
        read_sound(tmp_path / "silence.wav")
    soundfile.write(tmp_path / "click.wav", tone(440)[:10], 16000)
    with pytest.raises(InvalidInput, match=r"0.05 s or more, not 10 samples"):
        read_sound(tmp_path / "click.wav")
    long = np.concatenate([np.zeros(16000 * 5, np.float32), tone(440)])
    soundfile.write(tmp_path / "long.flac", long, 16000)
    end = read_sound(tmp_path / "long.flac")
    assert len(end.samples) == 32000 > WINDOW and np.abs(end.samples[-16000:]).max() > 0.2


def test_places_are_parsed() -> None:
    assert parse_spot("", None) is None
    assert parse_spot("map,1,2.5,-3", 2.0) == Spot("map", 1.0, 2.5, -3.0, 2.0)
    flat = parse_spot("odom,0,0", 1.0)
    assert flat is not None and math.isnan(flat.z)


def test_every_option_with_a_value_is_told_with_an_example() -> None:
    parser = argparse.ArgumentParser()
    recall.add_arguments(parser)
    told = {action.option_strings[-1]: action for action in parser._actions[1:-1] if action.metavar}
    assert len(told) == 15
    for name, action in told.items():
        assert f"for instance {name} " in action.help or f"an age: {name} " in action.help, name
    assert parser.parse_args(["--like", "x", "--limit", "3"]).limit == 3
