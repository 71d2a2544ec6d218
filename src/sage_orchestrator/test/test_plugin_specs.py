"""What a plugin declares: what is wrong is refused by name; it sees what it named, no more."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from misbehaving_plugins import HALVING
from orchestrator_graph import MS, diagnostics, header, health, play, started

from sage_common.core.errors import InvalidInput
from sage_common.core.parameters import NodeParameters, ParameterError, build, parameter, specs
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.node import SageNode
from sage_msgs.msg import Utterance
from sage_msgs.srv import Embed
from sage_orchestrator.core.plugin import Plugin, PluginParameters, PluginSpec, TriggerRule
from sage_orchestrator.core.plugin.context import CAPABILITIES, CapabilityNotDeclared, grant
from sage_orchestrator.core.plugin.setup import set_up
from sage_orchestrator.params import OrchestratorParameters

OFFERED = {"percepts": lambda modality, stamp_ns: None, "recall": lambda query: []}


def test_a_plugin_sees_the_capabilities_that_it_names_and_no_others():
    context = grant("probe", ("percepts",), OFFERED)
    assert context.percepts("vision", 1) is None
    with pytest.raises(CapabilityNotDeclared, match="probe uses recall: name it in `needs`"):
        context.recall(None)
    with pytest.raises(AttributeError, match="no attribute world"):
        _ = context.world


@pytest.mark.parametrize(
    ("needs", "words"),
    [
        (
            ("percepts", "framez"),
            "needs of plugin probe = 'framez': expected one of percepts",
        ),
        (("tiles",), "= 'tiles': expected one that is available here: percepts, recall"),
    ],
)
def test_a_capability_that_is_unknown_or_not_to_be_had_is_refused_by_name(needs, words):
    with pytest.raises(InvalidInput, match=words):
        grant("probe", needs, OFFERED)


class LanguageStub(SageNode):
    """Answers language/embed."""

    default_name = "language_encoder"

    def on_configure(self) -> None:
        self.service("language/embed", self._embed)

    def _embed(self, request: Embed.Request, response: Embed.Response) -> Embed.Response:
        if request.text == "?":
            raise InvalidInput("text", request.text, "words")
        response.embedding, response.encoder_id, response.success = [0.6, 0.8], "words-1", True
        return response


def test_there_is_a_provider_for_every_capability_and_none_for_another(tmp_path):
    host = started(tmp_path, ["misbehaving_plugins:HALVING"])
    offered = host.nodes[-1]._capabilities.offered()
    assert {*offered, "generate"} == set(CAPABILITIES)
    assert "generate" not in offered  # nothing outside is asked in lock-step
    with pytest.raises(ServiceUnavailable, match="language/embed"):
        offered["embed_text"]("a bench")
    host.add(LanguageStub)
    found = offered["embed_text"]("a bench")
    assert found.embedding.tolist() == pytest.approx([0.6, 0.8])
    assert (found.embedding.dtype, found.encoder_id) == ("float32", "words-1")
    with pytest.raises(RuntimeError, match=r"language/embed: text = '\?'"):
        offered["embed_text"]("?")
    now_ns = host.clock.now_ns()
    for at_ns, text in ((now_ns, "hello"), (now_ns + 50 * MS, "a bench")):
        words = Utterance(header=header(at_ns), text=text, speaker="me", confidence=0.9)
        host.publish("text", words)
    host.run_for(0.1)
    heard = offered["utterances"](now_ns + 1, now_ns + 100 * MS)
    assert [(h.stamp_ns, h.text, h.speaker) for h in heard] == [(now_ns + 50 * MS, "a bench", "me")]
    with offered["model_session"]("vision_encoder") as model:
        other = offered["model_session"]("vision_encoder").model
        assert model.apart is other.apart, "shared in this process"


def test_without_a_camera_a_plugin_that_needs_pictures_is_not_loaded(tmp_path):
    host = started(tmp_path, ["test_plugin_specs:SEEING"], camera="")
    play(host, seconds=1.0)
    assert diagnostics(host)["plugins"] == "none"
    assert "'frames': expected one that is available here: perc" in health(host)[1]
    host = started(tmp_path, ["test_plugin_specs:SEEING"])
    play(host, seconds=1.0)
    assert diagnostics(host)["plugins"] == "halving"


SEEING = replace(HALVING, needs=("frames",))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "Halving"}, "name"),
        ({"plugin": "misbehaving_plugins"}, "plugin"),
        ({"triggers": ()}, "triggers"),
        ({"host": "cloud"}, "host"),
        ({"parameters": NodeParameters}, "parameters"),
    ],
)
def test_a_wrong_spec_is_refused_by_field(changes, field):
    with pytest.raises(InvalidInput, match=f"^{field} = "):
        replace(HALVING, **changes)
    with pytest.raises(InvalidInput, match="kind = 'smell'"):
        TriggerRule("smell")


@pytest.mark.parametrize(
    ("plugin", "words"),
    [
        ("no_such_module:Plugin", "a module that can be imported"),
        ("misbehaving_plugins:NoSuch", "an attribute NoSuch"),
        ("test_plugin_specs:make_nothing", "a subclass of Plugin"),
    ],
)
def test_a_plugin_class_that_is_none_is_refused(plugin, words):
    with pytest.raises(InvalidInput, match=words):
        set_up(replace(HALVING, plugin=plugin), PluginParameters(), OFFERED).create()


def make_nothing(context: object, parameters: object) -> None:
    """Makes no plugin."""


@dataclass(frozen=True)
class ProbeParameters(PluginParameters):
    """Parameters of a plugin."""

    depth: int = parameter(3, doc="how deep", low=1, high=9)


@dataclass(frozen=True)
class ProbingParameters(NodeParameters):
    """Parameters of a node with one group."""

    rate_hz: float = parameter(1.0, doc="rate", unit="Hz", low=0.1, high=10.0)

    @classmethod
    def groups(cls):
        return {"probe": ProbeParameters}


def test_parameters_of_a_group_are_called_by_its_prefix():
    names = [spec.name for spec in specs(ProbingParameters)]
    assert names[-8:] == [
        "probe.false_alarms_per_hour",
        "probe.period_s",
        "probe.request_atp",
        "probe.host",
        "probe.memory_mb",
        "probe.processes",
        "probe.deadline_ms",
        "probe.depth",
    ]
    built = build(ProbingParameters, {"probe.depth": 5, "rate_hz": 2.0})
    assert built.rate_hz == 2.0
    assert built.grouped["probe"] == ProbeParameters(depth=5)
    with pytest.raises(ParameterError, match=r"depth = 12: expected whole number from 1 to 9"):
        build(ProbingParameters, {"probe.depth": 12})
    with pytest.raises(
        ParameterError, match=r"probe.min_salience: is now .*alarms_per_hour, another"
    ):
        build(ProbingParameters, {"probe.min_salience": 0.2})
    with pytest.raises(ParameterError, match=r"probe.dept: unknown parameter; .* probe.depth"):
        build(ProbingParameters, {"probe.dept": 5})


def test_every_installed_plugin_has_its_parameters_in_those_of_the_node():
    built = build(OrchestratorParameters, {"look.period_s": 2.0})
    look = PluginSpec("look", "a:B", HALVING.triggers, parameters=type(built.grouped["look"]))
    assert built.of_plugin(look).period_s == 2.0
    assert built.of_plugin(replace(look, name="absent")) == look.parameters()


def test_a_plugin_has_no_name_of_its_own():
    assert not hasattr(Plugin, "name"), "the spec names it"
