"""The services that load, replace, unload, list and trust plugins; each runs on a worker."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

from sage_common.core.errors import InvalidInput, words_of
from sage_common.core.specs.entry_points import refresh
from sage_msgs.srv import ListPlugins, LoadPlugin, SetTrust, UnloadPlugin
from sage_orchestrator.core.hosting.crash_records import CrashRecords
from sage_orchestrator.core.hosting.hosts import set_up_on_host
from sage_orchestrator.core.plugin.catalogue import find, find_anew, installed
from sage_orchestrator.core.plugin.setup import PluginSetup
from sage_orchestrator.core.plugin.spec import PluginSpec
from sage_orchestrator.core.scheduling.orchestrator import Orchestrator
from sage_orchestrator.core.scheduling.report import PluginStatus
from sage_orchestrator.nodes.capabilities import Capabilities
from sage_orchestrator.nodes.plugin_messages import plugin_info
from sage_orchestrator.params import OrchestratorParameters

CHANGE_TIMEOUT_S = 8.0
"""So long an answer waits for a change; what takes longer goes on."""


class PluginServices:
    """Changes which plugins an orchestrator has.

    Args:
        orchestrator: whose.
        capabilities: what plugins may use.
        crashes: of plugins on threads; who crashed is loaded again by hand only.
        read_parameters: the parameters of the node as they are now.
        wait: waits until a change is done, at most so long [s]; raises what it raised, or
            FutureTimeout.

    Attributes:
        left_out: plugins that were to be loaded and could not be, and why, in words; by the name
            that the configuration gives where nothing is found under it.
    """

    def __init__(
        self,
        orchestrator: Orchestrator,
        capabilities: Capabilities,
        crashes: CrashRecords,
        read_parameters: Callable[[], OrchestratorParameters],
        wait: Callable[[Future[None], float], None],
    ) -> None:
        self._orchestrator = orchestrator
        self._capabilities, self._crashes = capabilities, crashes
        self._read_parameters = read_parameters
        self._wait = wait
        self.left_out: dict[str, str] = {}

    def load_all(self, names: tuple[str, ...]) -> list[str]:
        """Load plugins as the node becomes active, all that can be; the names of these."""
        self.left_out = {}
        loaded: list[str] = []
        for configured in names:
            name = configured
            try:
                spec = find(configured)
                name = spec.name
                if name in loaded:
                    raise InvalidInput("plugins", configured, "each plugin once")
                self._crashes.assign(name)
                setup = self._set_up(spec)
                if setup.host == "thread" and (crash := self._crashes.words(name)):
                    self.left_out[name] = crash
                    continue
                self._orchestrator.load(setup)
                loaded.append(name)
            except InvalidInput as error:
                self.left_out[name] = str(error)
        self._crashes.assign("")
        return loaded

    def on_load(
        self, request: LoadPlugin.Request, response: LoadPlugin.Response
    ) -> LoadPlugin.Response:
        """Load or replace one."""
        if ":" in request.plugin:
            raise InvalidInput("plugin", request.plugin, "the name of an installed plugin")
        refresh()
        is_loaded = find(request.plugin).name in self._loaded()
        spec = find_anew(request.plugin) if is_loaded else find(request.plugin)
        self._crashes.forget(spec.name)
        done = self._orchestrator.load(self._set_up(spec))
        response.success, response.replaced = True, is_loaded
        response.message = self._outcome(done, spec.name, "replaced" if is_loaded else "loaded")
        for name in (spec.name, *spec.former_names):
            self.left_out.pop(name, None)
        return response

    def on_unload(
        self, request: UnloadPlugin.Request, response: UnloadPlugin.Response
    ) -> UnloadPlugin.Response:
        """Unload one."""
        if request.plugin not in self._loaded() and request.plugin in installed():
            raise InvalidInput("plugin", request.plugin, "one that is loaded; this one is not")
        done = self._orchestrator.unload(request.plugin)
        response.success = True
        response.message = self._outcome(done, request.plugin, "unloaded")
        return response

    def on_list(
        self, request: ListPlugins.Request, response: ListPlugins.Response
    ) -> ListPlugins.Response:
        """All that are installed, loaded or left out, by name."""
        refresh()
        known, loaded = installed(), self._loaded()
        for name in sorted({*known, *loaded, *self.left_out}):
            info = plugin_info(name, known.get(name), loaded.get(name))
            if not info.loaded:
                info.problem = info.problem or self.left_out.get(name, "")
            response.plugins.append(info)
        response.success = True
        return response

    def on_set_trust(
        self, request: SetTrust.Request, response: SetTrust.Response
    ) -> SetTrust.Response:
        """Set the trust of one by hand."""
        response.previous = self._orchestrator.set_trust(request.plugin, request.trust)
        response.success = True
        response.message = f"trust of {request.plugin} is now {request.trust:g}"
        return response

    def _loaded(self) -> dict[str, PluginStatus]:
        return {status.name: status for status in self._orchestrator.statuses()}

    def _set_up(self, spec: PluginSpec) -> PluginSetup:
        parameters = self._read_parameters().of_plugin(spec)
        capabilities = self._capabilities
        return set_up_on_host(spec, parameters, capabilities.offered(), capabilities.process_host())

    def _outcome(self, done: Future[None], name: str, word: str) -> str:
        """What became of a change, in words."""
        try:
            self._wait(done, CHANGE_TIMEOUT_S)
        except FutureTimeout:
            return f"{name} will be {word} when its running work has ended"
        except InvalidInput:
            raise
        except Exception as error:  # noqa: BLE001 - what a plugin raises in unload is reported
            words = f"{type(error).__name__}: {words_of(error)}"
            return f"{name} is {word}; its unload failed: {words}"
        return f"{name} is {word}"
