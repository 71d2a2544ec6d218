"""The text embedder that a node's parameters ask for, on a leased model."""

from __future__ import annotations

from sage_encoders.backends import sentence_transformer
from sage_encoders.backends.minilm import OpenTextEmbedder, network_file
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.core.card import ModelError
from sage_encoders.core.language import TextEmbedder
from sage_encoders.nodes.loaded_encoder import LoadedEncoder, onnx_facts, onnx_warnings
from sage_encoders.params import LanguageEncoderParameters


def load_text_embedder(parameters: LanguageEncoderParameters) -> LoadedEncoder[TextEmbedder]:
    """The embedder of parameter `backend`.

    Raises:
        ModelError: it is not installed, or its model cannot be used.
    """
    if parameters.backend == "onnx_int8":
        return _on_onnx(parameters)
    missing = sentence_transformer.missing_packages()
    if parameters.backend == "auto" and missing:
        warning = f"language runs on onnx_int8: {', '.join(missing)} not installed (thor.in)"
        return _on_onnx(parameters, (warning,))
    return _on_pytorch(parameters)


def _on_onnx(
    parameters: LanguageEncoderParameters, warnings: tuple[str, ...] = ()
) -> LoadedEncoder[TextEmbedder]:
    if parameters.precision not in ("auto", "int8"):
        raise ModelError(
            f"backend onnx_int8: {network_file()} has int8 weights: "
            f"precision = {parameters.precision}: expected int8 or auto"
        )
    folder = models_folder(parameters.models_dir)
    lease = REGISTRY.lease(
        ("minilm", folder.resolve(), parameters.provider, parameters.threads),
        lambda: OpenTextEmbedder(folder, parameters.provider, parameters.threads),
    )
    model = lease.model.network
    facts = {**onnx_facts(model), "backend": "onnx_int8", "precision": "int8"}
    return LoadedEncoder(
        lease.model.embedder, lease, facts, warnings + onnx_warnings(model), model.size_bytes
    )


def _on_pytorch(parameters: LanguageEncoderParameters) -> LoadedEncoder[TextEmbedder]:
    device, precision = sentence_transformer.placement(parameters.provider, parameters.precision)
    lease = REGISTRY.lease(
        ("sentence_transformers", device, precision, parameters.threads),
        lambda: sentence_transformer.SentenceTransformerModel(
            device, precision, parameters.threads
        ),
    )
    model = lease.model
    facts = {
        "backend": "sentence_transformers",
        "provider": device,
        "precision": precision,
        "weights_sha256": model.card.sha256,
        "encoder_id": model.encoder_id,
    }
    return LoadedEncoder(TextEmbedder(model, model.tokenize), lease, facts)
