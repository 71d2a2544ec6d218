"""SAGE as a service: installed, updated, gone back to, and removed; systemd is a script here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from compose_pydantic import ComposeSpecification
from pydantic import ValidationError
from service import copies
from service.layout import Layout
from service.service import Service, ServiceError

ROOT = Path(__file__).resolve().parents[1]
UNITS = ROOT / "docker/systemd"
MIGRATIONS = "src/sage_memory/sage_memory/migrations/versions"

FAKE_SYSTEMCTL = """#!/bin/sh
echo "$*" >> "$FAKE/systemctl"
test "$1" != start || ! grep -q broken "$FAKE/root/opt/sage/current/NOTE"
"""
"""Says what it was asked for; a release with a note that it is broken does not start."""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    programs = tmp_path / "bin"
    programs.mkdir()
    noted = '#!/bin/sh\necho "$*" >> "$FAKE/${0##*/}"\n'
    fakes = {"systemctl": FAKE_SYSTEMCTL, "useradd": noted, "userdel": noted}
    for name, text in fakes.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE", str(tmp_path))
    return Layout(tmp_path / "root")


def asked(layout: Layout, program: str = "systemctl") -> list[str]:
    path = layout.root.parent / program
    return path.read_text().splitlines() if path.exists() else []


def release(layout: Layout, name: str, note: str = "", revisions: int = 1) -> Path:
    """A checkout whose set-up and `sage` are stand-ins."""
    path = layout.releases / name
    (path / MIGRATIONS).mkdir(parents=True)
    for number in range(revisions):
        (path / MIGRATIONS / f"revision_{number:04}.py").touch()
    shutil.copytree(UNITS, path / "docker/systemd")
    shutil.copytree(ROOT / "scripts/service", path / "scripts/service")
    shutil.copyfile(ROOT / "scripts/install_service.py", path / "scripts/install_service.py")
    set_up = f"import sys; sys.exit({'unfinished' in note})\n"
    (path / "scripts/setup_environment.py").write_text(set_up)
    (path / ".venv/bin").mkdir(parents=True)
    (path / ".venv/bin/sage").write_text("#!/bin/sh\n")
    (path / ".venv/bin/sage").chmod(0o755)
    (path / "NOTE").write_text(note)
    return path


def remember(layout: Layout, text: str) -> None:
    layout.state.mkdir(parents=True, exist_ok=True)
    (layout.state / "memory").write_text(text)


def remembered(layout: Layout) -> str:
    return (layout.state / "memory").read_text()


def test_a_first_release_is_installed_and_starts_with_the_machine(machine: Layout) -> None:
    first = release(machine, "first")
    program = [sys.executable, first / "scripts/install_service.py", "--root", machine.root]
    subprocess.run([*program, "install"], check=True)
    assert machine.current.resolve() == first
    assert machine.unit.read_text() == (UNITS / "sage.service").read_text()
    assert not machine.network.exists()
    assert asked(machine) == ["daemon-reload", "enable sage.service", "start sage.service"]
    is_known = subprocess.run(["id", "sage"], capture_output=True, check=False).returncode == 0
    assert is_known or "--system" in asked(machine, "useradd")[0]
    subprocess.run([*program, "install", "--network"], check=True)
    assert machine.network.read_text() == (UNITS / "network.conf").read_text()
    subprocess.run([*program, "install"], check=True)
    assert not machine.network.exists(), "it stays on this machine again"


def test_an_update_keeps_the_memory_and_a_copy_of_it(machine: Layout) -> None:
    service = Service(machine)
    service.install(release(machine, "first"), network=False)
    remember(machine, "a street")
    service.install(release(machine, "second", revisions=2), network=False)
    assert asked(machine)[3] == "stop sage.service"
    assert remembered(machine) == "a street"
    assert (machine.backups / "first/memory").read_text() == "a street"
    assert machine.current.resolve().name == "second"


def test_a_release_that_is_not_whole_changes_nothing(machine: Layout) -> None:
    service = Service(machine)
    service.install(release(machine, "first"), network=False)
    before = asked(machine)
    with pytest.raises(ServiceError, match="second is not whole, and nothing was changed"):
        service.install(release(machine, "second", "unfinished"), network=False)
    assert machine.current.resolve().name == "first" and asked(machine) == before
    with pytest.raises(ServiceError, match="expected a folder in"):
        service.install(ROOT, network=False)


def test_where_an_update_does_not_start_the_one_before_goes_on(machine: Layout) -> None:
    service = Service(machine)
    service.install(release(machine, "first"), network=True)
    remember(machine, "a street")
    second = release(machine, "second", "broken", revisions=2)
    with pytest.raises(ServiceError, match="second did not start, so first runs again"):
        service.install(second, network=True)
    assert machine.current.resolve().name == "first" and machine.network.exists()
    assert remembered(machine) == "a street"
    assert asked(machine)[-1] == "start sage.service"


def test_where_the_state_cannot_be_copied_the_service_runs_on(
    machine: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(machine)
    service.install(release(machine, "first"), network=False)
    remember(machine, "a street")
    second = release(machine, "second")
    monkeypatch.setattr(copies, "_SPARE_BYTES", 2**62)
    with pytest.raises(copies.NoSpace, match=r"MB free; a copy of .* takes"):
        service.install(second, network=False)
    assert machine.current.resolve().name == "first"
    assert asked(machine)[-2:] == ["enable sage.service", "start sage.service"]


def test_one_goes_back_with_the_memory_where_both_can_read_it(machine: Layout) -> None:
    service = Service(machine)
    with pytest.raises(ServiceError, match="there is no release to go back to"):
        service.roll_back(is_memory_restored=False)
    service.install(release(machine, "first"), network=True)
    service.install(release(machine, "second"), network=True)
    remember(machine, "a street, and since then a dog")
    service.roll_back(is_memory_restored=False)
    assert machine.current.resolve().name == "first" and machine.network.exists()
    assert remembered(machine) == "a street, and since then a dog"
    service.roll_back(is_memory_restored=False)
    assert machine.current.resolve().name == "second", "and forth"


def test_a_migrated_memory_goes_back_only_when_asked_and_what_came_since_is_kept(
    machine: Layout,
) -> None:
    service = Service(machine)
    service.install(release(machine, "first"), network=False)
    remember(machine, "a street")
    service.install(release(machine, "second", revisions=2), network=False)
    remember(machine, "a street, and since then a dog")
    with pytest.raises(ServiceError, match="first cannot read the memory, which second has migr"):
        service.roll_back(is_memory_restored=False)
    assert machine.current.resolve().name == "second"
    service.roll_back(is_memory_restored=True)
    assert machine.current.resolve().name == "first" and remembered(machine) == "a street"
    kept = machine.backups / "second/memory"
    assert kept.read_text() == "a street, and since then a dog"
    assert [path.name for path in machine.state.parent.iterdir()] == ["sage"]


def test_old_releases_and_copies_are_deleted_but_never_those_that_are_needed(
    machine: Layout,
) -> None:
    service = Service(machine)
    for number in range(5):
        service.install(release(machine, f"release{number}"), network=False)
        remember(machine, f"of release {number}")
    releases = {path.name for path in machine.releases.iterdir()}
    assert len(releases) == 3 and {"release3", "release4"} < releases
    assert {path.name for path in machine.backups.iterdir()} == {"release2", "release3"}


def test_removing_keeps_the_memory_unless_that_is_asked_for(machine: Layout) -> None:
    service = Service(machine)
    service.install(release(machine, "first"), network=True)
    remember(machine, "a street")
    service.uninstall(is_purged=False)
    assert not machine.unit.exists() and not machine.network.parent.exists()
    assert not machine.current.is_symlink() and not machine.releases.exists()
    assert remembered(machine) == "a street" and asked(machine, "userdel") == []
    service.uninstall(is_purged=True)
    assert not machine.state.exists() and asked(machine, "userdel") == ["sage"]


systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd on this machine"
)


@systemd
@pytest.mark.parametrize(("network", "threshold"), [(False, 20), (True, 25)])
def test_the_unit_is_exposed_no_more_than_intended(
    tmp_path: Path, network: bool, threshold: int
) -> None:
    """Exposure as systemd counts it: 2.0 on this machine alone, 2.5 in a network, of 10."""
    shutil.copy(UNITS / "sage.service", tmp_path)
    if network:
        (tmp_path / "sage.service.d").mkdir()
        shutil.copy(UNITS / "network.conf", tmp_path / "sage.service.d")
    unit = tmp_path / "sage.service"
    program = ["systemd-analyze", "security", "--offline=true", "--no-pager"]
    found = subprocess.run(
        [*program, f"--threshold={threshold}", unit], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
    control = subprocess.run([*program, "--threshold=5", unit], capture_output=True, check=False)
    assert control.returncode != 0, "a threshold below what it has is said to be exceeded"


@systemd
def test_the_unit_holds_nothing_that_systemd_does_not_know(tmp_path: Path) -> None:
    text = (UNITS / "sage.service").read_text()
    unit = tmp_path / "sage.service"
    unit.write_text(text.replace("/opt/sage/current/.venv/bin/sage", "/bin/true"))
    program = ["systemd-analyze", "verify", "--man=no", unit]
    verified = subprocess.run(program, capture_output=True, text=True, check=False)
    assert "sage.service" not in verified.stderr, verified.stderr


def test_the_compose_file_is_one() -> None:
    described = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
    own = {key: value for key, value in described.items() if not key.startswith("x-")}
    services = ComposeSpecification(**own).services
    assert set(services) == {"nano", "thor"}
    stages = re.findall(r"^FROM .* AS (\w+)$", (ROOT / "docker/Dockerfile").read_text(), re.M)
    assert [described["services"][name]["build"]["target"] for name in services] == stages
    with pytest.raises(ValidationError, match="memory"):
        ComposeSpecification(services={"nano": {"memory": "4g"}})
