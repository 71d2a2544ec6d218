"""Requests of a page as calls to the nodes of the graph."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.ros.answers import NOT_ACTIVE
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.node import SageNode
from sage_gateway.backends.kept_payloads import KeptPayloads
from sage_gateway.core.contract import answers, requests
from sage_gateway.core.jobs import Progress, Work
from sage_gateway.core.ports import Figure, Refusal
from sage_gateway.ros import conversions
from sage_gateway.ros.feed import GraphFeed
from sage_gateway.ros.figures import figures
from sage_memory.core.identifiers import parse_id
from sage_msgs.action import Refine, Sleep
from sage_msgs.msg import Outcome, Puzzle
from sage_msgs.srv import Explain, Forget, ListPlugins, LoadPlugin, Recall, SetPin, UnloadPlugin

ANSWER_TIMEOUT_S = 30.0
DISCOVERY_TIMEOUT_S = 2.0
PUZZLE_TIMEOUT_S = 5.0
POLL_S = 0.02
LONGEST_TEXT = 2048
SERVICES = (
    "memory/recall", "memory/pin", "memory/forget", "salience/explain",
    "orchestrator/list_plugins", "orchestrator/load_plugin", "orchestrator/unload_plugin",
)  # fmt: skip
Stop = Callable[[], bool]


class GraphRequests:
    """Asks the graph, and changes it; called from threads beside the executor.

    Args:
        node: who asks; it is being configured.
        feed: what it has heard.
        source: where requests come from, as outcomes and tombstones name it.
    """

    def __init__(self, node: SageNode, feed: GraphFeed, source: str) -> None:
        self._node, self._feed, self._source = node, feed, source
        self._clients = {key: node.client(key) for key in SERVICES}
        self._outcome = node.publisher("outcome")
        self._refine = node.action_client("orchestrator/refine")
        self._sleep = node.action_client("memory/sleep")
        self._payloads = KeptPayloads(Path(node.home))

    # -- looking -----------------------------------------------------------------------------

    def history(self) -> answers.History:
        return answers.History(1.0, tuple(self._feed.history.points))

    def experiences(self) -> answers.Experiences:
        return answers.Experiences(tuple(self._feed.experiences))

    def learning(self) -> answers.Learning:
        with self._node.guard:  # callbacks add to it
            return self._feed.learning.answer()

    def cycle(self) -> answers.Cycle:
        return conversions.cycle(self._feed.cycle_profile())

    def camera_picture(self) -> bytes | None:
        jpeg = self._feed.jpeg
        return None if jpeg is None else jpeg.data

    def payload(self, sha256: str) -> tuple[str, bytes] | None:
        return self._payloads.read(sha256)

    def payload_picture(self, sha256: str) -> bytes | None:
        return self._payloads.picture(sha256)

    def figures(self) -> Iterator[Figure]:
        return figures(self._feed)

    def recall(self, ask: requests.Ask) -> answers.Recalled:
        if ask.like:
            parse_id(ask.like, "like")
        request = Recall.Request(
            text=ask.text,
            example_experience_id=ask.like,
            modality=ask.modality,
            entity=ask.entity,
            start=_stamp("start_s", ask.start_s),
            end=_stamp("end_s", ask.end_s),
            min_salience=ask.min_salience,
            limit=ask.limit,
            without_codes=True,
            with_declined=True,
        )
        found = self._call("memory/recall", request)
        rows = zip(found.experiences, found.scores, found.reasons, found.payload_paths, strict=True)
        return answers.Recalled(
            tuple(_remembered(*row) for row in rows),
            tuple(found.message.splitlines()),
            tuple(found.declined),
            round(float(found.search_ms), 2),
        )

    def explain(self, moment: requests.Moment) -> answers.Explained:
        stamp = _stamp("stamp_s", moment.stamp_s)
        request = Explain.Request(stamp=stamp, tolerance_s=moment.tolerance_s)
        found = self._answer("salience/explain", request)
        if not found.found:
            raise Refusal(_code_of(found.message, "not_found"), found.message, "stamp_s")
        live = [item for item in found.salience.modalities if item.valid]
        names = self._node.parameters.modalities
        return answers.Explained(
            conversions.salience_now(found.salience, names, with_grids=False),
            tuple(map(conversions.behind, live)),
            round(float(found.rank), conversions.DIGITS),
            conversions.seconds(found.oldest),
        )

    def plugins(self) -> answers.Plugins:
        found = self._call("orchestrator/list_plugins", ListPlugins.Request())
        return answers.Plugins(tuple(map(conversions.plugin_of, found.plugins)))

    # -- acting ------------------------------------------------------------------------------

    def judge(self, judged: requests.Judge) -> answers.Done:
        if judged.experience_id:
            parse_id(judged.experience_id, "experience_id")
        message = Outcome(
            experience_id=judged.experience_id,
            plugin=judged.plugin,
            reward=judged.reward,
            source=self._source,
            note=judged.note,
        )
        message.header.stamp = to_stamp(self._node.clock.now_ns())
        if judged.stamp_s:
            message.start = _stamp("stamp_s", max(judged.stamp_s - 1.0, 0.0))
            message.end = _stamp("stamp_s", judged.stamp_s)
        self._outcome.publish(message)
        return answers.Done(f"outcome {judged.reward:+g} was published")

    def pin(self, pin: requests.Pin) -> answers.Done:
        parse_id(pin.id, "id")
        self._call("memory/pin", SetPin.Request(id=pin.id, pinned=pin.pinned))
        return answers.Done("pinned" if pin.pinned else "no longer pinned")

    def forget(self, ids: tuple[str, ...], reason: str) -> answers.Forgotten:
        for identifier in ids:
            parse_id(identifier, "ids")
        request = Forget.Request(ids=list(ids), reason=reason or f"asked for by the {self._source}")
        done = self._call("memory/forget", request)
        gone = set(ids)
        kept = [item for item in self._feed.experiences if item.id not in gone]
        self._feed.experiences.clear()
        self._feed.experiences.extend(kept)
        return answers.Forgotten(done.forgotten, done.bytes_freed)

    def load(self, plugin: str) -> answers.Done:
        request = LoadPlugin.Request(plugin=plugin)
        return answers.Done(self._call("orchestrator/load_plugin", request).message)

    def unload(self, plugin: str) -> answers.Done:
        request = UnloadPlugin.Request(plugin=plugin)
        return answers.Done(self._call("orchestrator/unload_plugin", request).message)

    def refinement(self, wanted: requests.Refine) -> Work:
        if wanted.modality not in self._feed.puzzles:
            known = ", ".join(self._feed.puzzles)
            raise InvalidInput("modality", wanted.modality, f"one of {known}")

        def work(progress: Progress, should_stop: Stop) -> tuple[bool, str, dict[str, object]]:
            progress(None, f"waiting for what {wanted.modality} senses next")
            puzzle = self._next_puzzle(wanted.modality, should_stop)
            if puzzle is None:
                return False, f"nothing fresh came from {wanted.modality}", {}
            goal = Refine.Goal(
                plugin=wanted.plugin,
                input=puzzle,
                budget_atp=wanted.budget_atp,
                timeout_s=wanted.timeout_s,
            )

            def heard(feedback: Any) -> None:
                share = min(feedback.spent_atp / wanted.budget_atp, 1.0)
                progress(round(share, 3), f"{feedback.steps} steps, energy {feedback.energy:.3g}")

            done = self._run(self._refine, goal, heard, should_stop)
            return done.success, done.message, _fields(done)

        return work

    def sleep(self, wanted: requests.Sleep) -> Work:
        goal = Sleep.Goal(max_duration_s=wanted.max_duration_s, dry_run=wanted.dry_run)

        def work(progress: Progress, should_stop: Stop) -> tuple[bool, str, dict[str, object]]:
            def heard(feedback: Any) -> None:
                progress(round(float(feedback.progress), 3), feedback.stage)

            done = self._run(self._sleep, goal, heard, should_stop)
            return done.success, done.message, _fields(done)

        return work

    # -- inside ------------------------------------------------------------------------------

    def _next_puzzle(self, modality: str, should_stop: Stop) -> Puzzle | None:
        """A puzzle of the last second, or the next one; None: none came in time."""
        shared, end_s = self._feed.puzzles[modality], time.monotonic() + PUZZLE_TIMEOUT_S
        asked_ns = self._node.clock.now_ns()
        shared.want("refine", True)
        try:
            while time.monotonic() < end_s and not should_stop():
                found = shared.newest
                is_fresh = found is not None and stamp_ns(found.header.stamp) > asked_ns - NS_PER_S
                if found is not None and is_fresh and found.valid:
                    return found
                time.sleep(POLL_S)
            return None
        finally:
            shared.want("refine", False)

    def _run(self, action: Any, goal: Any, heard: Callable[[Any], None], stop: Stop) -> Any:
        try:
            return action.run(goal, heard, stop, DISCOVERY_TIMEOUT_S)
        except ServiceUnavailable as error:
            raise Refusal("unavailable", str(error)) from error

    def _call(self, key: str, request: Any) -> Any:
        """The answer of a service that did as it was asked.

        Raises:
            Refusal: it did not, or nobody answers.
        """
        answer = self._answer(key, request)
        if not answer.success:
            raise Refusal(_code_of(answer.message, "refused"), answer.message)
        return answer

    def _answer(self, key: str, request: Any) -> Any:
        client = self._clients[key]
        try:
            client.wait(DISCOVERY_TIMEOUT_S)
            return client.call(request, ANSWER_TIMEOUT_S)
        except ServiceUnavailable as error:
            raise Refusal("unavailable", str(error)) from error


def _remembered(experience: Any, score: float, reason: str, path: str) -> answers.Remembered:
    kept = conversions.kept_experience(experience)
    kept = kept if path else replace(kept, payload=None)
    return answers.Remembered(kept, round(float(score), conversions.DIGITS), reason)


def _stamp(field: str, value_s: float) -> Any:
    if value_s >= 2**31:
        raise InvalidInput(field, value_s, "a time before 2038 [s since 1970]")
    return to_stamp(round(value_s * NS_PER_S))


def _code_of(message: str, otherwise: str) -> str:
    return "unavailable" if message.endswith(NOT_ACTIVE) else otherwise


def _fields(result: Any) -> dict[str, object]:
    """An action's result as JSON knows it, without long texts."""
    values = {name: getattr(result, name) for name in result.get_fields_and_field_types()}
    return {n: v for n, v in values.items() if not isinstance(v, str) or len(v) <= LONGEST_TEXT}
