"""Whether a request was meant for this address: against DNS rebinding and other pages' requests.

A page of another name that resolves to this host (DNS rebinding) sends its own name as `Host`; only
`localhost` and the very address that was connected to are let pass, so no name has to be listed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

HTTP_PORT = 80
_PORT = re.compile(r"[0-9]{1,5}")
Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Endpoint:
    """Where a connection came in.

    Attributes:
        address: of this side; None: a Unix socket.
        port: of this side.
    """

    address: Address | None
    port: int

    @staticmethod
    def of(server: tuple[str, int | None] | None) -> Endpoint:
        """From what ASGI says of the server."""
        if server is None or server[1] is None:
            return Endpoint(None, 0)
        return Endpoint(_plain(ip_address(server[0].partition("%")[0])), server[1])

    def is_host(self, host: str) -> bool:
        """Whether a `Host` header names this address."""
        split = _split(host)
        if split is None:
            return False
        name, port = split
        if self.address is None:
            return name == "localhost"
        if port != self.port:
            return False
        if name == "localhost":
            return self.address.is_loopback
        try:
            return _plain(ip_address(name)) == self.address
        except ValueError:
            return False

    def is_origin(self, origin: str, host: str) -> bool:
        """Whether an `Origin` header is that of this very page, which was asked for as `host`."""
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        is_bare = parts.scheme == "http" and origin == f"http://{parts.netloc}"
        return is_bare and _split(parts.netloc) == _split(host) and self.is_host(parts.netloc)


def _split(host: str) -> tuple[str, int] | None:
    """Name or address, and port; None: it is none."""
    name, bracket, rest = host.rpartition("]")
    if bracket:
        if not name.startswith("["):
            return None
        name = name[1:]
    else:
        name, colon, rest = host.partition(":")
        rest = colon + rest
    if not rest:
        return name.lower(), HTTP_PORT
    if not (rest.startswith(":") and _PORT.fullmatch(rest[1:])):
        return None
    return name.lower(), int(rest[1:])


def _plain(address: Address) -> Address:
    """An IPv4 address that came over an IPv6 socket as itself."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
