"""Which sense a question asks for: "did I see", "I heard", "what did Anna say"."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sage_common.core.specs.modality import ModalitySpec
from sage_memory.core.recall.question.phrases import matches, pattern

SEEN, HEARD, SAID = "seen", "heard", "said"
SENSES = {
    "see": SEEN, "saw": SEEN, "seen": SEEN, "hear": HEARD, "heard": HEARD, "say": SAID,
    "said": SAID,
}  # fmt: skip
OTHERS = re.compile(
    r"\b(?:sees|seeing|watch\w*|hears|hearing|listen\w*|says|saying|tell|told|talk\w*|spoke\w*|speak"
    r"|read|smell\w*|feel|felt|touch\w*)\b",
    re.IGNORECASE,
)
"""Where one of these is in a text, more than one sense is meant, or another."""
VERB = "|".join(SENSES)
ELSE = r"(?! (?:about|of|from|that|if|whether|to|off|through|why|how)\b)"
"""Of "see to", "hear about" and the like."""
FORM = pattern(
    rf"(?:did|have|had) (?:i|you|we) (?:(?:ever|just|last|also) )?(?P<asked>{VERB}){ELSE}"
    rf"|(?:i|you|we) (?:(?:have|had) )?(?:(?:ever|just|last) )?(?P<told>saw|seen|heard|said){ELSE}"
    rf"|(?:was|were) (?:[^\s?.!,;]+ ){{1,4}}(?:last )?(?P<done>seen|heard){ELSE}"
    r"|(?:what|when|where) did (?!i\b|you\b|we\b)\w+ (?:last )?(?P<other>say)"
)


def modalities_of_senses(present: Iterable[ModalitySpec]) -> dict[str, str]:
    """Sense -> its modality, of senses that exactly one of those present is of."""
    found = defaultdict(list)
    for spec in present:
        sense = SAID if spec.words else {"picture": SEEN, "sound": HEARD}.get(spec.payload)
        found[sense].append(spec.name)
    return {sense: names[0] for sense, names in found.items() if sense and len(names) == 1}


class SaidOfSense(NamedTuple):
    """The modality, and the filter in words; empty: none."""

    modality: str = ""
    notes: tuple[str, ...] = ()


def said_of_sense(text: str, modalities: Mapping[str, str]) -> SaidOfSense:
    """The modality that a text asks for, where only one sense is named in it.

    Args:
        modalities: of `SEEN`, `HEARD` and `SAID`, where there is one modality of it.
    """
    every = {SENSES[word.lower()] for word in re.findall(rf"\b(?:{VERB})\b", text, re.IGNORECASE)}
    if len(every) != 1 or OTHERS.search(text):
        return SaidOfSense()
    for found in matches(FORM, text):
        verb = next(word for word in found.groups() if word)
        sense = SENSES[verb.lower()]
        modality = modalities.get(sense, "")
        if modality:
            return SaidOfSense(modality, (f"{verb}: modality {modality}",))
        which = f"{verb}: not one modality of the memory holds what was {sense}, all are asked"
        return SaidOfSense(notes=(which,))
    return SaidOfSense()
