"""The relevance floor of the text embedder, from its card."""

from __future__ import annotations

from sage_common.core.relevance import Relevance
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.core.card import ModelError, read_card

CARD_FILE = "minilm.json"
FIELDS = ("level", "growth", "most")


def text_relevance(encoder_id: str, models_dir: str = "") -> Relevance | None:
    """The floor of an encoder; None if there is no card of it, or none was calibrated.

    Raises:
        ModelError: the card cannot be read.
    """
    try:
        path = models_folder(models_dir) / CARD_FILE
    except ModelError:
        return None  # whoever embeds has its models elsewhere
    if not path.exists():
        return None
    card = read_card(path)
    stated = card.body.get("relevance")
    if card.encoder_id != encoder_id or stated is None:
        return None
    try:
        return Relevance(*(float(stated[name]) for name in FIELDS))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: relevance: expected numbers {', '.join(FIELDS)}") from error
