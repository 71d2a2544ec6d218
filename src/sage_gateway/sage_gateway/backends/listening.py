"""Sockets that the server listens at."""

from __future__ import annotations

import os
import socket
import stat
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from sage_common.core.errors import InvalidInput

BACKLOG = 64


def listen(address: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0: any that is free.

    Raises:
        InvalidInput: no IP address, or the port is taken or not allowed.
    """
    try:
        is_v6 = isinstance(ip_address(address), IPv6Address)
    except ValueError:
        raise InvalidInput("address", address, "an IP address such as 127.0.0.1") from None
    listener = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise InvalidInput("port", port, f"a free port of {address} ({error.strerror})") from None
    return listener


def listen_unix(path: Path) -> socket.socket:
    """A listening Unix socket, mode 0600; a socket that nobody serves any more is replaced.

    Raises:
        InvalidInput: something else is there, it is served, or its folder is not there.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_dead(path)
        before = os.umask(0o177)  # so that nobody may connect before its mode is set
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise InvalidInput("socket", str(path), f"a path for a socket ({error})") from None
    return listener


def _remove_dead(path: Path) -> None:
    if not path.exists() or not stat.S_ISSOCK(path.lstat().st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
