"""What a run has done, in figures and words."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from sage_memory.core.identifiers import id_text, parse_id


def missed(left_bytes: int, target_bytes: int) -> str:
    """That a run did not come down to its target, in words; empty if it did."""
    if left_bytes <= target_bytes:
        return ""
    return (
        f"the target was not reached: {left_bytes} bytes are left, {target_bytes} were wanted; the "
        "rest is salient, pinned, rare, or too small to be worth it"
    )


@dataclass(frozen=True)
class ConsolidationReport:
    """What a run has done.

    Attributes:
        run_id: 16 bytes; empty: nothing was changed, and nothing is to be undone.
        rolled_back: recall fell too far, and everything is as before.
        summaries, merged: summaries made, and moments that they cover.
        payloads_removed, texts_removed: experiences whose payload, or whose words, puzzle and
            context, were evicted.
        vectors_quantised, vectors_removed: experiences whose vectors are int8 now, and that
            lost vectors to their summary.
        bytes_before, bytes_after: of rows, vectors and payloads; afterwards without what is
            only kept for undoing.
        target_bytes: where it would have stopped.
        recall_before, recall_after: share of the questions about all that were answered.
        salient_before, salient_after: the same about salient experiences.
        note: in words, where there is something to say.
    """

    run_id: bytes = b""
    rolled_back: bool = False
    summaries: int = 0
    merged: int = 0
    payloads_removed: int = 0
    texts_removed: int = 0
    vectors_quantised: int = 0
    vectors_removed: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    target_bytes: int = 0
    recall_before: float = 1.0
    recall_after: float = 1.0
    salient_before: float = 1.0
    salient_after: float = 1.0
    note: str = ""

    def to_json(self) -> str:
        """Text for the column `report` of the table of runs."""
        return json.dumps(asdict(self) | {"run_id": id_text(self.run_id)})

    @classmethod
    def of_json(cls, text: str) -> ConsolidationReport:
        """Of that column; of one before schema 5, too."""
        values = json.loads(text)
        if "night_id" in values:
            values["run_id"] = values.pop("night_id")
            values.pop("replayed", None)
        report = cls(**values)
        return replace(report, run_id=parse_id(values["run_id"], "run_id"))


def format_report(report: ConsolidationReport) -> str:
    """A run in words."""
    if not report.run_id:
        return report.note
    words = (
        f"{report.bytes_before} bytes became {report.bytes_after}; {report.summaries} summaries of "
        f"{report.merged} moments; of its questions {report.recall_before:.0%} were answered "
        f"before and {report.recall_after:.0%} after"
    )
    return f"{words}; {report.note}" if report.note else words
