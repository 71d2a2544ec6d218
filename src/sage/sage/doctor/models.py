"""The models: each file whole, as its card says, and what mends one that is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sage.doctor.finding import Finding, needed
from sage_encoders.backends.minilm import CARD_FILE, VOCABULARY_FILE, network_file
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.packaged.name_vectors import read_name_vectors
from sage_encoders.core.card import ModelError, model_sha256, read_card
from sage_encoders.core.recognition.concepts import read_concepts

WRITTEN, INSTALLED = "sage weights", "make clean, then make demo"


def weights() -> Iterator[Finding]:
    """Every model: present, and the file that its card names; then what has no card."""
    try:
        folder = models_folder()
    except ModelError as error:
        yield Finding("models", "error", str(error), "install sage_encoders again")
        return
    for path in sorted(folder.glob("*.json")):
        yield _weights_of(path)
    yield _vocabulary(folder)
    yield from _names(folder)


def _weights_of(path: Path) -> Finding:
    try:
        card = read_card(path)
    except (ModelError, OSError) as error:
        return Finding(path.stem, "error", str(error), INSTALLED)
    try:
        named = str(card.body.get("file", f"{path.stem}.onnx"))
        found = model_sha256(network_file() if path.name == CARD_FILE else path.parent / named)
    except (ModelError, OSError) as error:
        if card.option:
            return Finding(path.stem, "warn", "an option, not installed", card.option)
        fix = WRITTEN if card.is_written else INSTALLED
        return Finding(path.stem, "error", str(error), fix)
    fix = f"the card says {card.sha256[:12]}: {WRITTEN if card.is_written else 'restore the file'}"
    same = found == card.sha256
    return needed(f"weights {path.stem}", same, f"sha256 {found[:12]}", fix, "error")


def _vocabulary(folder: Path) -> Finding:
    """The words that the text encoder reads: their hash is in its card."""
    name = "vocabulary of words"
    try:
        expected = str(read_card(folder / CARD_FILE).body.get("vocabulary_sha256"))
        found = model_sha256(folder / VOCABULARY_FILE)
    except (ModelError, OSError) as error:
        return Finding(name, "error", str(error), INSTALLED)
    fix = f"{CARD_FILE} says {expected[:12]}: {INSTALLED}"
    return needed(name, found == expected, f"sha256 {found[:12]}", fix, "error")


def _names(folder: Path) -> Iterator[Finding]:
    """The names that pictures can be given, and what each means to the text encoder."""
    try:
        concepts = read_concepts(folder)
    except ModelError as error:
        yield Finding("names of pictures", "error", str(error), INSTALLED)
        return
    yield Finding("names of pictures", "ok", f"{len(concepts.ids)} concepts")
    try:
        encoder_id = read_card(folder / CARD_FILE).encoder_id
        vectors = read_name_vectors(folder, concepts, encoder_id)
    except (ModelError, OSError) as error:
        yield Finding("meaning of names", "error", str(error), WRITTEN)
    else:
        yield Finding("meaning of names", "ok", f"{len(vectors)} names by {encoder_id}")
