"""Work that completes what was kept before, a batch at a time, and what it came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass
class Completed:
    """What was done.

    Attributes:
        made: labels or vectors, of so many experiences.
        failed: experiences that got none, for their payload is lost or damaged.
        fault: the last of these in words.
    """

    made: int = 0
    failed: int = 0
    fault: str = ""

    def fail(self, fault: str) -> None:
        """Count one that got none."""
        self.failed += 1
        self.fault = fault


class Completion(Protocol):
    """Work that is derived from the rows, so that it goes on wherever it stopped."""

    done: Completed

    def missing(self) -> int:
        """How much is still to be made, as far as is known."""

    def step(self) -> int:
        """Do one batch; how many experiences it has looked at, 0: all is done.

        Raises:
            NotStored: the disk refused; what was made before is kept.
        """
