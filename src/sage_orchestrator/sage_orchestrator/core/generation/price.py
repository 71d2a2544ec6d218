"""What a language model costs, learned from what it has cost."""

from __future__ import annotations

KEPT = 0.9
"""Weight of the past in each new answer."""
TRIAL_EVERY = 8


class GenerationPrice:
    """The time of a prompt and of a token, as the server needs them now.

    The time to the first token is a straight line over the characters of the prompt (only the
    server knows its tokens), by least squares whose weights fade by a tenth with each answer; the
    time of every further token is a mean that fades in the same way.
    """

    def __init__(self) -> None:
        self._weight = self._x = self._y = self._xx = self._xy = 0.0
        self._tokens = self._tokens_ns = 0.0
        self._refused = 0

    @property
    def token_ns(self) -> float:
        """Of one token after the first; 0 before any was seen."""
        return self._tokens_ns / self._tokens if self._tokens else 0.0

    def learn(self, characters: int, first_ns: int, tokens: int, rest_ns: int) -> None:
        """An answer came.

        Args:
            characters: of the prompt.
            first_ns: to the first token.
            tokens: after the first.
            rest_ns: that these took.
        """
        self._weight = KEPT * self._weight + 1.0
        self._x = KEPT * self._x + characters
        self._y = KEPT * self._y + first_ns
        self._xx = KEPT * self._xx + characters * characters
        self._xy = KEPT * self._xy + characters * first_ns
        self._tokens = KEPT * self._tokens + tokens
        self._tokens_ns = KEPT * self._tokens_ns + rest_ns

    def estimate_ns(self, characters: int, tokens: int) -> int | None:
        """Cost of an answer of so many tokens; None: no answer has come so far."""
        if self._weight == 0.0:
            return None
        x, y = self._x / self._weight, self._y / self._weight
        variance = self._xx / self._weight - x * x
        covariance = self._xy / self._weight - x * y
        # Prompts of one length say nothing of others: then the mean is the best guess.
        slope = max(0.0, covariance / variance) if variance > 1e-6 * x * x else 0.0
        first_ns = max(0.0, y + slope * (characters - x))
        return round(first_ns + (tokens - 1) * self.token_ns)

    def is_refused(self, estimate_ns: int | None, affordable_ns: int) -> bool:
        """Whether a call is too dear; one of eight such is tried, in case prices have fallen."""
        if estimate_ns is None or estimate_ns <= affordable_ns:
            return False
        self._refused += 1
        return self._refused % TRIAL_EVERY != 0
