"""Asking the fusion node of a running graph."""

from __future__ import annotations

from sage.explain.explanation import Explanation, of_message
from sage.explain.question import MomentUnknown, local_time
from sage.graph.runtime_file import RunningGraph
from sage.observe.graph_calls import call_service
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_msgs.srv import Explain


def ask_graph(running: RunningGraph, asked_ns: int | None, within_s: float) -> Explanation:
    """The moment nearest to a stamp [ns], or the newest (None).

    Raises:
        MomentUnknown: the graph knows none within `within_s`.
        ServiceUnavailable: the graph has no fusion node, or it does not answer.
    """
    request = Explain.Request(stamp=to_stamp(asked_ns or 0), tolerance_s=within_s)
    response = call_service(running, "salience/explain", request)
    oldest_ns = stamp_ns(response.oldest)
    if not response.found:
        text = f"the running graph: {response.message}"
        if oldest_ns:
            nearest_ns = stamp_ns(response.salience.header.stamp)
            text += f", at {local_time(nearest_ns)}; the first is of {local_time(oldest_ns)}"
        raise MomentUnknown(text)
    return of_message(response.salience, "graph", asked_ns, response.rank, (oldest_ns, None))
