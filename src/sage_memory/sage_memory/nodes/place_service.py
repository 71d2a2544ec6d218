"""Names of places: the service memory/name_place, and what people say of where they are."""

from __future__ import annotations

from collections.abc import Callable

from sage_common.core.errors import InvalidInput
from sage_common.ros.node import SageNode
from sage_memory.core.experience import Place
from sage_memory.core.ingest.observer import Observer
from sage_memory.core.ingest.pose_buffer import worst_sigma_m
from sage_memory.core.memory import Memory
from sage_memory.core.places.named_place import (
    NamedPlace,
    forgotten_words,
    named_at,
    plain_name,
)
from sage_memory.core.places.spoken import said_name, spoken_place
from sage_msgs.srv import NamePlace

COMMIT_TIMEOUT_S = 30.0
PRIVACIES = (NamePlace.Request.AS_IT_IS, NamePlace.Request.MAKE_PRIVATE,
             NamePlace.Request.MAKE_PUBLIC)  # fmt: skip


class PlaceService:
    """Names the place where the robot is, and makes places private; handlers run on workers.

    Args:
        node: that it belongs to.
        opened: gives the open memory, or raises MemoryFailure.
        observer: gives who knows where the robot is and what is private; where it is, is to be
            asked with the node's `guard`.
    """

    def __init__(
        self, node: SageNode, opened: Callable[[], Memory], observer: Callable[[], Observer]
    ) -> None:
        self._node = node
        self._opened = opened
        self._observer = observer
        self._worker = node.worker("places")
        node.service("memory/name_place", self._serve)

    def read(self) -> None:
        """Learn from the store which places are private."""
        privacy = self._observer().privacy
        privacy.know(self._opened().places())
        for name in sorted(privacy.nowhere):
            self._node.log.warning(
                f"private_places: no place is called {name!r} yet, so nothing is private for it; "
                f"`sage place {name}` names it, there"
            )

    def hear(self, text: str, stamp_ns: int) -> None:
        """Learn the name of a place if one is said; returns at once."""
        if said_name(text):
            self._worker.submit(self._learn, text, stamp_ns, self._observer().poses.at(stamp_ns))

    def drain(self) -> None:
        """Wait until what was heard is kept."""
        self._worker.wait_idle(COMMIT_TIMEOUT_S)

    def _learn(self, text: str, stamp_ns: int, where: Place | None) -> None:
        memory = self._opened()
        name = spoken_place(text, {place.name for place in memory.places()})
        if not name:
            return
        try:
            place = self._name(name, where, stamp_ns)
            self._node.log.info(f"{place.name}: within {place.radius_m:.1f} m of here")
        except InvalidInput as error:
            self._node.log.warning(f"not learnt from what was said: {error}")

    def _name(self, name: str, where: Place | None, stamp_ns: int) -> NamedPlace:
        if where is None:
            expected = "a pose of now that is known well enough (max_place_sigma_m, _age_s)"
            raise InvalidInput("pose", "none", expected)
        again = named_at(name, where.frame, where.position, worst_sigma_m(where), stamp_ns)
        place = self._opened().name_place(again).result(COMMIT_TIMEOUT_S)
        self._observer().privacy.know(self._opened().places())
        return place

    def _set_private(self, name: str, is_private: bool) -> NamedPlace:
        place = self._opened().set_private(name, is_private).result(COMMIT_TIMEOUT_S)
        self._observer().privacy.know(self._opened().places())
        return place

    def _name_here(self, name: str) -> NamedPlace:
        now_ns = self._node.clock.now_ns()
        with self._node.guard:  # callbacks add poses
            where = self._observer().poses.at(now_ns)
        return self._name(name, where, now_ns)

    def _serve(
        self, request: NamePlace.Request, response: NamePlace.Response
    ) -> NamePlace.Response:
        if request.forget:
            gone = self._opened().forget_place(request.name).result(COMMIT_TIMEOUT_S)
            self._observer().privacy.know(self._opened().places())
            was_private = gone.is_private or gone.name in self._observer().privacy.nowhere
            response.success, response.message = True, forgotten_words(gone.name, was_private)
            return response
        if request.privacy not in PRIVACIES:
            raise InvalidInput("privacy", request.privacy, f"one of {PRIVACIES}")
        known = {place.name for place in self._opened().places()}
        if request.privacy == request.AS_IT_IS or plain_name(request.name) not in known:
            place = self._name_here(request.name)
        if request.privacy != request.AS_IT_IS:
            place = self._set_private(request.name, request.privacy == request.MAKE_PRIVATE)
        response.success, response.message = True, f"{place.name} is known"
        response.is_private = place.is_private
        response.frame, response.radius_m = place.frame, place.radius_m
        response.centre.x, response.centre.y, response.centre.z = place.centre
        response.namings = min(place.namings, 2**32 - 1)
        return response
