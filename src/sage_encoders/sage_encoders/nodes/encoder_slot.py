"""The encoder of a node: loaded at activation or with the first input, and gone when not needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from sage_common.core.clock import NS_PER_S
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_common.ros.node import SageNode
from sage_common.ros.pressure import Cost
from sage_encoders.core.card import ModelError
from sage_encoders.nodes.loaded_encoder import LoadedEncoder

E = TypeVar("E", bound=Stateful)
RETRY_NS = 5 * NS_PER_S
GIVE_BACK_AFTER_NS = 5 * NS_PER_S
"""A model that was used since then would be loaded again at once."""
PROBLEM = "model"


class EncoderSlot(Stateful, Generic[E]):
    """Holds a node's encoder by its parameters `load` and `idle_unload_s`.

    Make it in `on_configure`, for it adds a timer; call `activate` and `deactivate` from the hooks.

    Args:
        node: whose encoder it is.
        load: loads it; raises ModelError.
    """

    _loaded: State[LoadedEncoder[E] | None] = None
    _used_ns: State[int] = 0
    _next_try_ns: State[int] = 0
    _fault: State[str] = ""
    _given_back: State[bool] = False

    def __init__(self, node: SageNode, load: Callable[[], LoadedEncoder[E]]) -> None:
        self._node, self._load_encoder = node, load
        self._lock = threading.Lock()
        self._users = 0
        self._on_demand = node.parameters.load == "demand"
        idle_s = node.parameters.idle_unload_s
        node.reclaimable("model", Cost.RELOAD, self._held_bytes, self._relieve, self._kept_bytes)
        if self._on_demand and idle_s > 0.0:
            node.timer(idle_s / 4.0, lambda: self._unload_idle(round(idle_s * NS_PER_S)))

    def activate(self) -> None:
        """Load now, unless it is loaded on demand.

        Raises:
            ModelError: the model cannot be used.
        """
        self._next_try_ns = 0
        self._node.diagnose(model_loaded=False)
        if not self._on_demand:
            with self._lock:
                self._load()

    def deactivate(self) -> None:
        """Unload."""
        with self._lock:
            self._unload()
        self._node.set_problem(PROBLEM, "")

    @property
    def current(self) -> E | None:
        """The encoder if it is loaded; it may leave at any time."""
        return None if self._loaded is None else self._loaded.encoder

    @contextmanager
    def encoder(self) -> Iterator[E | None]:
        """The encoder, which does not leave meanwhile; None while the node is not active.

        Raises:
            ModelError: it is loaded on demand, and cannot be. Tried again after 5 s at the soonest.
        """
        with self._lock:
            wanted = self._on_demand or self._given_back
            if self._loaded is None and wanted and self._node.active:
                self._load_on_demand()
            loaded = self._loaded
            self._users += 1
        try:
            yield loaded.encoder if loaded is not None else None
        finally:
            with self._lock:
                self._users -= 1
                self._used_ns = self._node.clock.now_ns()

    def _load_on_demand(self) -> None:
        now_ns = self._node.clock.now_ns()
        if now_ns < self._next_try_ns:
            raise ModelError(self._fault)
        try:
            self._load()
        except ModelError as error:
            self._next_try_ns, self._fault = now_ns + RETRY_NS, str(error)
            self._node.set_problem(PROBLEM, str(error))
            raise
        self._node.set_problem(PROBLEM, "")

    def _load(self) -> LoadedEncoder[E]:
        began_ns = self._node.stopwatch_ns()
        loaded = self._loaded = self._load_encoder()
        took_ns = self._node.stopwatch_ns() - began_ns
        for text in loaded.warnings:
            self._node.log.warning(text)
        if loaded.warnings:
            self._node.set_health("warn", "; ".join(loaded.warnings))
        self._node.diagnose(**loaded.facts, model_loaded=True, load_ms=round(took_ns / 1e6, 1))
        return loaded

    def _held_bytes(self) -> int:
        return 0 if (loaded := self._loaded) is None else loaded.size_bytes

    def _kept_bytes(self) -> int:
        return 0 if self._is_idle(GIVE_BACK_AFTER_NS) else self._held_bytes()

    def _is_idle(self, idle_ns: int) -> bool:
        return self._users == 0 and self._node.clock.now_ns() - self._used_ns >= idle_ns

    def _relieve(self, level: int) -> None:
        """Under pressure, give back a model that was not used of late; it is loaded when needed."""
        if level:  # above green
            self._unload_idle(GIVE_BACK_AFTER_NS)
            self._given_back = self._loaded is None

    def _unload_idle(self, idle_ns: int) -> None:
        if not self._lock.acquire(blocking=False):
            return  # it is being loaded, which a timer must not wait for: it is in use
        try:
            if self._is_idle(idle_ns):
                self._unload()
        finally:
            self._lock.release()

    def _unload(self) -> None:
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            loaded.lease.close()
            self._node.diagnose(model_loaded=False)

    def make_part(self, key: str, values: Mapping[str, Any]) -> LoadedEncoder[E]:
        """Load again what was loaded; raises ModelError."""
        with self._lock:
            return self._load()
