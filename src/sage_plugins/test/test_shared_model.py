"""The plugin look and the vision encoder's node run one model, not two."""

from __future__ import annotations

import pytest
from orchestrator_graph import started

from sage_encoders.backends import model_registry
from sage_encoders.backends.model_registry import ModelRegistry
from sage_encoders.core.vision import MODEL, SIGNATURE
from sage_encoders.nodes import loaded_encoder
from sage_encoders.nodes.loaded_encoder import load_onnx
from sage_encoders.params import VisionEncoderParameters
from sage_orchestrator.core.plugin.setup import set_up
from sage_plugins.params import LookParameters
from sage_plugins.specs import LOOK


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> ModelRegistry:
    """One of the test's own: earlier tests of this process may hold models in that of all."""
    own = ModelRegistry()
    monkeypatch.setattr(model_registry, "REGISTRY", own)
    monkeypatch.setattr(loaded_encoder, "REGISTRY", own)
    return own


def test_both_lease_the_same_model_and_the_last_one_closes_it(tmp_path, registry):
    host = started(tmp_path, ["recall"])
    offered = host.nodes[-1]._capabilities.offered()
    before = registry.open_models
    look = set_up(LOOK, LookParameters(), offered).create()
    look.load()
    of_node = load_onnx(MODEL, VisionEncoderParameters(), SIGNATURE, lambda model: model)
    assert look._lease.model.apart is of_node.lease.model
    assert registry.open_models == before + 1
    look.unload()
    assert registry.open_models == before + 1
    of_node.lease.close()
    assert registry.open_models == before
