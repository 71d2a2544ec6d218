"""What `sage memory` prints for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sage.memory.counts import Counts
from sage.memory.exports.exporting import Exported
from sage.memory.exports.importing import Imported
from sage.memory.results import SleepResult
from sage_memory.core.identifiers import id_text
from sage_memory.core.places.named_place import NamedPlace
from sage_memory.core.recovery.repair import Repaired
from sage_memory.core.recovery.verification import Finding
from sage_memory.core.reidentification.individual import Individual
from sage_memory.core.taught.taught_word import TaughtWord

MOST_MET = 30
"""Lines of what was met."""


def stats_lines(home: Path, counts: Counts) -> list[str]:
    """The numbers of a memory."""
    lines = [f"{home}: memory of {counts.device}, schema version {counts.schema_version}"]
    modalities = ", ".join(f"{name} {number}" for name, number in counts.modalities.items())
    lines.append(f"experiences  {counts.experiences}" + (f": {modalities}" if modalities else ""))
    if counts.oldest_ns is not None and counts.newest_ns is not None:
        lines.append(f"of           {time_text(counts.oldest_ns)} to {time_text(counts.newest_ns)}")
    lines.append(f"summaries    {counts.summaries}, of {counts.covered} moments")
    lines.append(f"pinned       {counts.pinned}")
    lines.append(f"forgotten    {counts.forgotten}")
    for encoder_id, encodings in counts.vectors.items():
        kinds = ", ".join(f"{number} as {kind}" for kind, number in encodings.items())
        lines.append(f"vectors      {encoder_id}: {kinds}")
    for model_id, number in counts.labels.items():
        lines.append(f"labels       {model_id}: of {number} experiences")
    lines.append(f"payloads     {counts.payloads}, {_size(counts.payload_bytes)}")
    sleeps = ", ".join(f"{number} {state}" for state, number in counts.sleeps.items())
    lines.append(f"sleeps       {sleeps or 'none'}")
    if counts.can_be_undone:
        lines.append(f"             {counts.can_be_undone} of what they evicted can be restored")
    lines.append(f"entities     {counts.entities}")
    lines.append(f"places       {counts.places}")
    lines.append(f"taught       {counts.taught_words} words")
    return lines


def entity_lines(home: Path, found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Entities with what is thought of them."""
    if not found:
        return [f"{home}: no entity is known yet"]
    width = max(len(entity["name"]) for entity in found)
    return [
        f"{entity['name']:<{width}}  {entity['kind']:<8} trust {entity['trust']:.2f}, "
        f"reward {entity['reward']:+.2f}, coherence {entity['coherence']:.2f}, "
        f"conflict {entity['conflict']:.2f}, {entity['observations']} observations, "
        f"last {time_text(entity['last_ns'])}"
        for entity in found
    ]


def met_lines(met: Sequence[Individual]) -> list[str]:
    """Objects, speakers and places with how often they were met, the most often met first."""
    lines = [
        f"{one.kind} {one.name}: met {_times(one.meetings)}, {_many(one.moments, 'moment')}, "
        f"first {time_text(one.first_ns)}, last {time_text(one.last_ns)}: {id_text(one.last_id)}"
        for one in met[:MOST_MET]
    ]
    if len(met) > MOST_MET:
        lines.append(f"and {len(met) - MOST_MET} more: --json")
    return lines


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def place_lines(home: Path, found: Sequence[NamedPlace]) -> list[str]:
    """Places that are known by name, with their areas."""
    if not found:
        return [f"{home}: no place is known by name yet"]
    return [place_line(place) for place in found]


def place_line(place: NamedPlace) -> str:
    """A place with its area."""
    x, y, z = place.centre
    named = f"named {_times(place.namings)}"
    area = f"within {place.radius_m:.2f} m of {x:.2f}, {y:.2f}, {z:.2f} in {place.frame}"
    return f"{place.name}: {area}, {named}" + ", private" * place.is_private


def taught_lines(home: Path, words: Sequence[TaughtWord]) -> list[str]:
    """Words that were taught."""
    if not words:
        return [f"{home}: no word was taught yet"]
    return [
        f"{word.word}: {_many(len(word.examples), word.kind)}, "
        f"taught {time_text(word.taught_ns)}, told by {word.features_by}"
        for word in words
    ]


def before_private_lines(place: NamedPlace) -> list[str]:
    """What becomes of what was kept in a place before it was private."""
    x, y, z = place.centre
    where = f"--place {place.frame},{x:.2f},{y:.2f},{z:.2f} --within {place.radius_m:.2f}"
    return [
        "what was kept there before stays; `sage memory forget ID...` erases what this lists:",
        f"  sage recall {where}",
    ]


def export_lines(folder: Path, done: Exported) -> list[str]:
    """What was written."""
    lines = [
        f"{folder}: {done.rows['experiences']} experiences, {done.rows['vectors']} vectors, "
        f"{done.payload_files} payloads, {_size(done.bytes)}"
    ]
    if done.payloads_missing:
        lines.append(f"{done.payloads_missing} payloads are lost, and not in it")
    lines.append("it is not encrypted")
    return lines


def import_lines(home: Path, done: Imported) -> list[str]:
    """What was taken in, and what was there already."""
    lines = [
        f"{home}: {done.rows['experiences']} experiences, {done.rows['vectors']} vectors and "
        f"{done.payload_files} payloads taken in"
    ]
    if done.skipped.get("experiences"):
        stay = done.skipped["experiences"] - done.forgotten
        lines.append(f"{stay} experiences were there already, and stay")
    if done.forgotten:
        lines.append(f"{done.forgotten} experiences were forgotten here, and stay so")
    return lines


def sleep_lines(done: SleepResult) -> list[str]:
    """What a sleep has done."""
    if not done.run_id and not done.merged and not done.payloads_removed:
        return [done.message or "nothing to do"]
    lines = [
        f"{done.merged} moments merged into {done.summaries} summaries",
        f"evicted: {done.payloads_removed} payloads, {done.texts_removed} texts, vectors of "
        f"{done.vectors_removed}",
        f"{_size(done.bytes_before)} before, {_size(done.bytes_after)} after",
        f"probe questions answered: {done.recall_before:.1%} before, {done.recall_after:.1%} after",
    ]
    if done.rolled_back:
        lines.append("recall fell too far: everything is as before")
    if done.message:
        lines.append(done.message)
    if done.run_id and not done.rolled_back:
        lines.append(f"to take it back: sage memory undo {done.run_id}")
    return lines


def finding_lines(home: Path, found: Sequence[Finding]) -> list[str]:
    """What is wrong with a store, and what to do."""
    if not found:
        return [f"{home}: nothing is wrong"]
    lines = []
    for finding in found:
        kind = "serious" if finding.serious else "minor"
        lines.append(f"{kind}: {finding.what}: {finding.where}")
        lines.append(f"         {finding.fix}")
    return lines


def leftover_lines(left: Sequence[Path]) -> list[str]:
    """A warning that what was forgotten may still be in files that were set aside."""
    if not left:
        return []
    named = ", ".join(str(path) for path in left)
    return [f"warning: it may still be in what was set aside; remove it if not needed: {named}"]


def repair_lines(home: Path, done: Repaired) -> list[str]:
    """What was kept and what was lost."""
    lines = [
        f"{home}: {done.kept.get('experiences', 0)} experiences and "
        f"{done.kept.get('vectors', 0)} vectors kept"
    ]
    lines += [f"lost: {lost}" for lost in done.lost]
    lines.append(
        f"the damaged files are in {done.set_aside}: they hold everything, also what is forgotten "
        "later; remove the folder once you are satisfied"
    )
    return lines


def time_text(stamp_ns: int) -> str:
    """Local time of a stamp since 1970 [ns], to the second."""
    return datetime.fromtimestamp(stamp_ns / 1e9).strftime("%Y-%m-%d %H:%M:%S")


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"
