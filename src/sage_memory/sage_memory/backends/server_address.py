"""What a PostgreSQL URL says, and the password that it must not say."""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.engine.url import URL, make_url
from sqlalchemy.exc import ArgumentError

from sage_common.core.errors import InvalidInput

DRIVERS = ("postgresql", "postgresql+pg8000")
OPTIONS = ("unix_sock", "sslmode", "sslrootcert")
SSL_MODES = ("verify-full", "require", "disable")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
FORM = "postgresql+pg8000://user@host:port/database, or with ?unix_sock=/path/.s.PGSQL.5432"


@dataclass(frozen=True)
class ServerAddress:
    """A database on a PostgreSQL server.

    Attributes:
        user, database: whose, and which.
        host, port: of a server behind TCP.
        unix_socket: of one on this machine; empty: TCP.
        ssl_mode: one of `SSL_MODES`; verify-full unless the server is on this machine.
        ssl_root_certificate: file of the authority that signed the server's; empty: the
            system's.
    """

    user: str
    database: str
    host: str
    port: int
    unix_socket: str
    ssl_mode: str
    ssl_root_certificate: str = field(default="")

    @staticmethod
    def parse(text: str) -> ServerAddress:
        """The address in a URL.

        Raises:
            InvalidInput: it is no such URL, or holds a password, which any log may show.
        """
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):
            raise InvalidInput("database_url", "no URL", FORM) from None
        shown = url.render_as_string(hide_password=True)
        if url.password is not None:
            raise InvalidInput(
                "database_url", shown, "no password: PGPASSWORD or PGPASSFILE has it"
            )
        if url.drivername not in DRIVERS or not url.username or not url.database:
            raise InvalidInput("database_url", shown, FORM)
        options = _options(url, shown)
        here = bool(options["unix_sock"]) or (url.host or "localhost") in LOOPBACK
        return ServerAddress(
            user=url.username,
            database=url.database,
            host=url.host or "localhost",
            port=url.port or 5432,
            unix_socket=options["unix_sock"],
            ssl_mode=options["sslmode"] or ("disable" if here else "verify-full"),
            ssl_root_certificate=options["sslrootcert"],
        )

    def place(self, schema: str) -> Path:
        """What errors call a schema of the database."""
        server = self.unix_socket or f"{self.host}:{self.port}"
        return Path(f"postgresql:{server}/{self.database}/{schema}")

    def connect_arguments(self) -> dict[str, Any]:
        """What pg8000 connects with, the password included."""
        where: dict[str, Any] = {"host": self.host, "port": self.port}
        if self.unix_socket:
            where = {"unix_sock": self.unix_socket}
        return where | {
            "user": self.user,
            "database": self.database,
            "password": self._password(),
            "ssl_context": self._ssl_context(),
        }

    def _ssl_context(self) -> ssl.SSLContext | bool:
        if self.ssl_mode == "disable":
            return False
        if self.ssl_mode == "require":
            return True
        return ssl.create_default_context(cafile=self.ssl_root_certificate or None)

    def _password(self) -> str | None:
        if "PGPASSWORD" in os.environ:
            return os.environ["PGPASSWORD"]
        path = Path(os.environ.get("PGPASSFILE", "~/.pgpass")).expanduser()
        if not path.is_file():
            return None
        if path.stat().st_mode & 0o077:
            raise InvalidInput("PGPASSFILE", str(path), f"mode 0600: chmod 600 {path}")
        host = "localhost" if self.unix_socket else self.host
        wanted = (host, str(self.port), self.database, self.user)
        for line in path.read_text().splitlines():
            parts = [
                re.sub(r"\\(.)", r"\1", part) for part in re.split(r"(?<!\\):", line, maxsplit=4)
            ]
            if len(parts) == 5 and all(p in ("*", w) for p, w in zip(parts, wanted, strict=False)):
                return parts[4]
        return None


def _options(url: URL, shown: str) -> dict[str, str]:
    options = {name: str(url.query.get(name, "")) for name in OPTIONS}
    unknown = sorted(set(url.query) - set(OPTIONS))
    if unknown:
        raise InvalidInput("database_url", unknown, f"no option but {', '.join(OPTIONS)}")
    if options["sslmode"] and options["sslmode"] not in SSL_MODES:
        raise InvalidInput("database_url", shown, f"sslmode one of {', '.join(SSL_MODES)}")
    return options
