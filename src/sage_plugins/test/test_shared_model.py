"""The plugin look and the vision encoder's node run one model, not two."""

from __future__ import annotations

from orchestrator_graph import started

from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.core.vision import MODEL, SIGNATURE
from sage_encoders.nodes.loaded_encoder import load_onnx
from sage_encoders.params import VisionEncoderParameters
from sage_orchestrator.core.plugin.setup import set_up
from sage_plugins.params import LookParameters
from sage_plugins.specs import LOOK


def test_both_lease_the_same_model_and_the_last_one_closes_it(tmp_path):
    before = REGISTRY.open_models
    host = started(tmp_path, ["recall"])
    offered = host.nodes[-1]._capabilities.offered()
    look = set_up(LOOK, LookParameters(), offered).create()
    look.load()
    of_node = load_onnx(MODEL, VisionEncoderParameters(), SIGNATURE, lambda model: model)
    assert look._lease.model is of_node.lease.model
    held = REGISTRY.open_models
    assert held - before in (0, 1), "0 if an earlier test of this process holds that model, too"
    look.unload()
    assert REGISTRY.open_models == held
    of_node.lease.close()
    assert REGISTRY.open_models == before
