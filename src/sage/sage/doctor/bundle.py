"""All that a report of a problem needs in one file, and nothing that is private."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sage.doctor import graph_snapshot, surroundings
from sage.doctor.finding import Finding
from sage.doctor.recent_logs import recent_logs
from sage.doctor.redaction import Redaction
from sage.graph.environment import enter, graph_environment
from sage.graph.runtime_file import RunningGraph, running_graph
from sage_common.core.errors import InvalidInput

ENDING = ".tar.gz"
LEFT_OUT = (
    "what the memory holds: experiences, their words, pictures and sounds, names of places",
    "what was learned: states of nodes",
    "messages of sensors, and all other topics but /diagnostics and the memory profile",
    "variables of the environment whose names are not known to concern SAGE",
    "values of variables and parameters that are called token, key, password or the like",
    "information and debug lines of the logs; of warnings and errors, everything in quotes",
    "the name of the home folder, which is ~ here; the name of the host",
)


def check_path(path: Path) -> Path:
    """`path`, where a bundle can be written.

    Raises:
        InvalidInput: it has another ending, exists, or its folder does not.
    """
    if not path.name.endswith(ENDING) or path.name == ENDING:
        raise InvalidInput("bundle", str(path), f"a name that ends in {ENDING}")
    if path.exists() or path.is_symlink():
        raise InvalidInput("bundle", str(path), "a file that does not exist yet")
    if not path.parent.is_dir():
        raise InvalidInput("bundle", str(path), "a folder that exists")
    return path


def write_bundle(
    path: Path,
    home: Path,
    findings: Sequence[Finding],
    profile_of: Callable[[RunningGraph], dict[str, Any]],
) -> dict[str, Any]:
    """Write the bundle, for its owner alone (mode 0600); its manifest.

    Args:
        path: of the file, which must not exist.
        home: SAGE home folder, whose running graph and logs are looked at.
        findings: of `sage doctor`.
        profile_of: measures the memory of a running graph, whose domain was entered.

    Raises:
        InvalidInput: see `check_path`.
        OSError: the disk is full, or the folder cannot be written.
    """
    check_path(path)
    files, missing = _contents(home, findings, profile_of, os.environ)
    manifest = {
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in files.items()
        },
        "missing": missing,
        "left_out": LEFT_OUT,
    }
    _write(path, {"manifest.json": _as_json(manifest), **files})
    return manifest


def _contents(
    home: Path,
    findings: Sequence[Finding],
    profile_of: Callable[[RunningGraph], dict[str, Any]],
    environment: Mapping[str, str],
) -> tuple[dict[str, bytes], dict[str, str]]:
    """Files of the bundle by name, and why others are not in it."""
    redaction, missing = Redaction(environment), {}
    found: dict[str, Any] = {
        "doctor.json": [asdict(finding) for finding in findings],
        "versions.json": surroundings.versions(),
        "machine.json": surroundings.machine(home),
        "environment.json": surroundings.variables(environment),
    }
    running = running_graph(home)
    # Logs first: what follows enters the graph's environment.
    folder = Path(environment.get("ROS_LOG_DIR") or home / "log")
    logs, missing["logs"] = _tried(lambda: recent_logs(folder, redaction), "no warning, no error")
    names = ("graph.json", "diagnostics.json", "profile.json", "parameters.json")
    if running is None:
        missing |= dict.fromkeys(names, "no graph runs in this home")
    else:
        enter(graph_environment(running.domain_id, running.network, home))
        found["graph.json"] = asdict(running)
        asked: tuple[Callable[[], Any], ...] = (
            lambda: graph_snapshot.diagnostics(running, redaction),
            lambda: profile_of(running),
            lambda: graph_snapshot.parameters(home, running),
        )
        for name, ask in zip(names[1:], asked, strict=True):
            found[name], missing[name] = _tried(ask, "no node was heard")
    files = {
        name: _as_json(redaction.values(content)) for name, content in found.items() if content
    }
    files |= {f"logs/{name}": text.encode() for name, text in (logs or {}).items()}
    return files, {name: why for name, why in missing.items() if why}


def _tried(ask: Callable[[], Any], empty: str) -> tuple[Any, str]:
    """What is found, and why there is nothing; a sick graph is what bundles are made of."""
    try:
        found = ask()
    except (OSError, RuntimeError, ValueError) as error:
        return None, f"{type(error).__name__}: {error}"
    return found, "" if found else empty


def _as_json(content: Any) -> bytes:
    return (json.dumps(content, indent=1, default=str) + "\n").encode()


def _write(path: Path, files: Mapping[str, bytes]) -> None:
    folder = path.name.removesuffix(ENDING)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with (
        os.fdopen(os.open(path, flags, 0o600), "wb") as file,
        tarfile.open(fileobj=file, mode="w:gz") as archive,
    ):
        for name, data in files.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode, entry.mtime = len(data), 0o600, int(time.time())
            archive.addfile(entry, io.BytesIO(data))
