"""Names of places: the service memory/name_place, and what people say of where they are."""

from __future__ import annotations

from collections.abc import Callable

from sage_common.core.errors import InvalidInput
from sage_common.ros.node import SageNode
from sage_memory.core.experience import Place
from sage_memory.core.ingest.pose_buffer import worst_sigma_m
from sage_memory.core.memory import Memory
from sage_memory.core.places.named_place import NamedPlace, named_at
from sage_memory.core.places.spoken import said_name, spoken_place
from sage_msgs.srv import NamePlace

COMMIT_TIMEOUT_S = 30.0
Where = Callable[[int], Place | None]


class PlaceService:
    """Names the place where the robot is; handlers run on workers.

    Args:
        node: that it belongs to.
        opened: gives the open memory, or raises MemoryFailure.
        where: gives the place at a time [ns] if it is known well enough; to be called with the
            node's `guard`.
    """

    def __init__(
        self, node: SageNode, opened: Callable[[], Memory], where: Callable[[int], Place | None]
    ) -> None:
        self._node = node
        self._opened = opened
        self._where = where
        self._worker = node.worker("places")
        node.service("memory/name_place", self._serve)

    def hear(self, text: str, stamp_ns: int) -> None:
        """Learn the name of a place if one is said; returns at once."""
        if said_name(text):
            self._worker.submit(self._learn, text, stamp_ns, self._where(stamp_ns))

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
        return self._opened().name_place(again).result(COMMIT_TIMEOUT_S)

    def _serve(
        self, request: NamePlace.Request, response: NamePlace.Response
    ) -> NamePlace.Response:
        if request.forget:
            gone = self._opened().forget_place(request.name).result(COMMIT_TIMEOUT_S)
            response.success, response.message = True, f"{gone.name} is forgotten"
            return response
        now_ns = self._node.clock.now_ns()
        with self._node.guard:  # callbacks add poses
            where = self._where(now_ns)
        place = self._name(request.name, where, now_ns)
        response.success, response.message = True, f"{place.name} is here"
        response.frame, response.radius_m = place.frame, place.radius_m
        response.centre.x, response.centre.y, response.centre.z = place.centre
        response.namings = min(place.namings, 2**32 - 1)
        return response
