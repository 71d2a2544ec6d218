"""Keeps what mattered, and answers questions about it."""

from __future__ import annotations

import os
from typing import Any

from geometry_msgs.msg import PoseWithCovarianceStamped
from numpy.typing import NDArray

from sage_common.core.diagnosis import stages
from sage_common.core.errors import InvalidInput
from sage_common.core.state.arrays import Arrays, nest, section_of
from sage_common.core.state.fields import State, Transient, renamed
from sage_common.ros.conversions.percepts import percept_of
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.node import SageNode
from sage_encoders.core.card import ModelError
from sage_memory.backends.sealed_state import StateSeal
from sage_memory.core.errors import MemoryFailure
from sage_memory.core.ingest.observer import Observer
from sage_memory.core.ingest.short_term import Moment
from sage_memory.core.ingest.utterance_buffer import HeardText
from sage_memory.core.memory import Memory
from sage_memory.core.opening import find_store
from sage_memory.nodes import messages
from sage_memory.nodes.experience_writer import ExperienceWriter
from sage_memory.nodes.housekeeping import Housekeeping
from sage_memory.nodes.ingest import observer_of
from sage_memory.nodes.memory_services import MemoryServices
from sage_memory.nodes.payload_sources import PayloadSources, limits_of
from sage_memory.nodes.place_service import PlaceService
from sage_memory.nodes.sleep_service import SleepService
from sage_memory.params import MemoryParameters
from sage_msgs.msg import FusedSalience, Puzzle, Utterance

PERIOD_S = 0.5


class MemoryNode(SageNode):
    """Percepts and salience in; experiences out, after they are safe on the disk."""

    default_name = "memory"
    parameters_type = MemoryParameters
    refusals = (InvalidInput, MemoryFailure, ModelError, ServiceUnavailable, OSError)
    old_keys = renamed(observer="")
    _observer: State[Observer]
    _dominant: Transient[str]
    _payloads: Transient[PayloadSources | None]
    _sleep_service: Transient[SleepService]
    _writer: Transient[ExperienceWriter]

    def modalities_in_use(self) -> tuple[str, ...]:
        return tuple(self.parameters.modalities)

    def on_configure(self) -> None:
        p: MemoryParameters = self.parameters
        self._observer = observer_of(p, self.modality_specs)
        self._found = find_store(
            self.home, os.environ, url=p.database_url, key_file=p.encryption_key_file
        )
        self._seal = StateSeal(self._found.key)
        self._memory: Memory | None = None
        self._dominant = ""
        self._payloads = PayloadSources(self, p) if p.payloads else None
        remembering = self.timing(stages.REMEMBER)
        for modality in p.modalities:
            self.subscribe("puzzle", self._on_puzzle, modality=modality).timing = remembering
        self.subscribe("fused_salience", self._on_salience).timing = remembering
        self.subscribe("text", self._on_text)
        self.subscribe("pose", self._on_pose)
        self._writer = ExperienceWriter(self, self._opened, self._observer, self._payloads, p)
        self._places = PlaceService(self, self._opened, lambda: self._observer)
        self._services = MemoryServices(self, self._opened, self._newest, self._writer.now)
        self._sleep_service = SleepService(self, self._opened, p)
        self._housekeeping = Housekeeping(self, self._opened, self._sleep_service)
        self.timer(PERIOD_S, self._on_timer)

    def on_activate(self) -> None:
        self._memory = Memory.open(
            self.home,
            clock=self.clock,
            rng=self.rng,
            device_id=self.parameters.device_id,
            limits=limits_of(self.parameters),
            url=self._found.url,
            key=self._found.key,
            instances=self.parameters.instances,
        )
        self._housekeeping.warn_of_undeclared(self._memory)
        self._places.read()

    def on_deactivate(self) -> None:
        self._writer.drain()
        self._places.drain()
        if self._payloads is not None:
            self._payloads.close()
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def state(self) -> dict[str, NDArray[Any]]:
        return self._seal.seal(super().state())

    def restore(self, state: Arrays) -> None:
        plain = self._seal.unseal(state)
        super().restore({name.replace("/", "."): array for name, array in plain.items()})

    def snapshot(self) -> dict[str, NDArray[Any]]:
        return self._seal.seal({**super().snapshot(), **nest("store", self._opened().suspend())})

    def resume(self, snapshot: Arrays) -> None:
        plain = self._seal.unseal(snapshot)
        super().resume(plain)
        self._opened().resume(section_of(plain, "store"))

    def _on_puzzle(self, message: Puzzle) -> None:
        if message.valid:
            self._writer.later(*self._observer.note(percept_of(message)))

    def _on_text(self, message: Utterance) -> None:
        stamp = stamp_ns(message.header.stamp)
        words = HeardText(stamp, message.text, speaker=message.speaker)
        if self._observer.hear(words, message.header.frame_id):
            self._places.hear(message.text, stamp)

    def _on_pose(self, message: PoseWithCovarianceStamped) -> None:
        self._observer.poses.add(stamp_ns(message.header.stamp), messages.place_of(message))

    def _on_salience(self, message: FusedSalience) -> None:
        self._dominant = message.dominant_modality
        stamp = stamp_ns(message.header.stamp)
        self._sleep_service.note_salience(message, stamp)
        if (scored := messages.scored_of(message)) is not None:
            self._writer.later(self._observer.score(message.trigger_modality, stamp, scored))

    def _newest(self, modality: str) -> Moment | None:
        return self._observer.newest(modality or self._dominant)

    def _opened(self) -> Memory:
        if self._memory is None:
            raise MemoryFailure("the memory is closed")
        return self._memory

    def _on_timer(self) -> None:
        now_ns = self.clock.now_ns()
        self._writer.later(*self._observer.expire(now_ns))
        self._housekeeping.tick(self._observer.facts(now_ns))
