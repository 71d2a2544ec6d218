"""`sage doctor` lists what packages offer; what one declares wrongly is left out and named."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
from installed_package import install

from sage.cli import main
from sage.doctor.packages import offered
from sage.graph.description import GraphOptions, describe
from sage_common.core.specs.modality import usual_modalities

pytestmark = pytest.mark.usefixtures("defaults_without_packages")


def test_a_modality_that_cannot_be_imported_is_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = "from sage_common.core.specs.modality import ModalitySpec\n"
    spec += "GONE = ModalitySpec('gone', encoder='no_such_module:Encoder')\n"
    spec += "ODD = ModalitySpec('odd', topic='/odd', type='odd_msgs/msg/Odd', rate_hz=1.0)"
    spec += "\nBARE = ModalitySpec('bare', topic='/bare', type='std_msgs/msg/String')"
    spec += "\nWORD = ModalitySpec('word', topic='/w', type='std_msgs/msg/String', payload='none')"
    points = {name: f"strange_spec:{name.upper()}" for name in ("gone", "odd", "lost", "bare")}
    points["sound"] = "strange_spec:sound"
    points["word"] = "strange_spec:WORD"
    install(tmp_path, "strange", {"strange_spec": spec}, {"sage.modalities": points})
    monkeypatch.syspath_prepend(tmp_path)
    described = describe(GraphOptions(source="topics"))
    names = [modality.name for modality in described.modalities]
    assert names == [*list(usual_modalities())[:4], "word"]
    assert {"vision_encoder", "vision_scorer"} <= {node.name for node in described.nodes}
    said = "\n".join(described.warnings)
    for words in (
        "sage.modalities gone of package strange is left out: encoder = 'no_such_module:Encoder'",
        "odd of package strange is left out: type = 'odd_msgs/msg/Odd': expected an installed",
        "lost of package strange is left out",
        "bare of package strange is left out: type = 'std_msgs/msg/String': expected a type that "
        "begins with a header",
        "an attribute LOST in strange_spec",
    ):
        assert words in said, said
    assert main(["doctor", "--json"]) in (0, 1)
    found = json.loads(capsys.readouterr().out)
    warned = [item["text"] for item in found if item["name"] == "package strange"]
    assert len(warned) == 5 and all(item in said for item in warned)


def test_the_doctor_lists_what_packages_offer(
    installed_thermometer: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    effector = "from sage_common.core.specs.effector import EffectorSpec\n"
    effector += "HEAD = EffectorSpec('head', 'robot:Head', 'turns the head', 2.0, True, "
    effector += "{'pan_rad': (-1.5, 1.5)})\nHead = create = object\n"
    install(
        tmp_path,
        "robot-parts",
        {"robot": effector},
        {
            "sage.effectors": {"head": "robot:HEAD"},
            "sage.camera_backends": {"eyes": "robot:create", "blind": "robot:nothing"},
        },
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = {finding.name: finding for finding in offered()}
    assert "temperature (thermometer)" in found["modalities"].text
    assert "vision (sage_encoders)" in found["modalities"].text
    assert "recall (sage_plugins)" in found["plugins"].text
    assert found["camera backends"].text == "eyes (robot-parts)"
    said = "turns the head; can be undone; at most 2 s; pan_rad -1.5 to 1.5"
    assert found["effector head (robot-parts)"].text == said
    broken = found["package robot-parts"]
    assert broken.level == "warn" and "sage.camera_backends blind" in broken.text


GROUPS = ("sage.modalities", "sage.irp_plugins", "sage.effectors", "sage.camera_backends")


@pytest.mark.parametrize("group", GROUPS)
def test_a_package_that_exits_when_it_is_imported_is_named_and_the_doctor_goes_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    group: str,
) -> None:
    modules = {"quitting_spec": "raise SystemExit(3)"}
    install(tmp_path, "quitting", modules, {group: {"quits": "quitting_spec:spec"}})
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["doctor", "--json"]) in (0, 1)
    (found,) = (
        item for item in json.loads(capsys.readouterr().out) if item["name"] == "package quitting"
    )
    assert f"{group} quits" in found["text"] and "SystemExit: 3" in found["text"]


@pytest.mark.parametrize("group", GROUPS)
def test_two_packages_that_declare_one_name_are_both_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    made = {
        "sage.modalities": "from sage_common.core.specs.modality import ModalitySpec\n"
        "spec = ModalitySpec('bumper')",
        "sage.irp_plugins": "from sage_orchestrator.core.plugin.spec import *\n"
        "rules = (TriggerRule('percept'),)\n"
        "spec = PluginSpec('bumper', 'sage_plugins.recall:RecallPlugin', rules)",
        "sage.effectors": "from sage_common.core.specs.effector import EffectorSpec\n"
        "spec = EffectorSpec('bumper', 'MODULE:spec', 'bumps', 1.0, False)",
        "sage.camera_backends": "spec = object",
    }[group]
    for package in ("bumper_ant", "bumper_bee"):
        module = f"{package}_{GROUPS.index(group)}"
        modules = {module: made.replace("MODULE", module)}
        install(tmp_path, package, modules, {group: {"bumper": f"{module}:spec"}})
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = (finding for finding in offered() if finding.name.startswith("package bumper"))
    assert "packages bumper_ant and bumper_bee both declare bumper" in found.text
    assert found.fix == "of packages bumper_ant and bumper_bee uninstall one, or rename it in one"


def test_a_class_that_is_no_plugin_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from sage_orchestrator.core.plugin import Plugin, PluginSpec, TriggerRule\n"
    code += "class NotPlugin: pass\n"
    code += "class Half(Plugin):\n    def step(self, state): return state\n"
    code += "RULES = (TriggerRule('attention'),)\n"
    code += "NEAREST = PluginSpec('nearest', 'odd_plugins:NotPlugin', RULES)\n"
    code += "HALF = PluginSpec('half', 'odd_plugins:Half', RULES)\n"
    points = {name: f"odd_plugins:{name.upper()}" for name in ("nearest", "half")}
    install(tmp_path, "odd", {"odd_plugins": code}, {"sage.irp_plugins": points})
    monkeypatch.syspath_prepend(tmp_path)
    found = list(offered())
    assert "nearest" not in next(f.text for f in found if f.name == "plugins")
    half, nearest = sorted(f.text for f in found if f.name == "package odd")
    assert "plugin nearest of package odd" in nearest and "a subclass of Plugin" in nearest
    assert half.endswith("a class that defines energy, init_state, result")
