"""What makes experiences of percepts, as the parameters of the memory node say."""

from __future__ import annotations

from collections.abc import Mapping

from sage_common.core.errors import InvalidInput
from sage_common.core.specs.modality import ModalitySpec
from sage_memory.core.ingest.observer import Observer
from sage_memory.core.ingest.pose_buffer import PoseBuffer
from sage_memory.core.ingest.privacy import Privacy
from sage_memory.core.ingest.short_term import RetentionPolicy
from sage_memory.core.places.named_place import plain_name
from sage_memory.params import MemoryParameters


def observer_of(parameters: MemoryParameters, specs: Mapping[str, ModalitySpec]) -> Observer:
    """The observer, with nothing seen yet.

    Raises:
        InvalidInput: a private modality that nobody declares, or a place whose name is none.
    """
    p = parameters
    policy = RetentionPolicy(p.buffer_items, p.newer_items, p.false_alarms_per_hour, p.spacing_s)
    poses = PoseBuffer(p.max_place_sigma_m, p.max_place_age_s)
    remembered = {name: specs[name] for name in p.modalities}
    privacy = _privacy_of(p, specs, poses)
    return Observer(remembered, policy, p.words_window_s, poses, privacy)


def _privacy_of(
    p: MemoryParameters, specs: Mapping[str, ModalitySpec], poses: PoseBuffer
) -> Privacy:
    for name in p.private_modalities:
        if name not in specs:
            expected = f"modalities that are declared: {', '.join(specs)}"
            raise InvalidInput("private_modalities", name, expected)
    private = {name: specs[name] for name in p.private_modalities}
    return Privacy(private, [plain_name(name) for name in p.private_places], poses)
