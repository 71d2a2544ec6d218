"""Nodes whose model is missing, damaged, another one, or loaded on demand."""

from collections.abc import Callable, Iterator
from pathlib import Path

import onnxruntime
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from encoder_inputs import header, scene, utterance
from model_copies import certify, copy_model

from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.lockstep.host import LockstepHost
from sage_encoders.backends import minilm
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.core.card import ModelError
from sage_encoders.nodes.audio_encoder_node import AudioEncoderNode
from sage_encoders.nodes.language_encoder_node import LanguageEncoderNode
from sage_encoders.nodes.vision_encoder_node import VisionEncoderNode
from sage_msgs.msg import ResourcePressure

NODES = {"vision_encoder": VisionEncoderNode, "audio_encoder": AudioEncoderNode}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[LockstepHost]:
    host = LockstepHost(home=tmp_path / "home")
    yield host
    host.close()
    assert REGISTRY.open_models == 0, "a model was left behind"


@pytest.fixture
def folder(models: Path, tmp_path: Path) -> Path:
    """Models and cards that a test may damage."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in NODES:
        copy_model(models, folder, name)
    for name in (minilm.CARD_FILE, minilm.VOCABULARY_FILE):
        (folder / name).write_bytes((models / name).read_bytes())
    return folder


def newest_status(host: LockstepHost) -> DiagnosticStatus:
    """What /diagnostics says last."""
    host.run_for(1.5)
    arrays = [item.message() for item in host.outputs if item.topic == "/diagnostics"]
    return arrays[-1].status[0]


def shown(host: LockstepHost) -> dict[str, str]:
    """Keys and values of what it says."""
    return {item.key: item.value for item in newest_status(host).values}


def show_picture(host: LockstepHost) -> int:
    """Send a picture; how many puzzles have been made so far."""
    stamp = header(host.clock.now_ns(), "front")
    host.publish("camera/image_raw", array_to_image(scene(0), "rgb8", stamp), name="front")
    host.run_for(0.1)
    return len(host.messages("puzzle", modality="vision"))


def truncate(path: Path) -> str:
    path.write_bytes(path.read_bytes()[:1000])
    return r"1000 bytes.*card says .* bytes.*damaged"


def flip_a_bit(path: Path) -> str:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    return "SHA-256 .*but its card says"


def write_no_network(path: Path) -> str:
    path.write_bytes(b"no network at all")
    certify(path)
    return "ONNX Runtime cannot load it"


def take_another_model(path: Path) -> str:
    other = next(name for name in NODES if name != path.stem)
    path.write_bytes((path.parent / f"{other}.onnx").read_bytes())
    certify(path)
    return "takes (image|log_mel): expected (image|log_mel)"


def take_the_card_of_another(path: Path) -> str:
    other = next(name for name in NODES if name != path.stem)
    path.with_suffix(".json").write_bytes((path.parent / f"{other}.json").read_bytes())
    return f"its card describes {other}.onnx, another model"


def remove(path: Path) -> str:
    path.unlink()
    return "no such model file"


@pytest.mark.parametrize("name", NODES)
@pytest.mark.parametrize(
    "damage",
    [truncate, flip_a_bit, write_no_network, take_another_model, take_the_card_of_another, remove],
)
def test_a_wrong_file_leaves_the_node_inactive_until_it_is_mended(
    host: LockstepHost, folder: Path, name: str, damage: Callable[[Path], str]
) -> None:
    path = folder / f"{name}.onnx"
    whole, card = path.read_bytes(), path.with_suffix(".json").read_bytes()
    node = host.add(NODES[name], parameters={"models_dir": str(folder)}, activate=False)
    reason = damage(path)
    with pytest.raises(ModelError, match=rf"{name}\.onnx: .*{reason}"):
        node.activate()
    assert not node.active and REGISTRY.open_models == 0
    path.write_bytes(whole)
    path.with_suffix(".json").write_bytes(card)
    node.activate()
    assert node.active and shown(host)["model_loaded"] == "True"


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the language network where the node looks for it."""
    path = tmp_path / "model.onnx"
    path.write_bytes(minilm.network_file().read_bytes())
    monkeypatch.setattr(minilm, "network_file", lambda: path)
    return path


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, remove])
def test_a_wrong_language_network_until_it_is_mended(
    host: LockstepHost, network: Path, damage: Callable[[Path], str]
) -> None:
    whole = network.read_bytes()
    node = host.add(LanguageEncoderNode, activate=False)
    reason = damage(network)
    with pytest.raises(ModelError, match=rf"model\.onnx: .*{reason}"):
        node.activate()
    assert not node.active
    network.write_bytes(whole)
    node.activate()
    host.publish("text", utterance(host.clock.now_ns(), "it works again"))
    host.run_for(0.2)
    assert len(host.messages("puzzle", modality="language")) == 1


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_missing_precision_is_an_error(host: LockstepHost, folder: Path, precision: str) -> None:
    parameters = {"models_dir": str(folder), "precision": precision}
    node = host.add(VisionEncoderNode, parameters=parameters, activate=False)
    with pytest.raises(ModelError, match=rf"vision_encoder_{precision}\.onnx: no such model file"):
        node.activate()


def test_language_has_int8_weights_only(host: LockstepHost) -> None:
    node = host.add(LanguageEncoderNode, parameters={"precision": "fp16"}, activate=False)
    with pytest.raises(ModelError, match="int8 weights: precision = fp16: expected int8 or auto"):
        node.activate()


def test_diagnostics_say_what_runs(host: LockstepHost, folder: Path, models: Path) -> None:
    copy_model(models, folder, "vision_encoder", "vision_encoder_fp16", precision="fp16")
    certify(folder / "vision_encoder.onnx", fastest_that_keeps_quality={"cpu": "fp16"})
    node = host.add(VisionEncoderNode, parameters={"models_dir": str(folder), "provider": "cpu"})
    values = shown(host)
    assert (values["precision"], values["provider"]) == ("fp16", "cpu")
    assert values["encoder_id"].startswith("sage-vision-") and "@" in values["encoder_id"]
    assert values["provider_fault"] == ""
    node.deactivate()
    assert shown(host)["model_loaded"] == "False"


def test_a_provider_that_does_not_start_is_said(
    host: LockstepHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = onnxruntime.get_available_providers()
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", *real]
    )
    with pytest.warns(UserWarning, match="CUDAExecutionProvider"):
        host.add(VisionEncoderNode)
    assert "cuda is present, but does not start" in shown(host)["provider_fault"]
    assert any("runs on cpu" in line.text for line in host.logs if line.level == "warning")
    status = newest_status(host)
    assert status.level == DiagnosticStatus.WARN and "cuda" in status.message
    assert show_picture(host) == 1


def test_two_nodes_share_a_model(host: LockstepHost) -> None:
    left = host.add(VisionEncoderNode, name="left", parameters={"camera": "left"})
    right = host.add(VisionEncoderNode, name="right")
    assert REGISTRY.open_models == 1
    left.deactivate()
    assert REGISTRY.open_models == 1 and show_picture(host) == 1
    right.deactivate()
    assert REGISTRY.open_models == 0


def test_on_demand_it_comes_with_the_first_input_and_leaves_when_idle(host: LockstepHost) -> None:
    host.add(VisionEncoderNode, parameters={"load": "demand", "idle_unload_s": 4.0})
    assert shown(host)["model_loaded"] == "False" and REGISTRY.open_models == 0
    assert show_picture(host) == 1
    first = host.messages("puzzle", modality="vision")[0]
    assert shown(host)["model_loaded"] == "True" and REGISTRY.open_models == 1
    assert show_picture(host) == 2
    host.run_for(3.0)
    assert REGISTRY.open_models == 1, "4 s have not passed since the last picture"
    host.run_for(3.0)
    assert shown(host)["model_loaded"] == "False" and REGISTRY.open_models == 0
    assert show_picture(host) == 3, "and it comes again"
    puzzles = host.messages("puzzle", modality="vision")
    assert bytes(puzzles[0].codes) == bytes(first.codes) == bytes(puzzles[-1].codes)


def test_on_demand_without_idle_time_it_stays(host: LockstepHost) -> None:
    node = host.add(VisionEncoderNode, parameters={"load": "demand"})
    assert show_picture(host) == 1
    host.run_for(100.0)
    assert REGISTRY.open_models == 1
    node.deactivate()
    assert REGISTRY.open_models == 0


def test_on_demand_a_wrong_file_is_a_problem_until_it_is_mended(
    host: LockstepHost, folder: Path
) -> None:
    path = folder / "vision_encoder.onnx"
    whole = path.read_bytes()
    truncate(path)
    node = host.add(VisionEncoderNode, parameters={"models_dir": str(folder), "load": "demand"})
    assert show_picture(host) == 0 and node.active
    status = newest_status(host)
    assert status.level == DiagnosticStatus.ERROR and "damaged" in status.message
    path.write_bytes(whole)
    host.run_for(5.0)
    assert show_picture(host) == 1
    assert "damaged" not in newest_status(host).message


def pressure(host: LockstepHost, level: int) -> None:
    host.publish("pressure", ResourcePressure(header=header(host.clock.now_ns(), ""), level=level))
    host.run_for(0.1)


def test_under_pressure_a_model_that_nobody_uses_leaves_and_comes_back_with_the_next_input(
    host: LockstepHost, models: Path
) -> None:
    host.add(LanguageEncoderNode, parameters={"models_dir": str(models)})
    assert shown(host)["model_loaded"] == "True"
    host.run_for(6.0)
    pressure(host, ResourcePressure.RED)
    found = shown(host)
    assert found["model_loaded"] == "False" and REGISTRY.open_models == 0
    assert float(found["given back: model [MB]"]) > 10.0
    host.publish("text", utterance(host.clock.now_ns(), "a dog barks"))
    host.run_for(0.5)
    assert len(host.messages("puzzle", modality="language")) == 1
    assert shown(host)["model_loaded"] == "True"


def test_under_pressure_a_model_in_use_stays(host: LockstepHost, models: Path) -> None:
    host.add(VisionEncoderNode, parameters={"models_dir": str(models)})
    host.run_for(6.0)
    assert show_picture(host) == 1
    pressure(host, ResourcePressure.RED)
    assert shown(host)["model_loaded"] == "True"
