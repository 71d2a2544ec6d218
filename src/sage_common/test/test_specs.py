"""What packages declare is found, checked, and named where it is wrong; nothing else is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from installed_package import install
from rclpy.validate_node_name import validate_node_name

from sage_common.core.errors import InvalidInput
from sage_common.core.specs.effector import EffectorSpec, effectors
from sage_common.core.specs.entry_points import offers
from sage_common.core.specs.modality import (
    NAME,
    RESERVED,
    UNDECLARED,
    ModalitySpec,
    ModalitySpecs,
    modalities,
    usual_modalities,
)
from sage_common.core.topics import TOPICS, filled_topic

SPEC = "from sage_common.core.specs.modality import ModalitySpec\n"
GROUP = "sage.modalities"
EFFECTOR: dict[str, Any] = {
    "name": "head",
    "effector": "my_robot.head:Head",
    "meaning": "turns the head",
    "timeout_s": 2.0,
    "reversible": True,
    "limits": {"pan_rad": (-1.5, 1.5)},
}


def test_a_modality_of_a_package_is_found_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SPEC + 'WARM = ModalitySpec("warm_a", topic="/warm", type="sensor_msgs/msg/Temperature")'
    install(tmp_path, "thermometer", {"warm_a_spec": text}, {GROUP: {"warm_a": "warm_a_spec:WARM"}})
    assert "warm_a" not in modalities().specs
    monkeypatch.syspath_prepend(tmp_path)
    assert ModalitySpecs()["warm_a"].topic == "/warm"
    assert modalities().offers["warm_a"].package == "thermometer"
    assert usual_modalities()[-1] == "warm_a"
    assert ModalitySpecs()["unheard_of"] is UNDECLARED


def test_an_instance_has_what_is_declared_of_its_kind() -> None:
    specs = ModalitySpecs(("speech language", "cellar cellar_kind"))
    assert specs["speech"].words and specs["speech"].name == "speech"
    assert specs["cellar"] is UNDECLARED and specs.missing == ("cellar cellar_kind",)
    assert ModalitySpecs(("rear_ vision",)).missing == ("rear_ vision",), "of an older store"
    assert filled_topic("puzzle", ModalitySpecs(("left vision",)), modality="left").rate_hz == 30.0
    with pytest.raises(InvalidInput, match="instances = 'speech': expected MODALITY INSTALLED"):
        ModalitySpecs(("speech",))


WRONG = [
    ("x = 1 / 0", "spec", ("a module that can be imported", "ZeroDivisionError")),
    ("raise SystemExit(3)", "spec", ("a module that can be imported", "SystemExit: 3")),
    (r"raise ValueError('a\ud800\0')", "spec", (r"(ValueError: a\ud800\x00)",)),
    ("", "missing", ("an attribute missing in",)),
    ("spec = 7", "spec", ("= 7: expected a ModalitySpec",)),
    ("spec = ModalitySpec('other')", "spec", ("name = 'other': expected NAME",)),
    ("spec = ModalitySpec('NAME', rate_hz='fast')", "spec", ("rate_hz = 'fast'", "a number")),
    ("spec = ModalitySpec('NAME', rate_hz=-1.0)", "spec", ("left out: rate_hz = -1.0: expected",)),
    ("spec = ModalitySpec('NAME', speed=3)", "spec", ("'speed'", "fields of ModalitySpec: name")),
]


@pytest.mark.parametrize(("text", "attribute", "words"), WRONG)
def test_a_wrong_spec_is_named_and_the_others_stay(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    attribute: str,
    words: tuple[str, ...],
) -> None:
    name = f"bad_{WRONG.index((text, attribute, words))}"
    good = SPEC + f"spec = ModalitySpec('good_{name}')"
    install(
        tmp_path,
        "strangers",
        {f"{name}_module": SPEC + text.replace("NAME", name), f"good_{name}_module": good},
        {GROUP: {name: f"{name}_module:{attribute}", f"good_{name}": f"good_{name}_module:spec"}},
    )
    monkeypatch.syspath_prepend(tmp_path)
    registry = modalities()
    (fault,) = registry.faults
    assert name not in registry.specs and f"good_{name}" in registry.specs
    said = str(fault)
    assert said.startswith(f"sage.modalities {name} of package strangers is left out: ")
    assert all(word.replace("NAME", name) in said for word in words), said


def test_an_interrupt_while_a_package_is_read_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = {"interrupting_spec": "raise KeyboardInterrupt"}
    install(tmp_path, "interrupting", modules, {GROUP: {"stopped": "interrupting_spec:spec"}})
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        modalities()


def test_of_two_of_one_name_the_first_package_counts_and_the_other_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("zebra", "ant"):
        text = SPEC + f"spec = ModalitySpec('twice', meaning='of {package}')"
        install(
            tmp_path, package, {f"{package}_spec": text}, {GROUP: {"twice": f"{package}_spec:spec"}}
        )
    monkeypatch.syspath_prepend(tmp_path)
    assert ModalitySpecs()["twice"].meaning == "of ant"
    (fault,) = modalities().faults
    assert fault.offer.package == "zebra" and "packages ant and zebra both declare" in str(fault)
    assert "that of ant is used" in str(fault)
    assert fault.fix == "of packages ant and zebra uninstall one, or rename it in one"


def test_a_package_is_not_ours_because_of_how_its_name_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("sage-thermometer", "apricot"):
        text = SPEC + f"spec = ModalitySpec('alike', meaning='of {package}')"
        module = f"{package[:4]}_alike"
        install(tmp_path, package, {module: text}, {GROUP: {"alike": f"{module}:spec"}})
    text = SPEC + "spec = ModalitySpec('vision')"
    install(tmp_path, "a-camera", {"a_camera": text}, {GROUP: {"vision": "a_camera:spec"}})
    monkeypatch.syspath_prepend(tmp_path)
    registry = modalities()
    assert registry.specs["alike"].meaning == "of apricot"
    assert registry.offers["vision"].package == "sage_encoders"
    fixes = {fault.offer.name: fault.fix for fault in registry.faults}
    assert fixes["vision"] == "rename it in package a-camera, or uninstall that"


def test_specs_are_read_without_what_they_name() -> None:
    code = (
        "import sys; from sage_common.core.specs import modality, effector\n"
        "modality.modalities(); effector.effectors()\n"
        "heavy = {'rclpy', 'cv2', 'onnxruntime', 'numpy'} & set(sys.modules)\n"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("name", "Warm", "small letters"),
        ("name", 7, "a string"),
        ("encoder", "no_class", "module:attribute"),
        ("topic", "warm", "absolute name"),
        ("type", "Temperature", "package/msg/Type"),
        ("topic", "/warm", "that of the topic"),
        ("stream", "nose", "one of nothing, camera"),
        ("name", "a__b", "no two _ in a row"),
        ("name", "a_b_", "or _ at the end"),
        ("name", "w" * 65, "at most 64"),
        ("name", "memory", "SAGE uses this one itself"),
        ("rate_hz", -1.0, "0.001 to 10000 Hz, 0 for events"),
        ("rate_hz", float("nan"), "0 for events, or None"),
        ("rate_hz", 1e9, "0.001 to 10000 Hz"),
        ("rate_hz", 1e-9, "0.001 to 10000 Hz"),
        ("layout", "round", "one of picture"),
        ("summary", -1, "at least 0"),
        ("payload", "jpeg", "one of message"),
        ("window_s", -0.1, "at least 0 s"),
        ("parameters", ["high"], "values by the names"),
        ("executable", "node", "package/executable"),
        ("executable", "package/node", "module:Class"),
        ("on", "yes", "True or False"),
        ("order", True, "a whole number"),
    ],
)
def test_a_field_of_a_modality_that_is_wrong_is_refused(
    field: str, value: object, expected: str
) -> None:
    given: dict[str, Any] = {"name": "warm", field: value}
    with pytest.raises(InvalidInput, match=expected):
        ModalitySpec(**given)


def test_names_at_the_bounds_are_taken_and_reserved_are_those_of_our_topics() -> None:
    for name in ("w" * 64, "a", "a_b", "rear_camera"):
        assert ModalitySpec(name).name == name
        assert validate_node_name(f"{name}_encoder") and validate_node_name(f"{name}_scorer")
    ours = {spec.name.partition("/")[0] for spec in TOPICS.values()}
    assert {name for name in ours if NAME.fullmatch(name)} <= RESERVED


def test_what_comes_seldom_counts_as_events_and_what_is_unknown_does_not() -> None:
    rates = {None: False, 0.0: True, 1.0: True, 2.0: False, 30.0: False}
    assert {rate: ModalitySpec("warm", rate_hz=rate).is_event for rate in rates} == rates


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("name", "Head", "small letters"),
        ("effector", "Head", "module:Class"),
        ("meaning", "", "one line"),
        ("timeout_s", 0.0, "above 0 s"),
        ("timeout_s", float("inf"), "above 0 s"),
        ("reversible", 1, "True or False"),
        ("limits", [1.0], "by quantity"),
        ("limits", {"pan_rad": (1.0, -1.0)}, "the lower first"),
        ("limits", {"pan_rad": (0.0, float("nan"))}, "two finite numbers"),
    ],
)
def test_a_field_of_an_effector_that_is_wrong_is_refused(
    field: str, value: object, expected: str
) -> None:
    with pytest.raises(InvalidInput, match=expected):
        EffectorSpec(**{**EFFECTOR, field: value})


def test_an_effector_of_a_package_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "from sage_common.core.specs.effector import EffectorSpec\n"
    text += f"HEAD = EffectorSpec(**{EFFECTOR!r})"
    install(
        tmp_path, "robot", {"robot_spec": text}, {"sage.effectors": {"head": "robot_spec:HEAD"}}
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert effectors().specs["head"].limits == {"pan_rad": (-1.5, 1.5)}
    assert [offer.package for offer in offers("sage.effectors")] == ["robot"]
