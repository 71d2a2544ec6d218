"""The secret of a store: its forms, and the places that it may not come from."""

from __future__ import annotations

import base64
import os

import pytest

from sage_common.core.errors import InvalidInput
from sage_memory.core.engine.store_key import StoreKey, find_key

SECRET = bytes(range(32))


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def key_file(path, mode=0o600):
    path.write_text(SECRET.hex() + "\n")
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    "text",
    [
        SECRET.hex(),
        SECRET.hex().upper() + "\n",
        base64.b64encode(SECRET).decode(),
        base64.urlsafe_b64encode(SECRET).decode().rstrip("="),
    ],
)
def test_a_key_may_be_written_in_hexadecimal_or_base64(text) -> None:
    assert StoreKey.parse(text, "key") == StoreKey(SECRET, is_passphrase=False)


def test_what_is_no_key_is_a_passphrase_of_some_length() -> None:
    assert StoreKey.parse("correct horse battery", "key").is_passphrase
    with pytest.raises(InvalidInput, match="at least 16 characters") as caught:
        StoreKey.parse("correct horse 1", "key")
    assert "horse" not in str(caught.value)


def test_a_key_does_not_show_itself() -> None:
    shown = repr(StoreKey.parse("correct horse battery", "key"))
    assert "horse" not in shown


def test_no_source_is_no_key(home) -> None:
    assert find_key(home, "", {}) is None


def test_a_key_comes_from_a_file_or_from_the_environment(home, tmp_path) -> None:
    path = str(key_file(tmp_path / "key"))
    key = StoreKey(SECRET, is_passphrase=False)
    assert find_key(home, path, {}) == key
    assert find_key(home, "", {"SAGE_MEMORY_KEY_FILE": path}) == key
    assert find_key(home, "", {"SAGE_MEMORY_KEY": SECRET.hex()}) == key


def test_two_sources_are_one_too_many(home, tmp_path) -> None:
    path = str(key_file(tmp_path / "key"))
    with pytest.raises(InvalidInput, match="encryption_key_file and SAGE_MEMORY_KEY"):
        find_key(home, path, {"SAGE_MEMORY_KEY": SECRET.hex()})


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_that_others_may_read_or_write_is_refused(home, tmp_path, mode) -> None:
    with pytest.raises(InvalidInput, match="chmod 600"):
        find_key(home, str(key_file(tmp_path / "key", mode)), {})


def test_a_file_in_the_folder_of_the_store_is_refused(home) -> None:
    with pytest.raises(InvalidInput, match="outside the folder of the store"):
        find_key(home, str(key_file(home / "key")), {})


def test_a_link_into_the_folder_of_the_store_is_refused(home, tmp_path) -> None:
    link = tmp_path / "link"
    link.symlink_to(key_file(home / "key"))
    with pytest.raises(InvalidInput, match="outside the folder of the store"):
        find_key(home, str(link), {})
    other_home = tmp_path / "other"
    other_home.symlink_to(home)
    with pytest.raises(InvalidInput, match="outside the folder of the store"):
        find_key(other_home, str(home / "key"), {})


def test_a_link_out_of_the_folder_of_the_store_is_refused(home, tmp_path) -> None:
    link = home / "link"
    link.symlink_to(key_file(tmp_path / "key"))
    with pytest.raises(InvalidInput, match="outside the folder of the store"):
        find_key(home, str(link), {})


def test_a_file_with_a_second_name_is_refused(home, tmp_path) -> None:
    path = key_file(tmp_path / "key")
    os.link(path, home / "twin")
    with pytest.raises(InvalidInput, match="one name"):
        find_key(home, str(path), {})


def test_a_link_elsewhere_is_fine(home, tmp_path) -> None:
    link = tmp_path / "link"
    link.symlink_to(key_file(tmp_path / "key"))
    assert find_key(home, str(link), {}) == StoreKey(SECRET, is_passphrase=False)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: None])
def test_what_is_no_readable_file_is_refused(home, tmp_path, make) -> None:
    path = tmp_path / "key"
    make(path)
    with pytest.raises(InvalidInput, match="file"):
        find_key(home, str(path), {})


def test_a_file_of_random_bytes_is_no_key(home, tmp_path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"\xff" * 32)
    path.chmod(0o600)
    with pytest.raises(InvalidInput, match="hexadecimal or base64"):
        find_key(home, str(path), {})
