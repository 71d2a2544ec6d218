"""Who takes part in a mailbox."""

from __future__ import annotations

from sage_cuda_mailbox import NoFreePlace


class ParticipantTable:
    """So many places; whoever joins gets the first that is vacant."""

    def __init__(self, count: int) -> None:
        self.holders: list[object | None] = [None] * count

    def join(self, holder: object) -> int:
        if None not in self.holders:
            raise NoFreePlace("all places are taken")
        place = self.holders.index(None)
        self.holders[place] = holder
        return place

    def leave(self, place: int) -> None:
        self.holders[place] = None
