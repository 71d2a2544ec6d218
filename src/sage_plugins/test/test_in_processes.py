"""The plugins in processes of their own: what they find is what they find on threads."""

from __future__ import annotations

from orchestrator_graph import play, started
from process_bench import StartedProcesses
from test_in_graph import PLUGINS
from test_look import LookWithoutModel  # noqa: F401 - the spec names it

from sage_msgs.srv import ListPlugins, LoadPlugin, UnloadPlugin

IN_PROCESSES = {"look.host": "process", "recall.host": "process", "recognise.host": "process"}


def test_a_run_is_equal_to_the_byte_wherever_the_plugins_live(tmp_path):
    processes = StartedProcesses()
    names = [*PLUGINS, "recognise"]
    digests = []
    for folder, parameters in (("threads", {}), ("processes", IN_PROCESSES)):
        host = started(tmp_path / folder, names, **parameters)
        play(host, seconds=2.0, flickers=True)
        assert len(processes.now()) == 2 * len(parameters), "a plugin and what watches it, each"
        host.close()
        assert processes.now() == []
        assert {"look", "recall", "recognise"} <= {m.plugin for m in host.messages("refinement")}
        digests.append(host.digest())
    assert digests[0] == digests[1]


def test_they_are_listed_loaded_and_unloaded_with_their_processes(tmp_path):
    processes = StartedProcesses()
    host = started(tmp_path, ["recall"], **IN_PROCESSES)
    play(host, seconds=0.5)
    (listed,) = [p for p in host.call("orchestrator/list_plugins", ListPlugins.Request()).plugins
                 if p.loaded]  # fmt: skip
    assert (listed.name, listed.host) == ("recall", "process")
    before = processes.now()
    replaced = host.call("orchestrator/load_plugin", LoadPlugin.Request(plugin="recall"))
    assert replaced.success and replaced.replaced, replaced.message
    assert not set(before) & set(processes.now())
    play(host, seconds=1.5)
    assert len(processes.now()) == 2
    assert host.call("orchestrator/unload_plugin", UnloadPlugin.Request(plugin="recall")).success
    assert processes.now() == []
    host.close()
