"""The ports and addresses of what serves a graph's viewers."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from sage.commands.options import port
from sage.graph.viewer_addresses import MOST_PORTS, FoxgloveLease, PageLease
from sage_common.core.errors import InvalidInput
from sage_gateway.backends.listening import listen
from sage_gateway.core.token import FOXGLOVE_FILE, token_of


def test_two_graphs_get_two_ports_before_either_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    first, second = PageLease(0), PageLease(0)
    assert first.port != second.port
    listener = listen("127.0.0.1", first.port)
    with pytest.raises(InvalidInput, match="port"):
        PageLease(first.port)
    third = PageLease(0)
    assert third.port not in (first.port, second.port)
    listener.close()


def test_the_address_carries_the_token_where_no_browser_sends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    lease = PageLease(0)
    token = token_of(tmp_path)
    assert lease.address(tmp_path) == f"http://127.0.0.1:{lease.port}/#token={token}"


def test_the_address_for_foxglove_carries_a_token_that_opens_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    lease = FoxgloveLease(0)
    token = token_of(tmp_path, FOXGLOVE_FILE)
    assert token == token_of(tmp_path, FOXGLOVE_FILE) != token_of(tmp_path)
    assert lease.address(tmp_path) == f"ws://127.0.0.1:{lease.port}/?token={token}"
    assert lease.port not in range(PageLease.first, PageLease.first + MOST_PORTS)


@pytest.mark.parametrize("text", ["0", "65536", "x", "-1", "80.0", ""])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected a port"):
        port(text)
    assert port("8765") == 8765
