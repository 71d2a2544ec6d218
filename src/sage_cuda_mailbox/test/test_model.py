"""The protocols of the mailboxes, in every order of their operations, and with seeded bugs.

The checker in model/ runs the library's own headers. SAGE_MODEL_THOROUGH=1 searches further, for
minutes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
HEADERS = HERE.parent / "include"
SCENARIOS = ("ring", "participant", "pool", "handover")
COMMON = ("engine", "explorer", "main", "naming", "operations", "pool_world")
# A seeded bug changes a protocol only; what compiles without any needs no second build.
REBUILT = {
    "ring.hpp": ("ring_scenarios",),
    "participant_table.hpp": ("participant_scenarios",),
    "lease_table.hpp": ("pool_scenarios", "pool_world"),
    "pool.hpp": ("pool_scenarios", "pool_world"),
}


@dataclass(frozen=True)
class Bug:
    """One mistake in a protocol: replaces `right`, the first one after `after`, by `wrong`."""

    what: str
    header: str
    right: str
    wrong: str
    scenario: str
    says: str
    after: str = ""
    rebuilt: tuple[str, ...] = ()


BUGS = [
    Bug(
        "a reader does not look again after copying",
        "ring.hpp",
        "return Atomics::load_relaxed(cell) == word;",
        "return true;",
        "ring-laps",
        "reader 0 is given",
    ),
    Bug(
        "a writer does not mark the cell as being written",
        "ring.hpp",
        "const CellWord mine{true, writer,",
        "const CellWord mine{false, writer,",
        "ring-no-lap",
        "torn record",
    ),
    Bug(
        "the head is moved before the cell is taken",
        "ring.hpp",
        "if (Atomics::replace(cell, word, mine.packed())) {",
        "advance(sequence);\n      if (Atomics::replace(cell, word, mine.packed())) {",
        "ring-no-lap",
        "lost record",
    ),
    Bug(
        "a reader waits for a writer that died",
        "ring.hpp",
        "if (!gone_(found.holder)) {",
        "if (found.writing) {",
        "ring-deaths",
        "waits for ever",
        after="pop(Cursor & cursor",
    ),
    Bug(
        "a writer waits for a stalled one",
        "ring.hpp",
        "if (advance(sequence)) {",
        "if (false) {",
        "ring-laps",
        "never ends",
        after="if (found.writing && !gone_(found.holder)) {",
    ),
    Bug(
        "a writer takes the cell of a stalled one",
        "ring.hpp",
        "if (found.writing && !gone_(found.holder)) {",
        "if (false) {",
        "ring-laps",
        "",
    ),
    Bug(
        "the epoch stays the same when a participant leaves",
        "participant_table.hpp",
        "PlaceWord::vacant, holder.epoch + 1}",
        "PlaceWord::vacant, holder.epoch}",
        "places-full",
        "given twice in epoch",
    ),
    Bug(
        "a place is given away though its holder lives",
        "participant_table.hpp",
        "if (is_alive(index, place)) {",
        "if (place.state == PlaceWord::joining && is_alive(index, place)) {",
        "places-full",
        "joiner",
    ),
    Bug(
        "leases are given after the tensor is said to be published",
        "pool.hpp",
        "readers = leases_.grant(id);",
        "std::uint64_t early = word;\n"
        "    word = SlotWord{SlotWord::published, writer, id.generation}.packed();\n"
        "    Atomics::replace(&slot.word, early, word);\n"
        "    readers = leases_.grant(id);",
        "pool-one-slot",
        "",
    ),
    Bug(
        "a lease is taken without a look at its generation",
        "lease_table.hpp",
        "if (lease.generation != id.generation) {",
        "if (false) {",
        "pool-overwriting",
        "filled anew",
        after="Status take(",
    ),
    Bug(
        "what is said of a tensor is believed, though the lease may have ended meanwhile",
        "pool.hpp",
        "return check(reader, id);",
        "return Status::ok;",
        "pool-time-to-live",
        "reader",
    ),
    Bug(
        "a slot counts as free while leases are pending",
        "lease_table.hpp",
        "if (lease.generation != id.generation || !lease.is_open()) {",
        "if (lease.generation != id.generation || lease.state != LeaseWord::held) {",
        "pool-one-slot",
        "has an open lease",
        after="bool all_ended(",
    ),
    Bug(
        "overwriting takes back a lease that is held",
        "lease_table.hpp",
        "if (lease.generation != id.generation || lease.state != LeaseWord::pending) {",
        "if (lease.generation != id.generation || !lease.is_open()) {",
        "pool-overwriting",
        "which it holds, says",
        after="bool revoke_pending(",
    ),
    Bug(
        "a lease that was taken just before its reader retired counts as not taken",
        "lease_table.hpp",
        "if (lease.state == LeaseWord::pending && Atomics::load(word) != found) {",
        "if (false) {",
        "pool-retiring",
        "has an open lease",
    ),
    Bug(
        "the leases of a dead reader stay open",
        "lease_table.hpp",
        "if (ask_kernel && places_.is_gone(reader)) {",
        "if (false) {",
        "pool-deaths",
        "",
    ),
    Bug(
        "two writers may take one slot",
        "pool.hpp",
        "if (!Atomics::replace(&slots_[slot].word, found, mine.packed())) {",
        "Atomics::store(&slots_[slot].word, mine.packed());\n    if (false) {",
        "pool-one-slot",
        "slot",
    ),
    Bug(
        "nobody takes a tensor whose writer died before it could announce it",
        "lease_table.hpp",
        "if (lease.state != LeaseWord::pending || lease.epoch != reader.epoch) {",
        "if (lease.generation == 1 || lease.state != LeaseWord::pending) {",
        "handover-writer-dies",
        "",
        after="find_pending(",
        rebuilt=("handover_scenarios",),
    ),
]


def _compiler() -> str:
    found = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")
    if not found:
        pytest.skip("there is no C++ compiler")
    return found


def _compile(source: str, headers: Path, to: Path) -> Path:
    output = to / f"{source}.o"
    command = [_compiler(), "-std=c++17", "-O1", f"-I{headers}", "-c"]
    subprocess.run([*command, str(HERE / "model" / f"{source}.cpp"), "-o", str(output)], check=True)
    return output


def _link(objects: list[Path], to: Path) -> Path:
    program = to / "model_check"
    subprocess.run([_compiler(), *map(str, objects), "-o", str(program)], check=True)
    return program


def _check(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def sound_objects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The checker with the protocols as they are: source -> object file."""
    folder = tmp_path_factory.mktemp("sound")
    names = [*COMMON, *(f"{scenario}_scenarios" for scenario in SCENARIOS)]
    return {name: _compile(name, HEADERS, folder) for name in names}


@pytest.mark.slow
def test_the_protocols_hold(sound_objects: dict[str, Path], tmp_path: Path) -> None:
    thorough = ["--thorough"] if os.environ.get("SAGE_MODEL_THOROUGH") else []
    result = _check(_link(list(sound_objects.values()), tmp_path), *thorough)
    print(result.stdout)
    assert result.returncode == 0, result.stdout
    line = r"^(\S+): holds; .*?: (\d+) states, \d+ steps, (\d+) executions"
    found = re.findall(line, result.stdout, re.MULTILINE)
    assert len(found) == len(result.stdout.splitlines()) >= 15
    for scenario, states, executions in found:
        assert int(states) > 100 and int(executions) > 0, f"{scenario} searches next to nothing"


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.what.replace(" ", "-"))
def test_a_seeded_bug_is_found(bug: Bug, sound_objects: dict[str, Path], tmp_path: Path) -> None:
    headers = tmp_path / "include"
    shutil.copytree(HEADERS, headers)
    path = headers / "sage_mailbox" / bug.header
    text = path.read_text()
    at = text.find(bug.right, text.index(bug.after))
    assert at >= 0, f"{bug.header} has no longer: {bug.right}"
    path.write_text(text[:at] + bug.wrong + text[at + len(bug.right) :])
    rebuilt = bug.rebuilt or REBUILT[bug.header]
    # first, so that the linker takes templates, of which every object has its own, from them
    objects = {name: _compile(name, headers, tmp_path) for name in rebuilt}
    objects = objects | {name: path for name, path in sound_objects.items() if name not in rebuilt}
    result = _check(_link(list(objects.values()), tmp_path), bug.scenario)
    assert result.returncode == 1, f"not found: {bug.what}\n{result.stdout}"
    assert bug.says in result.stdout.splitlines()[0]
    trace = [line for line in result.stdout.splitlines() if line.startswith("  ")]
    assert len(trace) > 5, "the way to it is not shown"
    assert trace[-1].startswith("  => ")
