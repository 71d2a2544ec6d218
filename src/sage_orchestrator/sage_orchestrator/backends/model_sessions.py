"""The capability `model_session`: models of a folder, in whichever process it is made."""

from __future__ import annotations

from sage_orchestrator.core.plugin import ModelLease
from sage_orchestrator.core.plugin.capabilities import ModelSessions


def sessions_of(models_dir: str) -> ModelSessions:
    """What opens models of a folder; empty: $SAGE_MODELS or the installed ones."""

    def model_session(name: str, precision: str = "auto") -> ModelLease:
        # Imported on first use: the node starts, and others run, without the model's runtime.
        from sage_encoders.backends.model_registry import REGISTRY
        from sage_encoders.backends.models_folder import models_folder

        return REGISTRY.open_batched(name, models_folder(models_dir), precision)

    return model_session
