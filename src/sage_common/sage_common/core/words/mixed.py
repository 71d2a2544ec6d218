"""What a composition of recordings says of itself, in the diagnostics of the node that plays it.

Whoever watches is told what is mixed by whom who mixes it; what SAGE notices comes from its own
scorers and plugins, which do not read this.
"""

from __future__ import annotations

STARTED = "composition started at"
"""Key: when its first lap began, on the node's clock [ns]."""
MIXED = "mixed in"
"""Key: what is mixed in now, in words; NOTHING: only what goes on all the time is played."""
NOTHING = "nothing"
