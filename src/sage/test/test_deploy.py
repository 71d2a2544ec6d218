"""`sage deploy` over SSH to a server on this machine, whose set-up and systemd are scripts."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sage.cli import main

SSHD = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")
ROOT = Path(__file__).resolve().parents[3]
START_TIMEOUT_S = 60.0

needs_sshd = pytest.mark.skipif(SSHD is None, reason="no SSH server on this machine")

SERVER = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
SetEnv PATH={folder}/bin:/usr/local/bin:/usr/bin:/bin FAKE={folder}
"""
CLIENT = """
Host robot
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/user
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known
  StrictHostKeyChecking accept-new
  LogLevel ERROR
"""
SET_UP = """
import os
os.makedirs(".venv/bin", exist_ok=True)
os.path.lexists(".venv/bin/sage") or os.symlink("/bin/true", ".venv/bin/sage")
"""
Run = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    programs = tmp_path / "bin"
    programs.mkdir()
    fakes = {
        "systemctl": 'echo "$*" >> "$FAKE/asked"\n'
        'test "$1" != start || ! grep -q broken "$FAKE/robot/opt/sage/current/NOTE"\n',
        "useradd": "", "userdel": "", "sudo": 'shift; exec "$@"\n',
        "docker": 'echo "docker $*" >> "$FAKE/asked"\n',
        "uname": 'cat "$FAKE/architecture"\n',
    }  # fmt: skip
    for name, text in fakes.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}")
        (programs / name).chmod(0o755)
    (tmp_path / "architecture").write_text("x86_64\n")
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for name in ("host", "user"):
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name]
        subprocess.run(key, check=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # without it the server does not start
    (folder / "server").write_text(SERVER.format(port=port, folder=folder))
    client = CLIENT.format(port=port, folder=folder, user=getpass.getuser())
    (folder / "client").write_text(client)
    log = (folder / "log").open("wb")
    process = subprocess.Popen([str(SSHD), "-D", "-e", "-f", folder / "server"], stderr=log)
    try:
        end_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < end_s:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()
        log.close()


def checkout(folder: Path) -> Path:
    """A repository with the scripts of this one, whose set-up takes no time."""
    path = folder / "checkout"
    shutil.copytree(ROOT / "scripts/service", path / "scripts/service",
                    ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    shutil.copyfile(ROOT / "scripts/install_service.py", path / "scripts/install_service.py")
    (path / "scripts/setup_environment.py").write_text(SET_UP)
    shutil.copytree(ROOT / "docker", path / "docker")
    commit(path, "works")
    return path


def commit(path: Path, note: str) -> str:
    (path / "NOTE").write_text(note)
    git = ["git", "-C", path, "-c", "user.name=a", "-c", "user.email=a@example.org"]
    if not (path / ".git").exists():
        subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", note], check=True)
    described = [*git, "describe", "--always", "--abbrev=12"]
    return subprocess.run(described, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def deploy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*words: str) -> int:
        own = ["--ssh-config", str(folder / "client"), "--root", str(folder / "robot")]
        return main(["deploy", "robot", *own, *words])

    monkeypatch.chdir(checkout(folder))
    return run


@needs_sshd
def test_a_checkout_is_installed_updated_taken_back_and_removed(
    folder: Path, server: None, deploy: Run
) -> None:
    current = folder / "robot/opt/sage/current"
    assert deploy("--network") == 0
    first = current.resolve().name
    assert (folder / "robot/etc/systemd/system/sage.service.d/network.conf").is_file()
    assert (folder / "asked").read_text().splitlines()[-1] == "start sage.service"

    assert deploy() == 0, "the same again does no harm"
    broken = commit(Path.cwd(), "broken")
    assert deploy() == 2, "it did not start"
    assert current.resolve().name == first

    second = commit(Path.cwd(), "works again")
    Path("NOTE").write_text("broken, and not committed")
    assert deploy() == 0 and current.resolve().name == second != broken
    assert deploy("--rollback") == 0 and current.resolve().name == first
    assert deploy("--uninstall") == 0 and not current.is_symlink()
    assert deploy("--rollback") == 2, "there is nothing left"


@needs_sshd
def test_on_arm_a_container_is_built_and_runs(folder: Path, server: None, deploy: Run) -> None:
    (folder / "architecture").write_text("aarch64\n")
    assert deploy() == 0
    asked = (folder / "asked").read_text()
    assert asked.startswith("docker compose --file ") and asked.endswith(
        "up --build --detach nano\n"
    )
    assert deploy("--rollback") == 2


@needs_sshd
def test_what_cannot_be_deployed_to_is_said(
    folder: Path, server: None, deploy: Run, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (folder / "architecture").write_text("riscv64\n")
    assert deploy() == 2
    assert "robot = 'riscv64': expected x86_64 or aarch64" in capfd.readouterr().err
    (folder / "architecture").write_text("x86_64\n")
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    assert deploy() == 2
    assert "expected a clone of SAGE's repository" in capfd.readouterr().err


def test_a_host_that_is_an_option_or_is_not_there_is_refused(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = folder / "client"
    config.write_text("Host gone\n  HostName 127.0.0.1\n  Port 1\n")
    assert main(["deploy", "gone", "--ssh-config", str(config)]) == 2
    assert "sage deploy: gone: " in capfd.readouterr().err
    assert main(["deploy", "--", "-oProxyCommand=touch x"]) == 2
    assert not Path("x").exists()
